import type { Limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'
import type { Interfaces } from './on-link.ts'
import { OwnAddresses } from './own-addresses.ts'
import type { WsChannel } from './ws-channel.ts'

/** One timer for the time limits of all channels: a thousand idle sessions must not cost a thousand timers. */
export class ChannelSweep {
  readonly #channels = new Set<WsChannel>()
  readonly #limits: Limits
  readonly #addresses: OwnAddresses
  #lookedAt = 0
  #timer: NodeJS.Timeout | undefined

  constructor(limits: Limits, interfaces?: Interfaces) {
    this.#limits = limits
    this.#addresses = new OwnAddresses(interfaces)
  }

  get size(): number {
    return this.#channels.size
  }

  add(channel: WsChannel): void {
    this.#channels.add(channel)
    this.#timer ??= setInterval(() => this.#sweep(), this.#limits.sweepMs)
  }

  delete(channel: WsChannel): void {
    this.#channels.delete(channel)
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
    if (now - this.#lookedAt < this.#limits.interfacePollMs) return
    this.#lookedAt = now
    this.#endStranded()
  }

  /** Ends the channels whose address of ours was replaced; otherwise they would look alive until a ping stays unanswered. */
  #endStranded(): void {
    const channels = [...this.#channels]
    const replaced = this.#addresses.replaced(() => new Set(channels.map((one) => one.localAddress)))
    if (replaced.length === 0) return
    for (const channel of channels) if (replaced.includes(channel.localAddress)) channel.strand()
  }
}
