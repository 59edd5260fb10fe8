import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { errorTable, isP2PError, limits, messageOf, P2PError, type ErrorCode } from '../index.ts'
import type { Answer } from './operation.ts'

/** No page may be made of an answer, and none is kept anywhere. There is no CORS header (C3). */
const always = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const

export function sendText(response: ServerResponse, type: string, text: string): void {
  response.writeHead(200, { ...always, 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) })
  response.end(text)
}

export function sendElsewhere(response: ServerResponse, address: string): void {
  response.writeHead(307, { ...always, Location: address, 'Content-Length': 0 }).end()
}

export function sendJson(
  response: ServerResponse,
  value: unknown,
  extra: Readonly<Record<string, number>> = {},
): void {
  const text = JSON.stringify(value)
  const length = Buffer.byteLength(text)
  response.writeHead(200, {
    ...always,
    ...extra,
    'Content-Type': 'application/json',
    'Content-Length': length,
  })
  response.end(text)
}

/** The HTTP status of an error: the table's, and for all that is only the caller's affair one status of its own. */
function statusOf(code: ErrorCode): number {
  const { http } = new P2PError(code, '').entry
  return http ?? (code === 'usage' ? 400 : 422)
}

/** How an error is told. */
interface Telling {
  /** Of the answer, when it is not that of the table. */
  readonly status: number | undefined
  /** Whether the connection ends with it, so that the rest of a body that nobody wants is not waited for. */
  readonly ends: boolean
}

export function sendError(response: ServerResponse, error: unknown, { status, ends }: Telling): void {
  if (response.headersSent) {
    // What has been said cannot be taken back: that it was not all is told by its missing end.
    response.destroy()
    return
  }
  const known = isP2PError(error)
    ? error
    : new P2PError('internal', `${errorTable.internal.sentence} ${messageOf(error)}`)
  const text = JSON.stringify({ error: { code: known.code, message: known.message } })
  response.writeHead(status ?? statusOf(known.code), {
    ...always,
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    ...(ends && { Connection: 'close' }),
  })
  response.end(text)
}

/**
 * Throws away what is still said for a moment: whoever is cut off while he speaks does not hear the answer. He hangs up when he has heard it.
 */
export function passOver(request: IncomingMessage): void {
  if (request.complete) return
  request.resume()
  const timer = setTimeout(() => request.destroy(), limits.controlTokenMs)
  request.once('close', () => clearTimeout(timer))
}

/** Writes what comes, as fast as it is read. Nothing is said before the first piece, so that an error before it is one. */
export async function sendStream(
  response: ServerResponse,
  answer: Exclude<Answer, { kind: 'json' }>,
  signal: AbortSignal,
): Promise<void> {
  const type = answer.kind === 'lines' ? 'application/x-ndjson' : 'application/octet-stream'
  const begin = (): void => {
    if (!response.headersSent) response.writeHead(200, { ...always, 'Content-Type': type })
  }
  for await (const piece of answer.kind === 'lines' ? answer.lines : answer.bytes) {
    begin()
    const whole = typeof piece === 'string' ? `${piece}\n` : Buffer.from(piece)
    if (!response.write(whole)) await once(response, 'drain', { signal })
  }
  begin()
  response.end()
}
