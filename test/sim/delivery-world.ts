/** Two ends of one conversation, each with a naive store and real frames between them; nothing happens but what a test says. */
import assert from 'node:assert/strict'

import { limits } from '../../src/base/limits.ts'
import { decodeFrame, encodeFrame, type Frame } from '../../src/protocol/frame.ts'
import { messageIdFromBytes, type MessageId } from '../../src/protocol/message-id.ts'
import { encodeMessage } from '../../src/protocol/message.ts'
import { Correspondence } from '../../src/rules/delivery.ts'
import { splitText } from '../../src/rules/parts.ts'
import { NaiveStore } from './naive-store.ts'

/** Small enough to be reached. */
const smallLimits = {
  ...limits,
  unconfirmedMessages: 3,
  unconfirmedBytes: 64,
  textBytes: 256,
  partBytes: 8,
}

export interface WorldOptions {
  /** Changes what is sent, for twins. */
  readonly tamper?: (frame: Frame) => Frame
  readonly dedupes?: boolean
  /** Whether messages leave before the disk has them. */
  readonly early?: boolean
  /** Whether messages are confirmed before the disk has them. */
  readonly hasty?: boolean
  /** Whether an author believes that what the peer has is his. */
  readonly trusting?: boolean
}

export type Side = 'a' | 'b'

/** One node: what it has stored, and its end of the channel while there is one. */
export class End {
  readonly store: NaiveStore
  /** Theirs that were on the disk here, and are not any more because the disk went back. */
  readonly lost = new Set<MessageId>()
  readonly #world: World
  #correspondence: Correspondence | undefined
  #toStore = 0
  /** What is on its way to the other end. */
  frames: Uint8Array[] = []

  constructor(world: World) {
    this.#world = world
    this.store = new NaiveStore(world.newStream(), world.options.dedupes)
  }

  get connected(): boolean {
    return this.#correspondence !== undefined
  }

  open(): void {
    // What is on its way to the disk counts neither as here nor as missing.
    this.store.commit()
    this.#correspondence = new Correspondence({
      standing: this.store.standing,
      idAt: (incoming, place) => this.#world.idAt(this, incoming, place),
      newStream: () => this.#world.newStream(),
      rate: { perSecond: 50, burst: 200 },
      tellsRead: true,
      limits: smallLimits,
    })
    this.#send({ messages: [], greeting: this.#correspondence.greeting() })
  }

  close(): void {
    this.#correspondence = undefined
    this.frames = []
    this.#toStore = 0
  }

  say(text: string): void {
    const place = this.store.standing.lastPlace + 1
    this.store.add({ id: this.#world.newId(), incoming: false, place, text })
    if (this.#world.options.early === true) this.pump()
  }

  /** The last that has not left is withdrawn. */
  withdraw(): void {
    const last = this.store.own.at(-1)
    if (last !== undefined && last.place > this.store.standing.sent) this.store.withdraw(last.id)
  }

  commit(): void {
    this.store.commit()
    const correspondence = this.#correspondence
    if (correspondence === undefined) return
    this.#confirm(correspondence)
    this.pump()
  }

  readAll(): void {
    const seen = this.store.standing.received
    this.store.mark({ seen })
    this.#correspondence?.seen(seen)
  }

  crash(): void {
    this.close()
    this.store.crash()
  }

  rollBack(commits: number): void {
    this.crash()
    const before = this.store.received
    this.store.rollBack(commits)
    const after = new Set(this.store.received.map(({ id }) => id))
    for (const { id } of before) if (!after.has(id)) this.lost.add(id)
  }

  take(bytes: Uint8Array): void {
    const correspondence = this.#correspondence
    const frame = decodeFrame(bytes)
    assert.ok(correspondence && frame)
    const taken = correspondence.take(frame)
    if (taken.kind === 'violation') assert.fail(taken.reason)
    this.store.mark(taken.marks)
    if (taken.answer !== undefined) this.#send({ messages: [], greeting: taken.answer })
    for (const { id, place, text } of taken.messages) {
      this.store.add({ id, incoming: true, place, text })
      this.#toStore = place
    }
    if (this.#world.options.hasty === true) this.#confirm(correspondence)
    this.pump()
  }

  /** Everything leaves that may. */
  pump(): void {
    const correspondence = this.#correspondence
    if (!this.store.isCommitted && this.#world.options.early !== true) return
    for (const { id, place, text } of this.store.own) {
      const sent = correspondence?.sent
      if (correspondence === undefined || sent === undefined || place <= sent) continue
      const texts = splitText(text, smallLimits)
      if (!correspondence.hasRoom(text.length)) return
      const after = this.store.standing.received
      for (const [part, piece] of texts.entries()) {
        const delivery = { id, place, after, part, parts: texts.length }
        this.#send({ messages: [{ text: piece, sentAt: undefined, delivery }] })
      }
      correspondence.left(place, text.length)
      this.store.mark({ sent: Math.max(this.store.standing.sent, place) })
    }
  }

  #confirm(correspondence: Correspondence): void {
    if (this.#toStore > 0) correspondence.stored(this.#toStore)
    this.#toStore = 0
    const receipt = correspondence.receipt()
    if (receipt !== undefined) this.#send({ messages: [], receipt })
  }

  #send(given: Frame): void {
    const frame = this.#world.options.tamper?.(given) ?? given
    const { messages, ...rest } = frame
    this.frames.push(encodeFrame({ ...rest, messages: messages.map(encodeMessage) }))
  }
}

export class World {
  readonly options: WorldOptions
  readonly a: End
  readonly b: End
  #drawn = 0

  constructor(options: WorldOptions = {}) {
    this.options = options
    this.a = new End(this)
    this.b = new End(this)
  }

  newStream(): bigint {
    return BigInt(++this.#drawn)
  }

  newId(): MessageId {
    const bytes = new Uint8Array(16)
    new DataView(bytes.buffer).setUint32(0, ++this.#drawn)
    const id = messageIdFromBytes(bytes)
    assert.ok(id)
    return id
  }

  idAt(end: End, incoming: boolean, place: number): MessageId | undefined {
    if (incoming || this.options.trusting !== true) return end.store.idAt(incoming, place)
    return (end === this.a ? this.b : this.a).store.idAt(true, place)
  }

  connect(): void {
    if (this.a.connected) return
    this.a.open()
    this.b.open()
  }

  /** What is on its way is lost. */
  cut(): void {
    this.a.close()
    this.b.close()
  }

  /** One frame arrives at this end. */
  deliver(to: Side): void {
    const [from, at] = to === 'a' ? [this.b, this.a] : [this.a, this.b]
    const frame = from.frames.shift()
    if (frame !== undefined) at.take(frame)
  }

  /** Everything arrives and is stored, until nothing happens any more. */
  settle(): void {
    this.connect()
    for (let rounds = 0; ; rounds++) {
      assert.ok(rounds < 2_000, 'the two ends never come to rest')
      const busy = [this.a, this.b].some(({ frames, store }) => frames.length > 0 || !store.isCommitted)
      if (!busy) return
      this.a.commit()
      this.b.commit()
      this.deliver('b')
      this.deliver('a')
    }
  }
}

/** At rest, every message that may arrive has: once, in order, and its author knows. */
export function checkSettled(world: World): void {
  for (const [from, to] of [
    [world.a, world.b],
    [world.b, world.a],
  ] as const) {
    const { own } = from.store
    // What a disk has lost may come again, or be lost with it, and when both went back also behind what came later.
    const expected = own.filter(({ id }) => !to.lost.has(id))
    const sent = new Set(expected.map(({ id }) => id))
    const received = to.store.received.filter(({ id }) => sent.has(id))
    const ids = to.store.received.map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length, 'a message is there twice')
    assert.deepEqual(received.map(shown), expected.map(shown))
    assert.ok(from.store.standing.delivered >= (own.at(-1)?.place ?? 0), 'the author does not know')
  }
}

const shown = ({ id, text }: { readonly id: MessageId; readonly text: string }): string => `${id} ${text}`
