/** W5 where the row names no frame: what comes behind a close. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { readFrames } from '../contracts/channel.ts'
import { delay, openTransport } from '../transport/open.ts'
import { frame, opcodes, openRaw } from '../transport/raw.ts'

const close = frame(opcodes.close, Uint8Array.of(3, 232))

for (const [name, late] of [
  ['a message', frame(opcodes.binary, Uint8Array.of(1))],
  ['a ping', frame(opcodes.ping, Uint8Array.of(1))],
  ['a text', frame(opcodes.text, Uint8Array.of(65))],
  ['half a frame', frame(opcodes.binary, new Uint8Array(300)).subarray(0, 20)],
  ['what breaks the protocol', frame(3, Uint8Array.of(1))],
] as const) {
  for (const [when, gapMs] of [
    ['in the same read', undefined],
    ['at once', 0],
    ['a little later', 5],
  ] as const) {
    test(`W5: ${name} behind a close, ${when}, is not handed on and changes nothing`, async () => {
      await using server = await openTransport({ limits: { closeMs: 200 } })
      const { raw, channel } = await openRaw(server)
      const frames = readFrames(channel)
      raw.socket.write(frame(opcodes.binary, Uint8Array.of(7)))
      await delay(5)
      if (gapMs === undefined) raw.socket.write(Buffer.concat([close, late]))
      else {
        raw.socket.write(close)
        if (gapMs > 0) await delay(gapMs)
        raw.socket.write(late)
      }
      assert.deepEqual(await channel.closed, { code: 1000, reason: '' })
      assert.deepEqual(await frames, [[7]])
    })
  }
}
