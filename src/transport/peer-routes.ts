/** What the peer port answers: request in, answer out, no sockets. Rows H3 to H10, T5, T11, F1 and F4 of the threat table. */
import { limits } from '../base/limits.ts'
import { hashBytes } from '../protocol/file-id.ts'
import { packTarget, parseRequest, type FileRequest, type NoFileRequest } from '../protocol/file-request.ts'
import { negotiatedProtocol, protocolHeader } from '../protocol/handshake.ts'
import { isProvable, parsePeerId, type PeerId } from '../protocol/peer-id.ts'
import { encodePeerList } from '../protocol/peer-list.ts'
import type { Purpose } from '../rules/trust.ts'
import type { Proof } from './channel.ts'
import type { Caller, ProvedPeer, TransportContext } from './transport.ts'

/** The head of a request; nothing here ever reads a body. One request alone has one: that for a pack of files. */
export interface PeerRequest {
  readonly method: string
  /** The request target as it came, not decoded. */
  readonly target: string
  /** Names and values by turns, as they came. */
  readonly rawHeaders: readonly string[]
  /** The address of ours that was called. */
  readonly localAddress: string
  readonly remoteAddress: string
  /** Who the caller has proved to be; undefined in plain. */
  readonly proved: ProvedPeer | undefined
  /** Whether the client asks to leave HTTP (`Connection: Upgrade`). */
  readonly upgrade: boolean
  /** Whether bytes came behind the head before we answered. */
  readonly early: boolean
}

/** A whole answer. Every answer closes its connection and says how long it is: the reference crashes without (H11). */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

interface Refusal {
  readonly kind: 'answer'
  readonly answer: Answer
}

export type Route =
  | Refusal
  | { readonly kind: 'session'; readonly peerId: PeerId; readonly proof: Proof | undefined }
  | { readonly kind: 'pairing'; readonly peerId: PeerId; readonly proof: Proof }
  | FileRoute

/** A question about files. */
export interface FileRoute {
  readonly kind: 'files'
  readonly caller: ProvedPeer
  /** What is asked; of a pack, how many bytes of body say it. What is nothing is refused like what is not there (F5). */
  readonly asked: FileRequest | NoFileRequest | { readonly kind: 'body'; readonly bodyBytes: number }
}

export interface RouteContext extends Pick<
  TransportContext,
  'selfId' | 'permits' | 'isKnown' | 'peersFor' | 'admitsSession' | 'admitsPairing'
> {
  isStopping(): boolean
  /** The address that others reach us at, when it is not one of this machine. */
  readonly publicIp: string | undefined
}

/** Decides what a request gets. */
export function routeRequest(request: PeerRequest, context: RouteContext): Route {
  const refused = refuseRequest(request, context)
  if (refused !== undefined) return { kind: 'answer', answer: refused }
  switch (request.target) {
    case '/ping':
      return { kind: 'answer', answer: { status: 200, body: 'ok' } }
    case '/peers':
      return { kind: 'answer', answer: answerPeers(request, context) }
    case '/ws':
      return routeSession(request, context)
    case '/pair':
      // Pairing exists inside TLS only: in plain there is nobody to pair with.
      return request.proved === undefined ? refusal(404) : routePairing(request, context)
    default:
      return isAboutFiles(request) ? routeFiles(request, context) : refusal(404)
  }
}

/** The checks that every request must pass, whatever it asks for. */
function refuseRequest(request: PeerRequest, context: RouteContext): Answer | undefined {
  if (request.rawHeaders.length / 2 > limits.headerCount) return { status: 431 }
  if (context.isStopping()) return { status: 503, body: 'server is stopping' }
  const hosts = valuesOf(request, 'host')
  // A page that rebinds its own name to our address sends that name (H6); the header PeerID does not stop it.
  const [host = ''] = hosts
  if (hosts.length !== 1 || !isOurHost(host, request.localAddress, context.publicIp)) return { status: 421 }
  if (isFromBrowser(request)) return { status: 403 }
  const method = isPack(request) ? 'POST' : 'GET'
  if (request.method !== method) return { status: 405, headers: { Allow: method } }
  if (method === 'GET' && hasBody(request)) return { status: 400 }
  return undefined
}

/** Files exist inside TLS only. */
function isAboutFiles({ proved, target }: PeerRequest): boolean {
  return proved !== undefined && /^\/(?:files|trees|availability|content|pack)(?:[/?]|$)/.test(target)
}

function isPack(request: PeerRequest): boolean {
  return isAboutFiles(request) && request.target === packTarget
}

function routeFiles(request: PeerRequest, context: RouteContext): Route {
  const caller = permittedCaller(request, context, 'files')
  if (caller?.key === undefined || proofOf(request) === undefined) return refusal(403)
  const peer = { id: caller.id, key: caller.key }
  if (isPack(request)) {
    const bodyBytes = packBodyBytes(request)
    return bodyBytes === undefined
      ? refusal(400)
      : { kind: 'files', caller: peer, asked: { kind: 'body', bodyBytes } }
  }
  const ranges = valuesOf(request, 'range')
  const { method, target } = request
  // Two of them are no range at all (F4).
  const range = ranges.length > 1 ? '' : ranges[0]
  return { kind: 'files', caller: peer, asked: parseRequest({ method, target, range, body: undefined }) }
}

/** Declared once, and of some whole roots; undefined otherwise. */
function packBodyBytes(request: PeerRequest): number | undefined {
  const [length = '', ...others] = valuesOf(request, 'content-length')
  if (others.length > 0 || valuesOf(request, 'transfer-encoding').length > 0) return undefined
  const bytes = /^[1-9][0-9]{0,6}$/.test(length) ? Number(length) : Infinity
  return bytes % hashBytes === 0 && bytes <= limits.packFiles * hashBytes ? bytes : undefined
}

function answerPeers(request: PeerRequest, context: RouteContext): Answer {
  const asker = permittedCaller(request, context, 'peers')
  if (asker === undefined) return { status: 403 }
  const peers = [...context.peersFor(asker.id)]
  // Only one who has proved who he is may know what files there are for him.
  const own = asker.key !== undefined && peers[0]?.id === context.selfId ? peers.shift() : undefined
  return { status: 200, body: encodePeerList(peers, limits.peerListBytes, own) }
}

function routeSession(request: PeerRequest, context: RouteContext): Route {
  const caller = permittedCaller(request, context, 'chat')
  if (caller === undefined) return refusal(403)
  const proof = proofOf(request)
  if (caller.key !== undefined && proof === undefined) return refusal(403)
  const refused = refuseWebSocket(request)
  if (refused !== undefined) return refused
  if (!context.admitsSession(caller.id, request.remoteAddress)) return refusal(403)
  return { kind: 'session', peerId: caller.id, proof }
}

function routePairing(request: PeerRequest, context: RouteContext): Route {
  const caller = permittedCaller(request, context, 'pairing')
  const proof = proofOf(request)
  if (caller?.key === undefined || proof === undefined) return refusal(403)
  const refused = refuseWebSocket(request)
  if (refused !== undefined) return refused
  const { id, key } = caller
  if (!context.admitsPairing({ id, key }, request.remoteAddress)) return refusal(403)
  return { kind: 'pairing', peerId: caller.id, proof }
}

/**
 * Who asks, if it says so exactly once and may do this. Inside TLS it must be who it has proved to be (T5). In plain
 * nothing proves it (W2): there it must be known, and must not be a peer that could prove itself (H9, T11).
 */
function permittedCaller(request: PeerRequest, context: RouteContext, purpose: Purpose): Caller | undefined {
  const claims = valuesOf(request, 'peerid')
  const id = claims.length === 1 ? parsePeerId(claims[0] ?? '') : undefined
  if (id === undefined || id === context.selfId) return undefined
  const { proved } = request
  const isBelieved = proved === undefined ? !isProvable(id) && context.isKnown(id) : proved.id === id
  const caller: Caller = { id, key: proved?.key }
  return isBelieved && context.permits(caller, purpose) ? caller : undefined
}

/** What the caller has proved and said inside TLS; the header is not looked at in plain. */
function proofOf(request: PeerRequest): Proof | undefined {
  const versions = valuesOf(request, protocolHeader.toLowerCase())
  const protocol = versions.length === 1 ? negotiatedProtocol(versions[0]) : undefined
  if (request.proved === undefined || protocol === undefined) return undefined
  return { key: request.proved.key, protocol }
}

function refuseWebSocket(request: PeerRequest): Refusal | undefined {
  if (!isWebSocketRequest(request)) {
    return refusal(426, { Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' })
  }
  return request.early ? refusal(400) : undefined
}

function refusal(status: number, headers?: Answer['headers']): Refusal {
  return { kind: 'answer', answer: headers === undefined ? { status } : { status, headers } }
}

/** RFC 6455 section 4.2.1, version 13 only: older ones carry the origin in another header. */
function isWebSocketRequest(request: PeerRequest): boolean {
  const key = valuesOf(request, 'sec-websocket-key')
  const version = valuesOf(request, 'sec-websocket-version')
  const upgrade = valuesOf(request, 'upgrade')
  return (
    request.upgrade &&
    upgrade.length === 1 &&
    upgrade[0]?.toLowerCase() === 'websocket' &&
    version.length === 1 &&
    version[0] === '13' &&
    key.length === 1 &&
    /^[+/0-9A-Za-z]{22}==$/.test(key[0] ?? '')
  )
}

/** Browsers add these on their own, peers never do (H7, W3). */
function isFromBrowser({ method, rawHeaders }: PeerRequest): boolean {
  return (
    method === 'OPTIONS' ||
    rawHeaders.some((name, index) => index % 2 === 0 && /^(?:origin|sec-fetch-.*)$/i.test(name))
  )
}

function hasBody(request: PeerRequest): boolean {
  if (valuesOf(request, 'transfer-encoding').length > 0) return true
  return valuesOf(request, 'content-length').some((length) => length !== '0')
}

const hostPattern = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?$/i

function isOurHost(host: string, localAddress: string, publicIp: string | undefined): boolean {
  const match = hostPattern.exec(host)
  const address = (match?.[1] ?? match?.[2])?.toLowerCase()
  return address !== undefined && (address === localAddress || address === publicIp?.toLowerCase())
}

function valuesOf({ rawHeaders }: PeerRequest, name: string): readonly string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)
}
