import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'

import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { messageIdFromBytes } from '../protocol/message-id.ts'
import { encodeMessage, type WireMessage } from '../protocol/message.ts'
import { Joiner, splitMessage, splitText } from './parts.ts'

const id = messageIdFromBytes(new Uint8Array(16))!
const otherId = messageIdFromBytes(new Uint8Array(16).fill(1))!
const small = { textBytes: 100, partBytes: 10, textParts: 12, offerBytes: 40 }
const bytesOf = (text: string): number => new TextEncoder().encode(text).length

function part(text: string, at: number, of: number): WireMessage {
  return {
    text,
    sentAt: { seconds: at, nanos: 0 },
    delivery: { id, place: 3, after: 2, part: at, parts: of },
  }
}

function violationOf(joiner: Joiner, message: WireMessage): string | undefined {
  const joined = joiner.take(message)
  return joined.kind === 'violation' ? joined.reason : undefined
}

test('a text comes in one part, or in as few as hold it, and any text is joined again as it was', () => {
  const text = fc.string({ unit: 'binary', maxLength: 50 })
  fc.assert(
    fc.property(text, (given) => {
      fc.pre(bytesOf(given) <= small.textBytes)
      const parts = splitText(given, small)
      assert.ok(parts.every((piece) => bytesOf(piece) <= small.partBytes && piece.isWellFormed()))
      assert.equal(parts.length === 1, bytesOf(given) <= small.partBytes)
      const joiner = new Joiner({ ...small, textParts: 100 })
      const joined = parts.map((piece, at) => joiner.take(part(piece, at, parts.length)))
      assert.ok(joined.slice(0, -1).every(({ kind }) => kind === 'unfinished'))
      const message = { id, place: 3, after: 2, text: given, sentAt: { seconds: 0, nanos: 0 } }
      assert.deepEqual(joined.at(-1), { kind: 'whole', message })
    }),
    { numRuns: 2_000 },
  )
})

test('a text of 1 MiB is split and joined, and each part fits into a frame; one letter more is refused', () => {
  for (const letter of ['x', 'é', '€', '😀']) {
    const text = letter.repeat(limits.textBytes / bytesOf(letter))
    const parts = splitText(text)
    assert.ok(parts.length <= limits.textParts)
    const joiner = new Joiner()
    const joined = parts.map((piece, at) => {
      encodeMessage(part(piece, at, parts.length))
      return joiner.take(part(piece, at, parts.length))
    })
    const last = joined.at(-1)
    assert.ok(last?.kind === 'whole' && last.message.text === text)
    assert.throws(
      () => splitText(text + letter),
      (error) => isP2PError(error, 'message-too-long'),
    )
  }
})

test('parts that are not the next of the one message that is unfinished break the rules', () => {
  const { delivery } = part('', 1, 3)
  assert.ok(delivery)
  const wrong: readonly (readonly [string, WireMessage])[] = [
    ['the first again', part('a', 0, 3)],
    ['one left out', part('a', 2, 3)],
    ['another number of parts', part('a', 1, 4)],
    ['a whole message in between', part('a', 0, 1)],
    ['another message', { text: 'a', sentAt: undefined, delivery: { ...delivery, id: otherId } }],
    ['another place', { text: 'a', sentAt: undefined, delivery: { ...delivery, place: 4 } }],
    ['another predecessor', { text: 'a', sentAt: undefined, delivery: { ...delivery, after: 1 } }],
  ]
  for (const [what, message] of wrong) {
    const joiner = new Joiner()
    assert.equal(joiner.take(part('a', 0, 3)).kind, 'unfinished')
    assert.equal(violationOf(joiner, message), 'parts of a message are mixed up', what)
  }
  assert.equal(violationOf(new Joiner(), part('a', 1, 3)), 'message without its beginning')
  assert.equal(
    violationOf(new Joiner(), { text: 'a', sentAt: undefined }),
    'message without an ID and a place',
  )
})

test('a message that grows beyond its bytes or its parts breaks the rules', () => {
  const joiner = new Joiner(small)
  assert.equal(joiner.take(part('é'.repeat(25), 0, 3)).kind, 'unfinished')
  assert.equal(violationOf(joiner, part('é'.repeat(26), 1, 3)), 'message is too long')
  assert.equal(violationOf(new Joiner(small), part('', 0, 13)), 'message in too many parts')
  assert.equal(new Joiner(small).take(part('', 0, 12)).kind, 'unfinished')
})

test('twin: without the bound on bytes it grows as long as its parts allow', () => {
  const joiner = new Joiner({ ...small, textBytes: Infinity })
  for (let at = 0; at < 11; at++)
    assert.equal(joiner.take(part('x'.repeat(30_000), at, 12)).kind, 'unfinished')
})

const offerPart = (length: number, at: number, of: number): WireMessage => ({
  ...part('', at, of),
  content: { kind: 'offer', bytes: new Uint8Array(length).fill(at + 1) },
})

test('a content comes in as few parts as hold it, and is joined again as it was', () => {
  for (const length of [0, 1, 10, 11, 20, 39, 40]) {
    const bytes = Uint8Array.from({ length }, (_, at) => at)
    const bodies = splitMessage({ text: '', content: { kind: 'answer', bytes } }, small)
    assert.equal(bodies.length, Math.max(1, Math.ceil(length / 10)))
    const joiner = new Joiner(small)
    const joined = bodies.map((body, at) => joiner.take({ ...part('', at, bodies.length), ...body }))
    const last = joined.at(-1)
    assert.deepEqual(last?.kind === 'whole' && last.message.content, { kind: 'answer', bytes })
  }
  assert.deepEqual(splitMessage({ text: 'x'.repeat(11) }, small), [{ text: 'x'.repeat(10) }, { text: 'x' }])
})

test('F10: an offer of 64 KiB travels in parts that fit into frames; a byte more is refused at both ends', () => {
  const content = { kind: 'offer' as const, bytes: new Uint8Array(limits.offerBytes) }
  const bodies = splitMessage({ text: '', content })
  for (const [at, body] of bodies.entries()) encodeMessage({ ...part('', at, bodies.length), ...body })
  const longer = { kind: 'offer' as const, bytes: new Uint8Array(limits.offerBytes + 1) }
  assert.throws(
    () => splitMessage({ text: '', content: longer }),
    (error) => isP2PError(error, 'message-too-long'),
  )
  const joiner = new Joiner(small)
  assert.equal(joiner.take(offerPart(30, 0, 3)).kind, 'unfinished')
  assert.equal(violationOf(joiner, offerPart(11, 1, 3)), 'message is too long')
  assert.equal(violationOf(new Joiner(small), offerPart(41, 0, 1)), 'message is too long')
})

test('F10, twin: without the bound an offer grows as long as its parts allow', () => {
  const joiner = new Joiner({ ...small, offerBytes: Infinity })
  for (let at = 0; at < 11; at++) assert.equal(joiner.take(offerPart(30_000, at, 12)).kind, 'unfinished')
})

test('parts of an offer and of a text, or of an answer, are not joined', () => {
  const answer: WireMessage = { ...part('', 1, 3), content: { kind: 'answer', bytes: new Uint8Array(1) } }
  for (const next of [part('a', 1, 3), answer]) {
    const joiner = new Joiner(small)
    assert.equal(joiner.take(offerPart(1, 0, 3)).kind, 'unfinished')
    assert.equal(violationOf(joiner, next), 'parts of a message are mixed up')
  }
})
