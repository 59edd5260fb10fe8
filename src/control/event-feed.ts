import type { NodeEvent, P2PNode } from '../index.ts'
import { snapshotOf } from './snapshot.ts'
import { verificationView, type VerificationView } from './views.ts'
import type { Snapshot } from './view-state.ts'

/** What a reader of events is told. `n` counts what has happened, so that an answer can say up to where it has. */
export type Frame =
  | { readonly n: number; readonly state: Snapshot }
  | { readonly n: number; readonly event: NodeEvent }
  | { readonly n: number; readonly missed: number }

/** Takes the frames of a feed, as JSON. Must not wait. */
export type FrameListener = (json: string) => void

/** What happens in a node, numbered, for any number of readers; and how everything stands. */
export class EventFeed {
  readonly #node: P2PNode
  readonly #version: string
  readonly #listeners = new Set<FrameListener>()
  readonly #verifications = new Map<string, VerificationView>()
  /** How often each thing has happened, for metrics. */
  readonly counts = new Map<NodeEvent['type'], number>()
  readonly #stop = new AbortController()
  #count = 0

  constructor(node: P2PNode, version: string) {
    this.#node = node
    this.#version = version
    // What happened before, such as that the node has started, is in the state.
    void this.#follow()
  }

  /** Number of the last thing that has happened. */
  get count(): number {
    return this.#count
  }

  get state(): Snapshot {
    const verifications = [...this.#verifications.values()]
    return snapshotOf(this.#node, { version: this.#version, verifications })
  }

  /** The whole state, as a frame. */
  stateFrame(): string {
    return JSON.stringify({ n: this.#count, state: this.state } satisfies Frame)
  }

  missedFrame(missed: number): string {
    return JSON.stringify({ n: this.#count, missed } satisfies Frame)
  }

  /** Lists have changed of which no event tells. */
  refresh(): void {
    this.#count++
    if (this.#listeners.size > 0) this.#tell(this.stateFrame())
  }

  /** Calls `listener` with the state, and with all that happens from now on. */
  listen(listener: FrameListener): () => void {
    listener(this.stateFrame())
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#stop.abort()
    this.#listeners.clear()
  }

  async #follow(): Promise<void> {
    const events = this.#node.events({ signal: this.#stop.signal })
    let dropped = 0
    for await (const event of events) {
      this.#note(event)
      if (events.dropped === dropped) continue
      dropped = events.dropped
      this.refresh()
    }
  }

  #note(event: NodeEvent): void {
    this.#count++
    this.counts.set(event.type, (this.counts.get(event.type) ?? 0) + 1)
    if (event.type === 'verify:code') this.#verifications.set(event.peerId, verificationView(event))
    if (event.type === 'verify:done') this.#verifications.delete(event.peerId)
    if (this.#listeners.size > 0) this.#tell(JSON.stringify({ n: this.#count, event } satisfies Frame))
  }

  #tell(json: string): void {
    for (const listener of this.#listeners) listener(json)
  }
}
