import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/**
 * Who may ask. `private`: a socket that only our user can open. `loopback`: a TCP port of this machine, which every program and
 * every web page in a browser can reach.
 */
export type Gate =
  { readonly kind: 'private' } | { readonly kind: 'loopback'; readonly token: string; port(): number }

/** Why a request goes no further. */
export interface Refusal {
  readonly status: 401 | 403
  readonly message: string
}

/** 32 random bytes, for one start (C1). */
export function newToken(): string {
  return randomBytes(32).toString('hex')
}

/** Looks at where a request comes from, before anything else of it is looked at (C2, C3, C4). */
export function refuseOrigin(gate: Gate, headers: IncomingHttpHeaders): Refusal | undefined {
  const { host = '', origin, 'sec-fetch-site': site } = headers
  if (gate.kind === 'private')
    return origin === undefined ? undefined : refused('No web page may use this socket.')
  const hosts = ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${gate.port()}`)
  // Also what a name of somebody else resolves to this machine for (DNS rebinding).
  if (!hosts.includes(host)) return refused('The Host header has to name this machine and its port.')
  if (origin !== undefined && !hosts.some((own) => origin === `http://${own}`))
    return refused('No other web page may use this API.')
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return refused('No other web page may use this API.')
  return undefined
}

/**
 * Looks at where a request for the page comes from. Any page may lead a browser here, as ours in the data directory does; into a
 * frame, or as a part of itself, it may not take it (C5).
 */
export function refuseVisit(gate: Gate, headers: IncomingHttpHeaders): Refusal | undefined {
  const isVisit = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
  if (!isVisit) return refuseOrigin(gate, headers)
  const { 'sec-fetch-site': _anywhere, ...rest } = headers
  return refuseOrigin(gate, rest)
}

/** Only a header counts: what stands in an address is kept in histories and logs (C1). */
export function refuseStranger(gate: Gate, headers: IncomingHttpHeaders): Refusal | undefined {
  if (gate.kind === 'private') return undefined
  const [, given = ''] = /^Bearer ([0-9a-f]+)$/.exec(headers.authorization ?? '') ?? []
  return isToken(gate, given) ? undefined : { status: 401, message: 'The token is missing or wrong.' }
}

/** Takes the same time for every wrong token, however long. */
export function isToken(gate: Gate, given: string): boolean {
  if (gate.kind === 'private') return true
  const key = randomBytes(32)
  const digest = (text: string): Buffer => createHmac('sha256', key).update(text).digest()
  return timingSafeEqual(digest(given), digest(gate.token))
}

/** Shows that whoever answers knows the token, to somebody who does not tell it before (C6). */
export function proofOf(token: string, nonce: string): string {
  return createHmac('sha256', token).update(`p2p control v1 ${nonce}`).digest('hex')
}

function refused(message: string): Refusal {
  return { status: 403, message }
}
