/** What one peer asks of another's files, and how it stands in an HTTP request (docs/protocol.md, section 9). */
import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { formatByteRange, parseByteRange } from './byte-range.ts'
import { fileIdFromRoot, groupLeaves, hashBytes, leafBytes, parseFileId, rootOfFileId } from './file-id.ts'
import type { FileId } from './file-id.ts'
import { parseOfferId, type OfferId } from './offer-id.ts'
import { fitsUtf8 } from './text.ts'

/** Names in a folder, in the order of their bytes (UTF-8), a page at a time. */
export interface ListRequest {
  readonly kind: 'list'
  /** What is looked into: everything that is shared with the asker, or what an offer to it contains. */
  readonly offer: OfferId | undefined
  /** Names joined by `/`; empty for the top. That of a file gives this one entry. Looked up in the index, never on the disk. */
  readonly path: string
  /** Only what comes after this path (relative to `path`); empty from the start. */
  readonly after: string
  /** Everything below, each with its path relative to `path`, a folder before what is in it; otherwise one level. */
  readonly deep: boolean
}

/** Files and folders whose path contains a text or fits a pattern with `*` and `?`; case does not matter. */
export interface FindRequest {
  readonly kind: 'find'
  readonly pattern: string
  /** Only what comes after this path; empty from the start. */
  readonly after: string
}

/** The hashes of all groups of a file (`group` undefined), or of all leaves of one group: 32 bytes each, nothing else. */
export interface TreeRequest {
  readonly kind: 'tree'
  readonly id: FileId
  readonly group: number | undefined
}

/** Which chunks of a file a peer has, and who else may be asked. */
export interface AvailabilityRequest {
  readonly kind: 'availability'
  readonly id: FileId
}

/** Bytes of a file from `start` up to, not including, `end`; `Range: bytes=start-(end-1)`, always present. */
export interface ContentRequest {
  readonly kind: 'content'
  readonly id: FileId
  readonly start: number
  readonly end: number
}

/**
 * Several whole small files (each at most `leafBytes`) in one answer: first, for each, its size as 32-bit big-endian number, or
 * 0xffffffff when it is not to be had; then the bytes of those that are, one after the other, in the order asked for.
 */
export interface PackRequest {
  readonly kind: 'pack'
  /** 1 to `limits.packFiles`. */
  readonly ids: readonly FileId[]
}

export type FileRequest =
  ListRequest | FindRequest | TreeRequest | AvailabilityRequest | ContentRequest | PackRequest
/** What is answered with one message of at most `limits.fileMessageBytes`. */
export type FileQuestion = ListRequest | FindRequest | TreeRequest | AvailabilityRequest
/** What is answered with a stream of content. */
export type ContentQuestion = ContentRequest | PackRequest

/** A request as HTTP carries it. */
export interface HttpFileRequest {
  readonly method: 'GET' | 'POST'
  /** Path and query. */
  readonly target: string
  /** The `Range` header; of a content alone. */
  readonly range: string | undefined
  /** Of a pack alone. */
  readonly body: Uint8Array | undefined
}

/** A request that is none: what its status says (F1, F4). */
export interface NoFileRequest {
  readonly kind: 'refused'
  readonly status: 404 | 416
}

const notFound: NoFileRequest = { kind: 'refused', status: 404 }
const badRange: NoFileRequest = { kind: 'refused', status: 416 }

/** The target of a {@link PackRequest}: the one request with a body, of at most `hashBytes * limits.packFiles` bytes. */
export const packTarget = '/pack'

/**
 * The HTTP request for what is asked.
 *
 * @throws P2PError `file-unknown` for a path or pattern that no file can have: longer than `limits.filePathBytes` together with
 *   `after` (`limits.fileNameBytes` for a pattern), or with `.`, `..`, nothing or a NUL as or in a name; `internal` for numbers that
 *   cannot be
 */
export function encodeRequest(request: FileRequest): HttpFileRequest {
  const plain = { method: 'GET' as const, range: undefined, body: undefined }
  if (request.kind === 'list' || request.kind === 'find') {
    if (isAskable(request)) return { ...plain, target: targetOf(request) }
    throw new P2PError('file-unknown', 'No file can have this path. Check how it is written.')
  }
  if (!isPossible(request)) {
    throw new P2PError('internal', `A request for ${request.kind} asks for what cannot be.`)
  }
  const target = targetOf(request)
  if (request.kind === 'content') return { ...plain, target, range: formatByteRange(request) }
  return request.kind === 'pack'
    ? { ...plain, method: 'POST', target, body: rootsOf(request.ids) }
    : { ...plain, target }
}

/**
 * What an HTTP request asks for. There is one way to write each request, so everything is refused that does not come out again as
 * it came in: other escapes, other parameters or twice the same, another order. Never throws.
 */
export function parseRequest(http: {
  readonly method: string
  readonly target: string
  readonly range: string | undefined
  readonly body: Uint8Array | undefined
}): FileRequest | NoFileRequest {
  const { method, target, range, body } = http
  if (method === 'POST') return (target === packTarget && body && parsePack(body)) || notFound
  const [, route, rest = ''] = /^\/([a-z]+)[/?](.*)$/s.exec(target) ?? []
  if (method !== 'GET' || route === undefined) return notFound
  if (route === 'content') return parseContent(target, rest, range)
  const request = route === 'files' ? parseListing(rest) : parseAboutFile(route, rest)
  return request !== undefined && targetOf(request) === target ? request : notFound
}

function parseContent(target: string, rest: string, range: string | undefined): FileRequest | NoFileRequest {
  const id = parseFileId(rest)
  if (id === undefined || !target.startsWith('/content/')) return notFound
  const bytes = parseByteRange(range ?? '')
  return bytes === undefined ? badRange : { kind: 'content', id, ...bytes }
}

function parseAboutFile(route: string, rest: string): TreeRequest | AvailabilityRequest | undefined {
  const [name = '', group] = rest.split('/', 2)
  const id = parseFileId(name)
  if (id === undefined) return undefined
  if (route === 'availability') return { kind: 'availability', id }
  const request = { kind: 'tree' as const, id, group: group === undefined ? undefined : Number(group) }
  return route === 'trees' && isPossible(request) ? request : undefined
}

function parseListing(query: string): ListRequest | FindRequest | undefined {
  const values = new Map<string, string>()
  for (const parameter of query.split('&')) {
    const at = parameter.indexOf('=')
    const value = unescape(parameter.slice(at + 1))
    if (at > 0 && value !== undefined) values.set(parameter.slice(0, at), value)
  }
  const [path, pattern, after = ''] = ['path', 'find', 'after'].map((name) => values.get(name))
  const offer = parseOfferId(values.get('offer') ?? '')
  let request: ListRequest | FindRequest | undefined
  if (path !== undefined) request = { kind: 'list', offer, path, after, deep: values.has('deep') }
  else if (pattern !== undefined) request = { kind: 'find', pattern, after }
  return request !== undefined && isAskable(request) ? request : undefined
}

function parsePack(body: Uint8Array): PackRequest | undefined {
  const ids: FileId[] = []
  for (let at = 0; at < body.length && ids.length <= limits.packFiles; at += hashBytes) {
    const id = fileIdFromRoot(body.subarray(at, at + hashBytes))
    if (id === undefined) return undefined
    ids.push(id)
  }
  const request: PackRequest = { kind: 'pack', ids }
  return isPossible(request) ? request : undefined
}

function targetOf(request: FileRequest): string {
  switch (request.kind) {
    case 'list': {
      const { path, after, deep, offer } = request
      const from = after === '' ? '' : `&after=${escape(after)}`
      return `/files?path=${escape(path)}${from}${deep ? '&deep=1' : ''}${offer === undefined ? '' : `&offer=${offer}`}`
    }
    case 'find': {
      const { pattern, after } = request
      return `/files?find=${escape(pattern)}${after === '' ? '' : `&after=${escape(after)}`}`
    }
    case 'tree':
      return `/trees/${request.id}${request.group === undefined ? '' : `/${request.group}`}`
    case 'availability':
      return `/availability/${request.id}`
    case 'content':
      return `/content/${request.id}`
    case 'pack':
      return packTarget
  }
}

/** Whether there can be anything at all at such a path: it is one that a list could contain. */
function isAskable(request: ListRequest | FindRequest): boolean {
  const { after } = request
  if (!isPathOrEmpty(after)) return false
  if (request.kind === 'list') {
    const { path } = request
    return isPathOrEmpty(path) && fitsUtf8(path + after, limits.filePathBytes)
  }
  const { pattern } = request
  const possible = pattern !== '' && pattern.isWellFormed() && !pattern.includes('\0')
  return possible && fitsUtf8(pattern, limits.fileNameBytes) && fitsUtf8(after, limits.filePathBytes)
}

function isPathOrEmpty(path: string): boolean {
  if (path === '') return true
  const names = path.split('/')
  const possible = names.every((name) => name !== '' && name !== '.' && name !== '..')
  return possible && path.isWellFormed() && !path.includes('\0')
}

function isPossible(request: TreeRequest | AvailabilityRequest | ContentRequest | PackRequest): boolean {
  if (request.kind === 'content') {
    const { start, end } = request
    return isCount(start) && isCount(end) && start < end && end <= limits.fileBytes
  }
  if (request.kind === 'pack') return request.ids.length > 0 && request.ids.length <= limits.packFiles
  if (request.kind === 'availability' || request.group === undefined) return true
  return isCount(request.group) && request.group < groupsOfLargest
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** Groups of the largest file. */
const groupsOfLargest = limits.fileBytes / leafBytes / groupLeaves

function rootsOf(ids: readonly FileId[]): Uint8Array {
  const roots = new Uint8Array(hashBytes * ids.length)
  for (const [index, id] of ids.entries()) roots.set(rootOfFileId(id), hashBytes * index)
  return roots
}

/** All but the unreserved characters of RFC 3986, 2.3, and `/`. */
function escape(text: string): string {
  return encodeURIComponent(text)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Undefined when it is not UTF-8. */
function unescape(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
