import type { Limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'
import type { AddressWatch } from './address-watch.ts'
import type { WsChannel } from './ws-channel.ts'

/** One timer for the time limits of all channels: a thousand idle sessions must not cost a thousand timers. */
export class ChannelSweep {
  readonly #channels = new Set<WsChannel>()
  readonly #limits: Limits
  readonly #addresses: AddressWatch
  #timer: NodeJS.Timeout | undefined

  constructor(limits: Limits, addresses: AddressWatch) {
    this.#limits = limits
    this.#addresses = addresses
  }

  get size(): number {
    return this.#channels.size
  }

  add(channel: WsChannel): void {
    this.#channels.add(channel)
    this.#addresses.add(channel)
    this.#timer ??= setInterval(() => this.#sweep(), this.#limits.sweepMs)
  }

  delete(channel: WsChannel): void {
    this.#channels.delete(channel)
    this.#addresses.delete(channel)
    if (this.#channels.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Ends every channel at once and waits until they have. */
  async terminateAll(): Promise<void> {
    const channels = [...this.#channels]
    for (const channel of channels) channel.terminate()
    await Promise.all(channels.map((channel) => channel.closed))
  }

  #sweep(): void {
    const now = monotonicMs()
    for (const channel of this.#channels) channel.sweep(now)
  }
}
