import { limits } from './limits.ts'

type Listener<Event> = (event: Event) => void

/** Options of {@link EventHub.events}. */
export interface EventStreamOptions {
  readonly signal?: AbortSignal
  /** Events that may wait for the reader before the oldest are dropped. */
  readonly capacity?: number
}

/** A bounded stream of events; `dropped` counts those that a slow reader lost. */
export interface EventStream<Event> extends AsyncIterableIterator<Event> {
  readonly dropped: number
}

/**
 * Typed events: any number of listeners, any number of bounded streams. A listener that throws is reported to
 * `onError` and never stops another.
 */
export class EventHub<Event extends { readonly type: string }> {
  readonly #listeners = new Map<string, Set<Listener<never>>>()
  readonly #streams = new Set<QueuedStream<Event>>()
  readonly #onError: (error: unknown) => void
  #closed = false

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** Calls `listener` for each event of `type` until `signal` aborts or the returned function is called. */
  on<Type extends Event['type']>(
    type: Type,
    listener: Listener<Extract<Event, { type: Type }>>,
    options: { readonly signal?: AbortSignal } = {},
  ): () => void {
    const { signal } = options
    if (signal?.aborted) return () => {}
    const ofType = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, ofType)
    ofType.add(listener)
    const remove = (): void => {
      ofType.delete(listener)
      signal?.removeEventListener('abort', remove)
    }
    signal?.addEventListener('abort', remove, { once: true })
    return remove
  }

  /** Whether anybody would see an event of `type`: lets a hot path skip making it. */
  has(type: Event['type']): boolean {
    return this.#streams.size > 0 || (this.#listeners.get(type)?.size ?? 0) > 0
  }

  /** All events from now on, until `signal` aborts or the hub closes. */
  events(options: EventStreamOptions = {}): EventStream<Event> {
    const stream = new QueuedStream<Event>(options.capacity ?? limits.queuedEvents, (done) =>
      this.#streams.delete(done),
    )
    if (this.#closed || options.signal?.aborted) {
      stream.end()
      return stream
    }
    this.#streams.add(stream)
    options.signal?.addEventListener('abort', () => stream.end(), { once: true })
    return stream
  }

  emit(event: Event): void {
    const ofType = this.#listeners.get(event.type)
    if (ofType !== undefined) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `on` put listeners of this type here
      for (const listener of ofType) this.#call(listener as unknown as Listener<Event>, event)
    }
    for (const stream of this.#streams) stream.push(event)
  }

  /** Ends every stream (what is queued is still read) and forgets every listener. */
  close(): void {
    this.#closed = true
    this.#listeners.clear()
    for (const stream of this.#streams) stream.end()
  }

  #call(listener: Listener<Event>, event: Event): void {
    try {
      listener(event)
    } catch (error) {
      this.#onError(error)
    }
  }
}

class QueuedStream<Event> implements EventStream<Event> {
  dropped = 0
  #queue: Event[] = []
  #waiting: ((result: IteratorResult<Event, undefined>) => void)[] = []
  #ended = false
  readonly #capacity: number
  readonly #onEnd: (stream: QueuedStream<Event>) => void

  constructor(capacity: number, onEnd: (stream: QueuedStream<Event>) => void) {
    this.#capacity = capacity
    this.#onEnd = onEnd
  }

  push(event: Event): void {
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) {
      waiting({ value: event, done: false })
      return
    }
    if (this.#queue.length >= this.#capacity) {
      this.#queue.shift()
      this.dropped++
    }
    this.#queue.push(event)
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#onEnd(this)
    for (const waiting of this.#waiting) waiting({ value: undefined, done: true })
    this.#waiting = []
  }

  next(): Promise<IteratorResult<Event, undefined>> {
    const event = this.#queue.shift()
    if (event !== undefined) return Promise.resolve({ value: event, done: false })
    if (this.#ended) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  return(): Promise<IteratorResult<Event, undefined>> {
    this.#queue = []
    this.end()
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
