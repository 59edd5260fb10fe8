import { createServer, type Server, type Socket } from 'node:net'
import type { Server as TlsServer, TLSSocket } from 'node:tls'
import { messageOf } from '../base/errors.ts'
import type { Limits } from '../base/limits.ts'
import type { Log } from '../base/log.ts'
import { listenError } from './errno.ts'
import { plainAddress } from './on-link.ts'
import { PendingConnections } from './pending-connections.ts'
import { sniff, type Speech } from './sniff.ts'
import { createTlsServer, verifyPeer } from './tls.ts'
import type { Credentials, ProvedPeer } from './transport.ts'

/** A connection that may speak HTTP now. */
export interface Connection {
  /** Carries HTTP: a TLSSocket when `proved` is there, else `raw` itself. */
  readonly socket: Socket
  /** The TCP socket below. */
  readonly raw: Socket
  readonly proved: ProvedPeer | undefined
}

export interface PeerPortOptions {
  readonly port: number
  readonly host: string
  readonly limits: Limits
  readonly credentials: Credentials
  /** Whether a connection from this address is wanted at all (H14). */
  admits(address: string): boolean
  /** Nothing of what the caller wants to say was read yet; the connection is pending until {@link PeerPort.release}. */
  serve(connection: Connection): void
  readonly log: Log
}

/**
 * The TCP port that peers of both kinds share. Tells TLS from plain HTTP by the first byte, and lets nobody speak inside
 * TLS who has not proved a key. Every connection has an error handler from the moment it is accepted (H15).
 */
export class PeerPort {
  readonly #options: PeerPortOptions
  readonly #pending: PendingConnections
  readonly #server: Server
  readonly #tls: TlsServer

  private constructor(options: PeerPortOptions) {
    this.#options = options
    this.#pending = new PendingConnections(options.limits)
    // As node:http does it: a caller may end its side and still read the answer.
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) =>
      this.#onConnection(socket),
    )
    this.#tls = createTlsServer(options.credentials)
      .on('secureConnection', (socket) => this.#onSecureConnection(socket))
      // Also how Node tells that a handshake takes too long; it ends nothing by itself (H17).
      .on('tlsClientError', (_, socket) => socket.destroy())
  }

  /** @throws P2PError `port-taken`, `port-forbidden`, `network-unusable` */
  static async open(options: PeerPortOptions): Promise<PeerPort> {
    const port = new PeerPort(options)
    await port.#listen()
    return port
  }

  get port(): number {
    const bound = this.#server.address()
    return typeof bound === 'object' ? (bound?.port ?? 0) : 0
  }

  /** A connection has become a session: it no longer counts, and has no deadline here. */
  release(connection: Connection): void {
    this.#pending.release(connection.raw)
  }

  /** Stops listening and drops every connection that is not a session; sessions belong to their channels. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#pending.destroyAll()
    })
  }

  #listen(): Promise<void> {
    const { port, host, log } = this.#options
    return new Promise((resolve, reject) => {
      const onError = (error: Error): void => reject(listenError(error, port))
      this.#server.once('error', onError)
      this.#server.listen({ port, host, backlog: 1024 }, () => {
        this.#server.off('error', onError)
        // Running out of file descriptors is reported here, and is no reason to stop.
        this.#server.on('error', (error) =>
          log.warn('accepting a connection failed', { error: messageOf(error) }),
        )
        resolve()
      })
    })
  }

  #onConnection(socket: Socket): void {
    socket.on('error', ignore)
    const address = plainAddress(socket.remoteAddress)
    if (!this.#options.admits(address)) socket.destroy()
    else if (this.#pending.admit(socket, address)) sniff(socket, (speech) => this.#onSpeech(socket, speech))
  }

  #onSpeech(socket: Socket, speech: Speech): void {
    if (speech === 'tls') {
      this.#pending.beginHandshake(socket)
      // Half a TLS connection is good for nothing: whoever breaks off a handshake is gone at once.
      socket.allowHalfOpen = false
      this.#tls.emit('connection', socket)
    } else if (speech === 'http') this.#options.serve({ socket, raw: socket, proved: undefined })
    else socket.destroy()
  }

  #onSecureConnection(socket: TLSSocket): void {
    socket.on('error', ignore)
    const raw = this.#pending.endHandshake(socket)
    const proved = raw === undefined ? undefined : verifyPeer(socket, this.#options.credentials)
    if (raw === undefined || proved === undefined) socket.destroy()
    else this.#options.serve({ socket, raw, proved })
  }
}

function ignore(): void {}
