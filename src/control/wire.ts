import type { CallOptions, EventStream, EventStreamOptions, NodeEvent } from '../index.ts'
import type { EventHub } from '../base/events.ts'
import { gone, type Caller } from './call.ts'
import type { Mirror } from './mirror.ts'
import type { Snapshot } from './view-state.ts'

/** Both ways to a node in another process: what is asked of it, and what it tells. */
export class Wire {
  readonly caller: Caller
  readonly #mirror: Mirror

  constructor(caller: Caller, mirror: Mirror) {
    this.caller = caller
    this.#mirror = mirror
  }

  get state(): Snapshot {
    return this.#mirror.state
  }

  get hub(): EventHub<NodeEvent> {
    return this.#mirror.hub
  }

  events(options?: EventStreamOptions): EventStream<NodeEvent> {
    return this.#mirror.events(options)
  }

  /** Resolves when the state shows what the call has changed. @throws P2PError as the call in the node does */
  async call<Told>(name: string, input: object, options: CallOptions = {}): Promise<Told> {
    if (this.#mirror.isClosed) throw gone()
    const { value, event } = await this.caller.call<Told>(name, input, options)
    await this.#mirror.reached(event)
    return value
  }

  async pour<Told>(
    name: string,
    input: object,
    options: CallOptions & { readonly body: AsyncIterable<Uint8Array | string> },
  ): Promise<Told> {
    const { value, event } = await this.caller.pour<Told>(name, input, options)
    await this.#mirror.reached(event)
    return value
  }

  async close(): Promise<void> {
    await this.#mirror.close()
  }
}
