import { connect as openSocket } from 'node:net'
import { WebSocket } from 'ws'
import { P2PError, type EventStream, type EventStreamOptions, type NodeEvent } from '../index.ts'
import { EventHub } from '../base/events.ts'
import { gone, type Address } from './call.ts'
import type { Frame } from './event-feed.ts'
import { parseTold } from './views.ts'
import { reduce, type Snapshot } from './view-state.ts'

/** A copy of what a node in another process shows, kept up by its events. */
export class Mirror {
  readonly #ws: WebSocket
  readonly #hub = new EventHub<NodeEvent>(() => {})
  readonly #first = Promise.withResolvers<void>()
  #state: Snapshot | undefined
  #count = 0
  #waiting: { readonly count: number; readonly resolve: () => void }[] = []
  #closed = false

  constructor(address: Address) {
    const options = { perMessageDeflate: false, maxPayload: 0, skipUTF8Validation: false } as const
    this.#ws =
      address.kind === 'socket'
        ? new WebSocket('ws://p2p/v1/events', {
            ...options,
            createConnection: () => openSocket(address.path),
          })
        : new WebSocket(`ws://127.0.0.1:${address.port}/v1/events`, options)
    if (address.kind === 'port')
      this.#ws.once('open', () => this.#ws.send(JSON.stringify({ token: address.token })))
    this.#ws.on('message', (data: Buffer) => this.#take(data.toString('utf8')))
    this.#ws.on('error', (error) => this.#first.reject(gone(error)))
    this.#ws.on('close', () => this.#end())
  }

  /** Resolves when there is a state. @throws P2PError `node-stopped` */
  async opened(): Promise<void> {
    await this.#first.promise
  }

  get state(): Snapshot {
    if (this.#state === undefined)
      throw new P2PError('internal', 'The running p2p has not said how it stands.')
    return this.#state
  }

  get isClosed(): boolean {
    return this.#closed
  }

  get hub(): EventHub<NodeEvent> {
    return this.#hub
  }

  events(options?: EventStreamOptions): EventStream<NodeEvent> {
    return this.#hub.events(options)
  }

  /** Resolves when everything up to this event is in the state, or nothing more comes. */
  async reached(count: number): Promise<void> {
    if (this.#count >= count || this.#closed) return
    await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }))
  }

  /** Reads no more. The node itself runs on. */
  async close(): Promise<void> {
    if (this.#closed) return
    const closed = new Promise<void>((resolve) => this.#ws.once('close', () => resolve()))
    this.#ws.terminate()
    await closed
  }

  #take(json: string): void {
    const frame = parseTold<Frame>(json)
    if ('state' in frame) this.#state = frame.state
    else if ('event' in frame && this.#state !== undefined) this.#state = reduce(this.#state, frame.event)
    this.#count = frame.n
    if ('state' in frame) this.#first.resolve()
    if ('event' in frame) this.#hub.emit(frame.event)
    if ('missed' in frame) this.#hub.emit(missedWarning(frame.missed))
    this.#wake()
  }

  #wake(): void {
    const ready = this.#waiting.filter(({ count }) => count <= this.#count || this.#closed)
    if (ready.length === 0) return
    this.#waiting = this.#waiting.filter((one) => !ready.includes(one))
    for (const { resolve } of ready) resolve()
  }

  #end(): void {
    if (this.#closed) return
    this.#closed = true
    this.#first.reject(gone())
    // Nobody may be there to hear it.
    this.#first.promise.catch(() => {})
    this.#hub.emit({ type: 'node:stopped', at: new Date() })
    this.#hub.close()
    this.#wake()
  }
}

function missedWarning(missed: number): NodeEvent {
  const message = `${missed} events of the running p2p were left out: they were read too slowly.`
  return { type: 'warning', at: new Date(), error: { code: 'queue-full', message } }
}
