import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { formatInvitation, parseInvitation } from './invitation.ts'
import { KeyPair } from './key-pair.ts'

const { id, key } = KeyPair.make()
const secret = Uint8Array.from(randomBytes(16))
const text = formatInvitation({ id, key, secret })
const textWithout = formatInvitation({ id, key, secret: undefined })

test('what a QR code says is read back, with and without a secret', () => {
  assert.deepEqual(parseInvitation(text), { id, key, secret })
  assert.deepEqual(parseInvitation(textWithout), { id, key, secret: undefined })
  assert.deepEqual(parseInvitation(`  ${text}\r\n`), { id, key, secret }, 'as it comes from a clipboard')
  assert.match(text, /^p2p:v1:[\da-f-]{36}:[\w-]{43}:[\w-]{22}$/)
})

test('a key that is not that of the ID is refused', () => {
  const other = KeyPair.make()
  assert.equal(parseInvitation(formatInvitation({ id, key: other.key, secret })), undefined)
  assert.equal(parseInvitation(formatInvitation({ id: other.id, key, secret })), undefined)
  assert.equal(parseInvitation(textWithout.replace(id, '0d0d51af-cafa-4311-8d9b-92f421e8a8cb')), undefined)
})

test('anything else is no invitation', () => {
  const others = [
    '',
    'p2p',
    'p2p:v1',
    id,
    text.replace('v1', 'v2'),
    text.replace('p2p:', 'P2P:'),
    `${text}:`,
    `${text}:more`,
    `${textWithout}:`,
    text.slice(0, -1),
    `${text}A`,
    text.replaceAll(':', ' '),
    text.replace(id, id.toUpperCase()),
    `${textWithout}:${'='.repeat(22)}`,
    `x${text}`,
    `${text}\n${text}`,
  ]
  for (const other of others) assert.equal(parseInvitation(other), undefined, other)
})

test('each key and each secret has one text: spare bits are zero', () => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const lastLetters = Array.from(letters, (letter) => parseInvitation(text.slice(0, -1) + letter))
  assert.equal(lastLetters.filter((read) => read !== undefined).length, 4)
  const keyEnd = textWithout.slice(0, -1)
  assert.equal(Array.from(letters, (letter) => parseInvitation(keyEnd + letter)).filter(Boolean).length, 1)
})

test('a text with any change never gives another key, and nothing throws', () => {
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 3 }), (at, instead) => {
      const read = parseInvitation(text.slice(0, at) + instead + text.slice(at + 1))
      if (read !== undefined) assert.deepEqual([read.id, read.key], [id, key])
    }),
  )
  fc.assert(fc.property(fc.string(), (anything) => parseInvitation(anything) === undefined))
})
