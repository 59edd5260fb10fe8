import assert from 'node:assert/strict'
import { test } from 'node:test'

import { isP2PError } from '../base/errors.ts'
import { broadcast } from './broadcast.ts'
import { multicast } from './multicast.ts'

test('options out of range are refused at once, and the message names them', () => {
  const mistakes: readonly (readonly [string, () => unknown])[] = [
    ['port', () => multicast({ port: 0 })],
    ['port', () => broadcast({ port: 65_536 })],
    ['port', () => broadcast({ port: 8001.5 })],
    // A timer takes each of these for 1 ms.
    ['periodMs', () => multicast({ periodMs: 0 })],
    ['periodMs', () => multicast({ periodMs: Number.NaN })],
    ['periodMs', () => broadcast({ periodMs: 2 ** 31 })],
    ['periodMs', () => broadcast({ periodMs: Number.POSITIVE_INFINITY })],
    ['group', () => multicast({ group: '192.168.1.1' })],
    ['group', () => multicast({ group: 'ff02::1' })],
    ['address', () => broadcast({ address: 'example' })],
  ]
  for (const [name, make] of mistakes) {
    assert.throws(make, (error: Error) => isP2PError(error, 'usage') && error.message.startsWith(name))
  }
})
