import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { getAsset, getAssetKeys, isSea } from 'node:sea'
import { fileURLToPath } from 'node:url'
import { P2PError } from '../index.ts'

/** One file of the page, as it is served. */
export interface PageFile {
  readonly type: string
  readonly bytes: Buffer
  readonly etag: string
}

type NamedBytes = readonly [name: string, bytes: Buffer]

/** The files of the page, by the path of their address. */
export type PageFiles = ReadonlyMap<string, PageFile>

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
}

/** What scripts/build-page.ts has made: beside the bundle, or in a clone. */
const ownFolder = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/web' : './web', import.meta.url),
)

/**
 * Reads the page, from where it was built or from `folder`, once: what a request names is then only looked up.
 *
 * @throws P2PError `file-unusable` when it was not built
 */
export function readPageFiles(folder?: string): PageFiles {
  const files = folder === undefined && isSea() ? insideFiles() : filesIn(folder ?? ownFolder)
  return new Map(
    files
      .filter(([name]) => extname(name) in types)
      .map(([name, bytes]) => [name === 'index.html' ? '/' : `/${name}`, pageFile(name, bytes)]),
  )
}

function filesIn(folder: string): readonly NamedBytes[] {
  try {
    return readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))])
  } catch (error) {
    throw new P2PError(
      'file-unusable',
      `There is no page in ${folder}. In a clone, "npm run build" makes it.`,
      {
        cause: error,
      },
    )
  }
}

/** Those of the single-file executable. */
function insideFiles(): readonly NamedBytes[] {
  return getAssetKeys()
    .filter((name) => name.startsWith('web/'))
    .map((name) => [name.slice('web/'.length), Buffer.from(getAsset(name))])
}

function pageFile(name: string, bytes: Buffer): PageFile {
  const etag = `"${createHash('sha256').update(bytes).digest('base64url')}"`
  return { type: types[extname(name)] ?? '', bytes, etag }
}

/** Answers with a file of the page; everybody may have it, and it may not change what it was made to do (C5, C7). */
export function sendPageFile(
  response: ServerResponse,
  file: PageFile,
  asked: { readonly headers: IncomingHttpHeaders; readonly port: number },
): void {
  const { bytes, etag, type } = file
  const headers: OutgoingHttpHeaders = { ...pageHeaders(asked.port), ETag: etag }
  if (asked.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end()
    return
  }
  response.writeHead(200, { ...headers, 'Content-Type': type, 'Content-Length': bytes.length }).end(bytes)
}

/** Nothing runs, is asked or is shown that is not this node's; no other page may frame it, hold it or learn of it. */
function pageHeaders(port: number): OutgoingHttpHeaders {
  return {
    'Cache-Control': 'no-cache',
    'Content-Security-Policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      `connect-src 'self' ws://127.0.0.1:${port}`,
      "img-src 'self' blob: data:",
      "manifest-src 'self'",
      "worker-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
      // The address of a service worker needs a policy, which is the only one there is.
      'trusted-types p2p',
    ].join('; '),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  }
}
