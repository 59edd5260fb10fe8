import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { frame, opcodes } from '../../test/transport/raw.ts'
import { FrameWatch } from './frame-watch.ts'

function scanned(...chunks: Uint8Array[]): FrameWatch {
  const watch = new FrameWatch()
  for (const chunk of chunks) assert.equal(watch.scan(chunk), true)
  return watch
}

const payload = (length: number): Uint8Array => new Uint8Array(length).fill(1)

describe('following frames', () => {
  test('messages and control frames are counted, fragments are not', () => {
    const watch = scanned(
      frame(opcodes.binary, payload(5)),
      frame(opcodes.binary, payload(5), { fin: false }),
      frame(opcodes.ping, payload(3)),
      frame(opcodes.continuation, payload(0), { fin: false }),
      frame(opcodes.continuation, payload(9)),
      frame(opcodes.text),
    )
    assert.deepEqual([watch.counted, watch.messages, watch.unfinished], [4, 3, false])
  })

  test('a message is unfinished from the first byte of its first frame to the last of its last', () => {
    for (const bytes of [frame(opcodes.binary, payload(200)), frame(opcodes.ping, payload(4))]) {
      for (let cut = 1; cut < bytes.length; cut++) {
        const watch = scanned(bytes.subarray(0, cut))
        assert.equal(watch.unfinished, true, `after ${cut} bytes`)
        watch.scan(bytes.subarray(cut))
        assert.equal(watch.unfinished, false)
      }
    }
    const watch = scanned(frame(opcodes.binary, payload(1), { fin: false }), frame(opcodes.ping))
    assert.equal(watch.unfinished, true, 'a ping between does not finish it')
  })

  test('W5: a length that is longer than needed is seen', () => {
    const long: readonly (readonly [number, 2 | 8])[] = [
      [0, 2],
      [125, 2],
      [0, 8],
      [126, 8],
      [65_535, 8],
    ]
    for (const [length, lengthBytes] of long) {
      assert.equal(new FrameWatch().scan(frame(opcodes.binary, payload(length), { lengthBytes })), false)
    }
    for (const length of [0, 125, 126, 65_535, 65_536]) scanned(frame(opcodes.binary, payload(length)))
  })

  test('wherever the stream is cut, the same is seen', () => {
    const frames = fc.array(
      fc.record({
        opcode: fc.constantFrom(0, 1, 2, 8, 9, 10),
        fin: fc.boolean(),
        mask: fc.boolean(),
        length: fc.oneof(fc.nat(10), fc.constantFrom(125, 126, 127, 300, 65_535, 65_536)),
      }),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(frames, fc.array(fc.nat(70_000), { maxLength: 8 }), (described, cuts) => {
        const bytes = Buffer.concat(
          described.map(({ opcode, length, ...options }) => frame(opcode, payload(length), options)),
        )
        const whole = scanned(bytes)
        const ends = [...cuts, bytes.length].filter((end) => end <= bytes.length).sort((a, b) => a - b)
        const pieces = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
        const cut = scanned(...pieces)
        assert.deepEqual(
          [cut.counted, cut.messages, cut.unfinished],
          [whole.counted, whole.messages, whole.unfinished],
        )
        const control = described.filter(({ opcode }) => opcode >= 8).length
        const messages = described.filter(({ opcode, fin }) => opcode < 8 && fin).length
        assert.deepEqual([whole.counted, whole.messages], [control + messages, messages])
      }),
      { numRuns: 300 },
    )
  })

  test('any bytes are followed without an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        assert.equal(typeof new FrameWatch().scan(bytes), 'boolean')
      }),
      { numRuns: 10_000 },
    )
  })
})
