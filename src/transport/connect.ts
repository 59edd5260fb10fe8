/** The only place where connections to peers are opened, so that nothing else can choose plain for a peer of ours (T11). */
import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { isP2PError } from '../base/errors.ts'
import { isProvable, type PeerId } from '../protocol/peer-id.ts'
import { connectError, insecure, mismatch, unreachable } from './errno.ts'
import { alpnProtocol, peerOptions, secureContextOf, verifyPeer } from './tls.ts'
import type { Address, Credentials, ProvedPeer } from './transport.ts'

export interface ConnectOptions {
  /** The peer that is to be there. */
  readonly id: PeerId
  /** What we prove to a peer of ours. */
  readonly credentials: Credentials
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Takes what comes inside TLS into memory of its own instead of `data` events. */
  readonly inbound?: Inbound
}

/** The option `onread` of node:net: without it every record is a buffer of its own, which costs half the speed of a file. */
export interface Inbound {
  /** Where the next bytes are to be put. */
  readonly buffer: () => Uint8Array
  /** So many were put there. @returns false to stop reading, until `socket.resume()` */
  readonly callback: (bytes: number) => boolean
}

/** A way to one peer. */
export interface PeerConnection {
  /** Open, and with a listener for errors that stays: between two users of it nobody else would listen. */
  readonly socket: Socket
  /** The TCP socket: that below `socket` inside TLS, else, and with `inbound`, `socket` itself. */
  readonly raw: Socket
  /** What the peer has proved; undefined for a reference peer. */
  readonly proved: ProvedPeer | undefined
}

/**
 * Opens a connection to the peer `id`: inside TLS, after it has proved that it is `id` (T6), or, for a reference peer,
 * in plain. The ID alone decides, and what fails in TLS is never tried in plain. Not one byte of the caller can leave
 * before the key was compared.
 *
 * @throws P2PError `peer-unreachable`, `insecure-connection`, `identity-mismatch`; the abort reason of `signal`
 */
export async function connectPeer(to: Address, options: ConnectOptions): Promise<PeerConnection> {
  options.signal?.throwIfAborted()
  // Names would make a DNS query of what a stranger announced (U10).
  if (isIP(to.address) === 0) throw unreachable(to, 'that is not an IP address')
  if (!isProvable(options.id)) {
    const raw = openTcp(to)
    return await opened(to, options, { socket: raw, raw, event: 'connect', prove: () => undefined })
  }
  // Node honours `onread` only for a connection that TLS opens itself; nobody looks below it then.
  const raw = options.inbound === undefined ? openTcp(to) : undefined
  const socket = openTls(to, raw, options)
  const prove = (): ProvedPeer => proveServer(socket, to, options)
  return await opened(to, options, { socket, raw: raw ?? socket, event: 'secureConnect', prove })
}

/** A connection that was begun. */
interface Beginning {
  readonly socket: Socket
  readonly raw: Socket
  /** Says that it may be used. */
  readonly event: 'connect' | 'secureConnect'
  /** @throws P2PError when it is not the right peer */
  readonly prove: () => ProvedPeer | undefined
}

async function opened(
  to: Address,
  { signal, timeoutMs }: ConnectOptions,
  { socket, raw, event, prove }: Beginning,
): Promise<PeerConnection> {
  let isConnected = false
  raw.once('connect', () => (isConnected = true))
  const onTimeout = (): void => {
    const why = `not within ${timeoutMs / 1_000} s`
    socket.destroy(isConnected ? insecure(to, why) : unreachable(to, why))
  }
  const onAbort = (): void => void socket.destroy(new Error('aborted'))
  const timer = setTimeout(onTimeout, timeoutMs)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await once(socket, event)
    return { socket, raw, proved: prove() }
  } catch (error) {
    socket.destroy()
    if (signal?.aborted === true) throw signal.reason
    throw isConnected && !isP2PError(error) ? insecure(to, error) : connectError(error, to)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

/** Without delay: the end of a handshake and the request are two writes, and the second is not to wait for the first. */
function openTcp({ address, port }: Address): Socket {
  // An address that this machine has no way to fails before anybody can wait for it.
  return connect({ host: address, port, noDelay: true }).on('error', ignore)
}

/** Never through an https.Agent and never with `session`: on a session that goes on nobody shows a certificate (T7). */
function openTls(
  { address, port }: Address,
  raw: Socket | undefined,
  { credentials, inbound }: ConnectOptions,
): TLSSocket {
  const secureContext = secureContextOf(credentials)
  const below = raw === undefined ? { host: address, port, noDelay: true, onread: inbound } : { socket: raw }
  return connectTls({ ...peerOptions, ...below, secureContext }).on('error', ignore)
}

function proveServer(socket: TLSSocket, to: Address, { id, credentials }: ConnectOptions): ProvedPeer {
  const proved = verifyPeer(socket, credentials)
  if (proved === undefined) throw insecure(to, `it does not prove who it is as ${alpnProtocol} demands`)
  if (proved.id !== id) throw mismatch(to, id, proved.id)
  return proved
}

function ignore(): void {}
