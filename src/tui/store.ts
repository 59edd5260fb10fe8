import { limits, type NodeEvent } from '../index.ts'
import type { Key } from './key.ts'
import type { Effect, Input, State } from './state.ts'
import { step } from './step.ts'

/** Holds the state, and tells whoever draws it that it is another. */
export class Store {
  #state: State
  readonly #act: (effect: Effect) => void
  readonly #listeners = new Set<() => void>()
  /** What has happened and is not in the state yet: it is drawn together. */
  #events: NodeEvent[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(state: State, act: (effect: Effect) => void) {
    this.#state = state
    this.#act = act
  }

  readonly state = (): State => this.#state

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Drawn at once, whatever else happens. They are about what is on the screen: what has happened since comes after them. */
  keys(keys: readonly Key[]): void {
    for (const key of keys) this.#take({ input: 'key', key })
    this.#takeEvents()
    this.#changed()
  }

  input(input: Input): void {
    this.#takeEvents()
    this.#take(input)
    this.#changed()
  }

  /** Takes an event of the node; drawn with others that come in the same moment. */
  event(event: NodeEvent): void {
    this.#events.push(event)
    this.#timer ??= setTimeout(() => this.flush(), limits.screenEventsMs)
  }

  flush(): void {
    this.#takeEvents()
    this.#changed()
  }

  #takeEvents(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#events.length === 0) return
    const events = this.#events
    this.#events = []
    this.#take({ input: 'events', events })
  }

  #take(input: Input): void {
    const { state, effects } = step(this.#state, input)
    this.#state = state
    for (const effect of effects) this.#act(effect)
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}
