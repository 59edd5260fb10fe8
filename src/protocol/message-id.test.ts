import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'

import { isP2PError } from '../base/errors.ts'
import { messageIdBetween, messageIdFromBytes, messageIdToBytes, parseMessageId } from './message-id.ts'

test('16 bytes are an ID of 32 digits, and come back from it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const id = messageIdFromBytes(bytes)
      assert.ok(id)
      assert.equal(id, Buffer.from(bytes).toString('hex'))
      assert.deepEqual(messageIdToBytes(id), bytes)
      assert.equal(parseMessageId(id.toUpperCase()), id)
      assert.equal(messageIdBetween(Uint8Array.of(1, ...bytes, 2), 1, 17), id)
    }),
  )
})

test('other bytes and texts are no ID', () => {
  for (const length of [0, 1, 15, 17]) assert.equal(messageIdFromBytes(new Uint8Array(length)), undefined)
  const digits = '0123456789abcdef0123456789abcdef'
  for (const text of [
    '',
    digits.slice(1),
    `${digits}0`,
    `${digits}\n`,
    digits.replace('a', 'g'),
    `-${digits.slice(1)}`,
  ])
    assert.equal(parseMessageId(text), undefined, text)
  const short = parseMessageId(digits)!.slice(1) as NonNullable<ReturnType<typeof parseMessageId>>
  assert.throws(
    () => messageIdToBytes(short),
    (error) => isP2PError(error, 'internal'),
  )
})
