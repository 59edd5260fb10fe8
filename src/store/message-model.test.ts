/** Whatever is done to a store, it answers like an array that is kept by hand, before and after restarts. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MessageModel } from '../../test/store/message-model.ts'
import { ann, bo, messageId, messagesPath, reference } from '../../test/store/messages.ts'
import { isProvable, type PeerId } from '../protocol/peer-id.ts'
import type { MessageContent } from '../protocol/message.ts'
import {
  openMessageStore,
  type ConversationRecord,
  type MessageStore,
  type NewMessage,
  type Watermarks,
} from './message-store.ts'

const peers = [ann, bo, reference] as const
const anyPeer = fc.constantFrom(...peers)
const anyPlace = fc.integer({ min: 1, max: 12 })
const anyText = fc.oneof(
  fc.constantFrom('', 'Zug', 'Äpfel und Zucker', 'a\0b'),
  fc.string({ unit: 'grapheme' }),
)
const anyId = fc.nat(20).map(messageId)

const anyContent: fc.Arbitrary<MessageContent> = fc.record(
  { kind: fc.constantFrom('offer', 'answer'), bytes: fc.uint8Array({ maxLength: 9 }) },
  { noNullPrototype: true },
)

const anyTextMessage: fc.Arbitrary<NewMessage> = fc.record({
  id: anyId,
  peerId: anyPeer,
  incoming: fc.boolean(),
  place: anyPlace,
  after: anyPlace,
  text: anyText,
  sentAtMs: fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 }),
})

const anyMessage = fc
  .tuple(anyTextMessage, fc.option(anyContent, { nil: undefined, freq: 3 }))
  .map(([message, content]): NewMessage =>
    content ? Object.assign({}, message, { content, text: '' }) : message,
  )

const anyMarks: fc.Arbitrary<Watermarks> = fc.record(
  {
    stream: fc.bigInt({ min: 1n, max: 3n }).map((low) => 2n ** 64n - low),
    sent: anyPlace,
    delivered: anyPlace,
    read: anyPlace,
    peerStream: fc.bigInt({ min: 2n ** 63n, max: 2n ** 63n + 1n }),
    received: anyPlace,
    seen: anyPlace,
  },
  { requiredKeys: [] },
)

type Step =
  | { readonly kind: 'add'; readonly messages: readonly NewMessage[] }
  | { readonly kind: 'mark'; readonly peerId: PeerId; readonly marks: Watermarks }
  | { readonly kind: 'fail'; readonly message: number }
  | { readonly kind: 'deleteConversation'; readonly peerId: PeerId }
  | { readonly kind: 'rename'; readonly from: PeerId; readonly to: PeerId }
  | { readonly kind: 'deleteBefore'; readonly age: number }
  | { readonly kind: 'tick' | 'restart' }

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('add'), messages: fc.array(anyMessage, { maxLength: 5 }) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('mark'), peerId: anyPeer, marks: anyMarks }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fail'), message: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deleteConversation'), peerId: anyPeer }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rename'), from: anyPeer, to: anyPeer }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deleteBefore'), age: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('tick', 'restart') }) },
)

/** Our stream is random until it is marked. */
function withoutStream(records: readonly ConversationRecord[]): readonly ConversationRecord[] {
  return records
    .map((record) => Object.assign({}, record, { stream: 0n }))
    .toSorted((a, b) => (a.peerId < b.peerId ? -1 : 1))
}

/** A store beside its model, and the time that both live in. */
class Pair {
  store: MessageStore
  readonly model = new MessageModel()
  readonly #open: () => Promise<MessageStore>
  #writes: Promise<unknown>[] = []
  #nowMs = 0

  static async open(path: string): Promise<Pair> {
    let nowMs = 0
    const open = () => openMessageStore({ path, now: () => nowMs })
    return new Pair(await open(), open, (ms) => {
      nowMs = ms
    })
  }

  readonly #setNow: (ms: number) => void

  private constructor(store: MessageStore, open: () => Promise<MessageStore>, setNow: (ms: number) => void) {
    this.store = store
    this.#open = open
    this.#setNow = setNow
  }

  async do(step: Step): Promise<void> {
    this.#setNow(++this.#nowMs)
    if (step.kind === 'add') {
      this.#writes.push(this.store.add(step.messages))
      this.model.add(step.messages, this.#nowMs)
    } else if (step.kind === 'mark') {
      this.#writes.push(this.store.mark(step.peerId, step.marks))
      this.model.mark(step.peerId, step.marks)
    } else if (step.kind === 'rename') this.#rename(step)
    else if (step.kind === 'fail') this.#fail(step.message)
    else await this.#slowly(step)
  }

  async settle(): Promise<void> {
    await Promise.all(this.#writes)
    this.#writes = []
  }

  assertSame(): void {
    const { store, model } = this
    assert.deepEqual(withoutStream(store.conversations()), withoutStream(model.records()))
    assert.deepEqual(store.history({ limit: 1000 }), model.visible)
    assert.deepEqual(store.history({ limit: 1000, answers: true }), model.messages)
    assert.deepEqual(store.pending(), model.pending())
    for (const peerId of peers) {
      assert.deepEqual(store.history({ peerId, limit: 3 }), model.visibleOf(peerId).slice(-3))
      assert.deepEqual(store.heard(peerId), model.heard(peerId))
      assert.deepEqual(store.outgoing(peerId, 4, 1000), model.outgoing(peerId, 4))
      assert.deepEqual(store.pending(peerId), model.pending(peerId))
      for (const incoming of [true, false])
        assert.equal(store.idAt(peerId, incoming, 7), model.idAt(peerId, incoming, 7))
    }
    const found = model.visible.filter(({ text }) => /(?<![\p{L}\p{N}\p{M}\p{Co}])zu/iu.test(text))
    assert.deepEqual(store.history({ search: 'zu', limit: 1000 }), found)
  }

  #fail(number: number): void {
    const id = messageId(number)
    const failed = this.store.fail(id, 'withdrawn')
    if (this.model.fail(id, 'withdrawn')) this.#writes.push(failed)
    else this.#writes.push(assert.rejects(failed, { code: 'message-unknown' }))
  }

  #rename({ from, to }: Extract<Step, { kind: 'rename' }>): void {
    const [old, next] = [this.store.conversation(from), this.store.conversation(to)]
    // Only within a kind: a reference peer has no key that another one could succeed.
    if (isProvable(from) !== isProvable(to)) return
    const renamed = this.store.renameConversation(from, to)
    if (old === undefined || next === undefined) {
      this.#writes.push(renamed)
      if (old !== undefined) this.model.renameConversation(from, to)
    } else this.#writes.push(assert.rejects(renamed, { code: 'internal' }))
  }

  async #slowly(step: Step): Promise<void> {
    await this.settle()
    if (step.kind === 'restart') {
      await this.store[Symbol.asyncDispose]()
      this.store = await this.#open()
      assert.equal(this.store.damage, undefined)
    } else if (step.kind === 'deleteConversation') {
      await this.store.deleteConversation(step.peerId)
      this.model.deleteConversation(step.peerId)
    } else if (step.kind === 'deleteBefore') {
      const before = this.#nowMs - step.age
      assert.equal(await this.store.deleteBefore(before), this.model.deleteBefore(before))
    }
  }
}

test('a store answers like an array that is kept by hand', async (t) => {
  const path = messagesPath(t)
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 25 }), async (steps) => {
      for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
      const pair = await Pair.open(path)
      try {
        for (const step of steps) {
          await pair.do(step)
          pair.assertSame()
        }
        await pair.settle()
        pair.assertSame()
      } finally {
        await pair.store[Symbol.asyncDispose]()
      }
    }),
    { numRuns: 80 },
  )
})
