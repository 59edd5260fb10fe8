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
}

/** A way to one peer. */
export interface PeerConnection {
  readonly socket: Socket
  /** What the peer has proved; undefined for a reference peer, to which the socket may still be connecting. */
  readonly proved: ProvedPeer | undefined
}

/**
 * Opens a connection to the peer `id`: inside TLS, after it has proved that it is `id` (T6), or, for a reference peer,
 * in plain. The ID alone decides, and what fails in TLS is never tried in plain.
 *
 * @throws P2PError `peer-unreachable`, `insecure-connection`, `identity-mismatch`; the abort reason of `signal`
 */
export async function connectPeer(to: Address, options: ConnectOptions): Promise<PeerConnection> {
  options.signal?.throwIfAborted()
  // Names would make a DNS query of what a stranger announced (U10).
  if (isIP(to.address) === 0) throw unreachable(to, 'that is not an IP address')
  if (isProvable(options.id)) return await connectSecurely(to, options)
  return { socket: connect({ host: to.address, port: to.port, noDelay: true }), proved: undefined }
}

/** As {@link connectPeer}, with TLS. Not one byte of the caller can leave before the key was compared. */
async function connectSecurely(to: Address, options: ConnectOptions): Promise<PeerConnection> {
  const { signal, timeoutMs } = options
  const socket = openTls(to, options.credentials)
  let isConnected = false
  socket.once('connect', () => (isConnected = true))
  const onTimeout = (): void => {
    const why = `not within ${timeoutMs / 1_000} s`
    socket.destroy(isConnected ? insecure(to, why) : unreachable(to, why))
  }
  const onAbort = (): void => void socket.destroy(new Error('aborted'))
  const timer = setTimeout(onTimeout, timeoutMs)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await once(socket, 'secureConnect')
    return { socket, proved: proveServer(socket, to, options) }
  } catch (error) {
    socket.destroy()
    if (signal?.aborted === true) throw signal.reason
    throw isConnected && !isP2PError(error) ? insecure(to, error) : connectError(error, to)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

/** Never through an https.Agent and never with `session`: on a session that goes on nobody shows a certificate (T7). */
function openTls({ address, port }: Address, credentials: Credentials): TLSSocket {
  const secureContext = secureContextOf(credentials)
  const socket = connectTls({ ...peerOptions, host: address, port, secureContext })
  // Stays: between two users of the socket nobody else would listen.
  socket.on('error', ignore)
  // The end of the handshake and the request are two writes, and the second is not to wait for the first.
  return socket.setNoDelay()
}

function proveServer(socket: TLSSocket, to: Address, { id, credentials }: ConnectOptions): ProvedPeer {
  const proved = verifyPeer(socket, credentials)
  if (proved === undefined) throw insecure(to, `it does not prove who it is as ${alpnProtocol} demands`)
  if (proved.id !== id) throw mismatch(to, id, proved.id)
  return proved
}

function ignore(): void {}
