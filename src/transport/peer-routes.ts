/** What the peer port answers: request in, answer out, no sockets. Rows H3 to H10 of the threat table. */
import { limits } from '../base/limits.ts'
import { parsePeerId, type PeerId } from '../protocol/peer-id.ts'
import { encodePeerList } from '../protocol/peer-list.ts'
import type { TransportContext } from './transport.ts'

/** The head of a request; nothing here ever reads a body. */
export interface PeerRequest {
  readonly method: string
  /** The request target as it came, not decoded. */
  readonly target: string
  /** Names and values by turns, as they came. */
  readonly rawHeaders: readonly string[]
  /** The address of ours that was called. */
  readonly localAddress: string
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

export type Route =
  { readonly kind: 'answer'; readonly answer: Answer } | { readonly kind: 'session'; readonly peerId: PeerId }

export interface RouteContext extends Pick<
  TransportContext,
  'selfId' | 'isKnown' | 'peersFor' | 'admitsSession'
> {
  isStopping(): boolean
  /** The address that others reach us at, when it is not one of this machine. */
  readonly publicIp: string | undefined
}

/** Decides what a request gets. */
export function routeRequest(request: PeerRequest, context: RouteContext): Route {
  const refusal = refuseRequest(request, context)
  if (refusal !== undefined) return { kind: 'answer', answer: refusal }
  switch (request.target) {
    case '/ping':
      return { kind: 'answer', answer: { status: 200, body: 'ok' } }
    case '/peers':
      return { kind: 'answer', answer: answerPeers(request, context) }
    case '/ws':
      return routeSession(request, context)
    default:
      return { kind: 'answer', answer: { status: 404 } }
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
  if (request.method !== 'GET') return { status: 405, headers: { Allow: 'GET' } }
  if (hasBody(request)) return { status: 400 }
  return undefined
}

function answerPeers(request: PeerRequest, context: RouteContext): Answer {
  const asker = knownPeer(request, context)
  if (asker === undefined) return { status: 403 }
  return { status: 200, body: encodePeerList(context.peersFor(asker)) }
}

function routeSession(request: PeerRequest, context: RouteContext): Route {
  const peerId = knownPeer(request, context)
  if (peerId === undefined) return { kind: 'answer', answer: { status: 403 } }
  if (!isWebSocketRequest(request)) {
    const headers = { Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' }
    return { kind: 'answer', answer: { status: 426, headers } }
  }
  if (request.early) return { kind: 'answer', answer: { status: 400 } }
  if (!context.admitsSession(peerId)) return { kind: 'answer', answer: { status: 403 } }
  return { kind: 'session', peerId }
}

/** Who asks, if it says so exactly once and we know it. On this wire nothing proves it (W2). */
function knownPeer(request: PeerRequest, context: RouteContext): PeerId | undefined {
  const claims = valuesOf(request, 'peerid')
  const id = claims.length === 1 ? parsePeerId(claims[0] ?? '') : undefined
  return id !== undefined && id !== context.selfId && context.isKnown(id) ? id : undefined
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
