import { monotonicMs } from '../base/time.ts'
import type { WsChannel } from './ws-channel.ts'

/** One timer for the time limits of all channels: a thousand idle sessions must not cost a thousand timers. */
export class ChannelSweep {
  readonly #channels = new Set<WsChannel>()
  readonly #everyMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(everyMs: number) {
    this.#everyMs = everyMs
  }

  get size(): number {
    return this.#channels.size
  }

  add(channel: WsChannel): void {
    this.#channels.add(channel)
    this.#timer ??= setInterval(() => this.#sweep(), this.#everyMs)
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
  }
}
