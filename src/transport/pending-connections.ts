import type { Socket } from 'node:net'
import type { Limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'

interface Pending {
  readonly address: string
  readonly since: number
  /** Present while a TLS handshake is under way. */
  handshake: string | undefined
}

/** How often the deadlines are looked at. */
const tickMs = 250

/**
 * Connections that were accepted and are neither served nor upgraded yet. Node's own limits (60 s for a header,
 * looked at every 30 s, and never on a shared port) are too slow for a port that strangers reach, so time and number
 * are bounded here: one deadline for the first byte, a TLS handshake and the header together (H1, H2, H16, H17).
 */
export class PendingConnections {
  /** In order of arrival. */
  readonly #pending = new Map<Socket, Pending>()
  readonly #perAddress = new Map<string, number>()
  /** By the ends of the connection: Node does not tell which socket a TLSSocket is made of. */
  readonly #handshakes = new Map<string, Socket>()
  readonly #limits: Limits
  /** One for all sockets, and taken off those that become sessions: a thousand of them are to be small. */
  readonly #onClose: (this: Socket) => void
  #timer: NodeJS.Timeout | undefined

  constructor(limits: Limits) {
    this.#limits = limits
    const release = (socket: Socket): void => this.release(socket)
    this.#onClose = function onClose() {
      release(this)
    }
  }

  get size(): number {
    return this.#pending.size
  }

  /** Takes a connection in, or destroys it when there is no room. @returns whether it was taken in */
  admit(socket: Socket, address: string): boolean {
    const { pendingPerAddress, pending } = this.#limits
    const crowded = (this.#perAddress.get(address) ?? 0) >= pendingPerAddress
    if ((crowded && !this.#makeRoom(address)) || (this.#pending.size >= pending && !this.#makeRoom())) {
      socket.destroy()
      return false
    }
    this.#pending.set(socket, { address, since: monotonicMs(), handshake: undefined })
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1)
    socket.on('close', this.#onClose)
    this.#timer ??= setInterval(() => this.#enforceLimits(), tickMs)
    return true
  }

  /** A TLS handshake begins on `socket`. */
  beginHandshake(socket: Socket): void {
    const entry = this.#pending.get(socket)
    if (entry === undefined) return
    entry.handshake = endsOf(socket)
    this.#handshakes.set(entry.handshake, socket)
  }

  /**
   * A TLS handshake has ended well.
   *
   * @param secured the TLSSocket
   * @returns the socket below it, which is pending still; undefined when it is not, or more bytes came on it than an
   *   honest handshake takes, with a first request behind it (T4)
   */
  endHandshake(secured: Socket): Socket | undefined {
    const socket = this.#handshakes.get(endsOf(secured))
    const entry = socket === undefined ? undefined : this.#pending.get(socket)
    const { firstRequestBytes } = this.#limits
    if (socket === undefined || entry === undefined || this.#isTooLong(socket, firstRequestBytes)) {
      return undefined
    }
    this.#forgetHandshake(entry)
    return socket
  }

  /** Lets go of a connection that has become a session, or has ended. */
  release(socket: Socket): void {
    const entry = this.#pending.get(socket)
    if (entry === undefined) return
    this.#pending.delete(socket)
    this.#forgetHandshake(entry)
    socket.off('close', this.#onClose)
    const left = (this.#perAddress.get(entry.address) ?? 0) - 1
    if (left > 0) this.#perAddress.set(entry.address, left)
    else this.#perAddress.delete(entry.address)
    if (this.#pending.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Destroys whatever is pending. */
  destroyAll(): void {
    for (const socket of this.#pending.keys()) this.#end(socket)
  }

  /**
   * The oldest gives way to a newcomer, if it has had time enough to be served: so those who hold connections
   * open keep nobody out, and a burst of honest requests is not cut down by its own end.
   */
  #makeRoom(address?: string): boolean {
    const grace = monotonicMs() - this.#limits.pendingGraceMs
    for (const [socket, entry] of this.#pending) {
      if (entry.since > grace) return false
      if (address === undefined || entry.address === address) {
        this.#end(socket)
        return true
      }
    }
    return false
  }

  #enforceLimits(): void {
    const now = monotonicMs()
    const { firstByteMs, headersMs } = this.#limits
    for (const [socket, { since, handshake }] of this.#pending) {
      const age = now - since
      const isLate = age >= headersMs || (age >= firstByteMs && socket.bytesRead === 0)
      if (isLate || (handshake !== undefined && this.#isTooLong(socket))) this.#end(socket)
    }
  }

  #isTooLong(socket: Socket, besideBytes = 0): boolean {
    return socket.bytesRead > this.#limits.handshakeBytes + besideBytes
  }

  #forgetHandshake(entry: Pending): void {
    if (entry.handshake !== undefined) this.#handshakes.delete(entry.handshake)
    entry.handshake = undefined
  }

  #end(socket: Socket): void {
    this.release(socket)
    socket.destroy()
  }
}

/** Names one connection among those that are open. */
function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`
}
