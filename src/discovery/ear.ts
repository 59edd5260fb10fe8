import type { Socket } from 'node:dgram'

import { limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'
import { BackOff } from './back-off.ts'
import { causeOf, earError, isAlreadyJoined } from './errno.ts'
import type { Endpoint } from './explorer.ts'
import type { RareLog } from './rare-log.ts'
import { closeSocket, openSocket } from './udp-socket.ts'

export interface EarOptions {
  readonly port: number
  /** The multicast group to join; none for broadcast. */
  readonly group: string | undefined
  readonly log: RareLog
}

interface Membership {
  joined: boolean
  /** Why not; '' when nothing failed. */
  lastError: string
  readonly backOff: BackOff
}

/** The socket on the discovery port: hears announcements on every interface, and sends the answers. */
export class Ear {
  readonly port: number
  readonly #socket: Socket
  readonly #group: string | undefined
  readonly #log: RareLog
  readonly #memberships = new Map<string, Membership>()

  /** @throws P2PError `port-taken`, `port-forbidden`, `network-unusable` */
  static async open(options: EarOptions): Promise<Ear> {
    const { port, log } = options
    const onError = (error: Error): void => log.warn('The discovery port reports trouble.', causeOf(error))
    try {
      const socket = await openSocket({ address: '0.0.0.0', port, shared: true, onError })
      enlargeBuffer(socket)
      return new Ear(socket, options)
    } catch (error) {
      throw earError(error, port)
    }
  }

  private constructor(socket: Socket, { group, log }: EarOptions) {
    this.port = socket.address().port
    this.#socket = socket
    this.#group = group
    this.#log = log
  }

  /** What the platform holds until it is read; 0 when it does not say. */
  get receiveBufferBytes(): number {
    try {
      // Linux tells, besides, of what it needs for itself.
      return this.#socket.getRecvBufferSize() / (process.platform === 'linux' ? 2 : 1)
    } catch {
      return 0
    }
  }

  /** Whether the group is joined at an address, and why not; undefined without a group. */
  membership(address: string): Pick<Membership, 'joined' | 'lastError'> | undefined {
    if (this.#group === undefined) return undefined
    return this.#memberships.get(address) ?? { joined: false, lastError: '' }
  }

  listen(heard: (bytes: Uint8Array, source: Endpoint) => void): void {
    this.#socket.on('message', heard)
  }

  /**
   * Is a member of the group on exactly the interfaces with these addresses. The platform drops a membership
   * without a word when its interface goes away, so it is asked for anew each time.
   *
   * @returns whether a membership is new, so that peers may have been missed until now
   */
  join(addresses: readonly string[]): boolean {
    if (this.#group === undefined) return false
    for (const address of this.#memberships.keys()) {
      if (!addresses.includes(address)) this.#leave(this.#group, address)
    }
    let isNew = false
    for (const address of addresses) {
      if (this.#joinOne(this.#group, address)) isNew = true
    }
    return isNew
  }

  answer(bytes: Uint8Array, { address, port }: Endpoint): void {
    try {
      this.#socket.send(bytes, port, address, this.#afterAnswer)
    } catch (error) {
      this.#afterAnswer(error)
    }
  }

  close(): Promise<void> {
    return closeSocket(this.#socket)
  }

  readonly #afterAnswer = (error: unknown): void => {
    if (error !== null) this.#log.warn('An announcement could not be answered.', causeOf(error))
  }

  #joinOne(group: string, address: string): boolean {
    const membership = this.#memberships.get(address) ?? {
      joined: false,
      lastError: '',
      backOff: new BackOff(),
    }
    this.#memberships.set(address, membership)
    const { joined, backOff } = membership
    const now = monotonicMs()
    if (!backOff.due(now)) return false
    try {
      this.#socket.addMembership(group, address)
      membership.joined = true
      membership.lastError = ''
      // One that was lost again and again must not make us announce every second.
      if (joined) backOff.failed(now)
      else backOff.succeeded()
      return true
    } catch (error) {
      if (joined || isAlreadyJoined(error)) {
        membership.joined = true
        backOff.succeeded()
      } else {
        membership.lastError = causeOf(error)
        if (!backOff.failing) {
          this.#log.warn('A multicast group could not be joined.', causeOf(error), { address })
        }
        backOff.failed(now)
      }
      return false
    }
  }

  #leave(group: string, address: string): void {
    this.#memberships.delete(address)
    try {
      // Linux counts memberships of interfaces that are gone, and allows 20 of them.
      this.#socket.dropMembership(group, address)
    } catch {
      // It was lost already.
    }
  }
}

/** Takes what the platform allows: some refuse a size that Linux would silently cut. */
function enlargeBuffer(socket: Socket): void {
  for (let sizeBytes = limits.receiveBufferBytes; sizeBytes > 64 * 1024; sizeBytes /= 2) {
    try {
      socket.setRecvBufferSize(sizeBytes)
      return
    } catch {
      // Try half of it.
    }
  }
}
