/** The only place where connections to peers are opened, so that nothing else can choose plain for a peer of ours (T11). */
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
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
function connectSecurely(to: Address, options: ConnectOptions): Promise<PeerConnection> {
  const { credentials, signal, timeoutMs } = options
  return new Promise((resolve, reject) => {
    // Never through an https.Agent and never with `session`: a session that goes on shows no certificate (T7).
    const socket = connectTls({
      ...peerOptions,
      host: to.address,
      port: to.port,
      secureContext: secureContextOf(credentials),
    })
    socket.setNoDelay()
    let isConnected = false
    const onConnect = (): void => void (isConnected = true)
    const onError = (error: Error): void => fail(isConnected ? insecure(to, error) : connectError(error, to))
    const onClose = (): void => fail(insecure(to, 'it hung up'))
    const onAbort = (): void => fail(signal?.reason)
    const onTimeout = (): void => {
      const why = `not within ${timeoutMs / 1_000} s`
      fail(isConnected ? insecure(to, why) : unreachable(to, why))
    }
    const onSecure = (): void => {
      try {
        const proved = proveServer(socket, to, options)
        stop()
        resolve({ socket, proved })
      } catch (error) {
        fail(error)
      }
    }
    const stop = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket
        .off('connect', onConnect)
        .off('secureConnect', onSecure)
        .off('close', onClose)
        .off('error', onError)
    }
    const fail = (error: unknown): void => {
      stop()
      socket.destroy()
      reject(error)
    }
    const timer = setTimeout(onTimeout, timeoutMs)
    signal?.addEventListener('abort', onAbort, { once: true })
    // The last one stays: between two users of the socket nobody else would listen.
    socket
      .on('connect', onConnect)
      .on('secureConnect', onSecure)
      .on('close', onClose)
      .on('error', onError)
      .on('error', ignore)
  })
}

function proveServer(socket: TLSSocket, to: Address, { id, credentials }: ConnectOptions): ProvedPeer {
  const proved = verifyPeer(socket, credentials)
  if (proved === undefined) throw insecure(to, `it does not prove who it is as ${alpnProtocol} demands`)
  if (proved.id !== id) throw mismatch(to, id, proved.id)
  return proved
}

function ignore(): void {}
