import type { Socket } from 'node:dgram'

import { monotonicMs } from '../base/time.ts'
import { BackOff } from './back-off.ts'
import { causeOf } from './errno.ts'
import type { Endpoint, LinkCounters } from './explorer.ts'
import { networkTest, type NetworkInterface } from './interfaces.ts'
import type { RareLog } from './rare-log.ts'
import { closeSocket, openSocket, sendDatagram } from './udp-socket.ts'

export interface MouthOptions {
  readonly from: NetworkInterface
  /** Where announcements go; the later ones only when those before fail. */
  readonly destinations: readonly Endpoint[]
  readonly heard: (bytes: Uint8Array, source: Endpoint) => void
  readonly log: RareLog
}

/**
 * The socket that announces through one interface, and hears the answers. It is opened when there is something to
 * say; when that fails, it is closed and the same is said again later through a new one (U21).
 */
export class Mouth {
  readonly #options: MouthOptions
  readonly #backOff = new BackOff()
  #socket: Promise<Socket> | undefined
  #unsaid: Uint8Array | undefined
  #closed = false
  readonly #isNear: (address: string) => boolean
  #port: number | undefined
  #sent = 0
  #failed = 0
  #lastError = ''
  #answers = 0
  #heard = 0
  #echoed = 0

  constructor(options: MouthOptions) {
    this.#options = {
      ...options,
      heard: (bytes, source) => {
        this.#answers++
        options.heard(bytes, source)
      },
    }
    this.#isNear = networkTest(options.from)
  }

  get address(): string {
    return this.#options.from.address
  }

  /** @param membership whether the group is joined here, and why not */
  countersAs(membership: { readonly joined: boolean; readonly lastError: string } | undefined): LinkCounters {
    const { name: interfaceName, address, netmask } = this.#options.from
    return {
      interfaceName,
      address,
      netmask,
      sent: this.#sent,
      failed: this.#failed,
      joined: membership?.joined,
      lastError: this.#lastError === '' ? (membership?.lastError ?? '') : this.#lastError,
      heard: this.#heard,
      echoed: this.#echoed,
      answers: this.#answers,
    }
  }

  /** Counts what the ear heard of us, when it was said here: other explorers of our node are heard too. */
  noteEcho({ address, port }: Endpoint): void {
    if (port === this.#port && address === this.#options.from.address) this.#echoed++
  }

  /** Counts what the ear heard, when it came from this network. @returns whether it did */
  noteHeard({ address }: Endpoint): boolean {
    const isNear = this.#isNear(address)
    if (isNear) this.#heard++
    return isNear
  }

  /** Whether the datagram left. Never rejects. */
  async announce(bytes: Uint8Array): Promise<boolean> {
    this.#unsaid = bytes
    return await this.retry()
  }

  /** Says what could not be said before, if there is such a thing and its time has come. */
  async retry(): Promise<boolean> {
    const bytes = this.#unsaid
    if (bytes === undefined || this.#closed || !this.#backOff.due(monotonicMs())) return false
    this.#unsaid = undefined
    const opening = (this.#socket ??= openMouth(this.#options))
    try {
      const socket = await opening
      this.#port = socket.address().port
      await this.#send(socket, bytes)
      this.#sent++
      this.#backOff.succeeded()
      return true
    } catch (error) {
      if (this.#closed) return false
      this.#unsaid ??= bytes
      this.#fail(error)
      await this.#forget(opening)
      return false
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#socket !== undefined) await this.#forget(this.#socket)
  }

  async #send(socket: Socket, bytes: Uint8Array): Promise<void> {
    let failure: unknown
    for (const destination of this.#options.destinations) {
      try {
        await sendDatagram(socket, bytes, destination)
        return
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  #fail(error: unknown): void {
    const known = this.#backOff.failing
    this.#failed++
    this.#lastError = causeOf(error)
    this.#backOff.failed(monotonicMs())
    // Some interfaces never carry announcements, such as tunnels: one line is enough until that changes.
    if (known) return
    const { name, address } = this.#options.from
    this.#options.log.warn('An announcement could not leave through an interface.', causeOf(error), {
      interface: name,
      address,
    })
  }

  /** Closes the socket once, whoever asks first. */
  async #forget(opening: Promise<Socket>): Promise<void> {
    if (this.#socket !== opening) return
    this.#socket = undefined
    const socket = await opening.catch(() => undefined)
    if (socket !== undefined) await closeSocket(socket)
  }
}

async function openMouth({ from: { address }, heard, log }: MouthOptions): Promise<Socket> {
  const onError = (error: Error): void => {
    log.warn('A socket that announces reports trouble.', causeOf(error), { address })
  }
  const socket = await openSocket({ address, port: 0, shared: false, onError })
  try {
    // Bound to an address of the interface, both kinds leave through it even where no route leads.
    socket.setMulticastInterface(address)
    socket.setMulticastTTL(1)
    socket.setMulticastLoopback(true)
    socket.setBroadcast(true)
    socket.on('message', heard)
    return socket
  } catch (error) {
    await closeSocket(socket)
    throw error
  }
}
