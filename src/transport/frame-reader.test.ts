import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { WebSocket } from 'ws'
import { frame, opcodes } from '../../test/transport/raw.ts'
import { FrameReader } from './frame-reader.ts'
import { encodeFrames, headBytes } from './frames.ts'

const payload = (length: number): Uint8Array => new Uint8Array(length).fill(1)
const maxBytes = 1_000

interface Reading {
  readonly reader: FrameReader
  readonly taken: Uint8Array[]
  /** What went to ws. */
  readonly passed: Buffer
  readonly legal: boolean
}

/** Reads copies of the chunks, because they are unmasked in place. */
function read(...chunks: readonly Uint8Array[]): Reading {
  const pieces: Uint8Array[] = []
  const taken: Uint8Array[] = []
  const reader = new FrameReader({ masked: true, maxBytes }, (piece) => pieces.push(piece))
  const legal = chunks.every((chunk) => reader.read(Uint8Array.from(chunk), taken))
  return { reader, taken, passed: Buffer.concat(pieces), legal }
}

describe('reading frames', () => {
  test('whole plain messages are taken, everything else goes to ws as it came', () => {
    const ping = frame(opcodes.ping, payload(3))
    const first = frame(opcodes.binary, payload(5), { fin: false })
    const last = frame(opcodes.continuation, payload(9))
    const { reader, taken, passed } = read(
      frame(opcodes.binary, payload(5)),
      ping,
      Buffer.concat([frame(opcodes.binary, payload(130)), first]),
      last,
      frame(opcodes.binary),
    )
    assert.deepEqual(taken.map(hex), ['01'.repeat(5), '01'.repeat(130), ''])
    assert.deepEqual(passed, Buffer.concat([ping, first, last]))
    assert.deepEqual([reader.counted, reader.messages, reader.unfinished], [5, 4, false])
  })

  test('behind anything unusual the rest of a read is left to ws, which may have refused it', () => {
    const wrong = frame(3, payload(2))
    const rest = frame(opcodes.binary, payload(5))
    const { taken, passed } = read(Buffer.concat([wrong, rest]))
    assert.deepEqual(taken, [])
    assert.deepEqual(passed, Buffer.concat([wrong, rest]))
  })

  test('a message that is too long, or not masked as it must be, is not plain', () => {
    for (const odd of [
      frame(opcodes.binary, payload(maxBytes + 1)),
      frame(opcodes.binary, payload(3), { mask: false }),
    ]) {
      assert.deepEqual(read(odd).passed, odd)
    }
  })

  test('a message is unfinished from the first byte of its first frame to the last of its last', () => {
    for (const bytes of [frame(opcodes.binary, payload(200)), frame(opcodes.ping, payload(4))]) {
      for (let cut = 1; cut < bytes.length; cut++) {
        assert.equal(read(bytes.subarray(0, cut)).reader.unfinished, true, `after ${cut} bytes`)
        assert.equal(read(bytes.subarray(0, cut), bytes.subarray(cut)).reader.unfinished, false)
      }
    }
    const fragment = frame(opcodes.binary, payload(1), { fin: false })
    assert.equal(
      read(fragment, frame(opcodes.ping)).reader.unfinished,
      true,
      'a ping between does not finish it',
    )
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
      assert.equal(read(frame(opcodes.binary, payload(length), { lengthBytes })).legal, false)
    }
    for (const length of [0, 125, 126, 65_535, 65_536]) {
      assert.equal(read(frame(opcodes.binary, payload(length))).legal, true)
    }
  })
})

/** What a side of ws says of a stream: its messages, and the error that ends it. */
interface Outcome {
  readonly messages: readonly string[]
  readonly failed: boolean
}

const settings = { maxPayload: maxBytes, allowSynchronousEvents: true, isServer: true }

/** The parser of ws, through a WebSocket of the serving side over a stream in memory. */
function openReceiver(
  onMessage: (message: Uint8Array) => void,
  onError: () => void,
): (chunk: Uint8Array) => void {
  const stream = new PassThrough()
  // Typed as private, but the only way to run the parser of ws without a socket.
  const ws = new (
    WebSocket as unknown as new (
      address: null,
      protocols: undefined,
      options: object,
    ) => WebSocket & { setSocket(socket: PassThrough, head: Buffer, options: object): void }
  )(null, undefined, {
    closeTimeout: 1,
  })
  ws.on('message', (data) => onMessage(data as Buffer))
  ws.on('error', onError)
  ws.setSocket(stream, Buffer.alloc(0), settings)
  const listener = stream.listeners('data')[0] as (this: PassThrough, chunk: Uint8Array) => void
  return (chunk) => listener.call(stream, chunk)
}

async function outcomeOf(chunks: readonly Uint8Array[], withReader: boolean): Promise<Outcome> {
  const messages: Uint8Array[] = []
  let failed = false
  const receive = openReceiver(
    (message) => messages.push(message),
    () => (failed = true),
  )
  const reader = new FrameReader({ masked: true, maxBytes }, receive)
  for (const chunk of chunks) {
    if (failed) break
    const copy = Buffer.from(chunk)
    if (withReader) assert.ok(reader.read(copy, messages))
    else receive(copy)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { messages: messages.map((message) => Buffer.from(message).toString('hex')), failed }
}

const anyFrame = fc
  .record({
    opcode: fc.oneof({ weight: 6, arbitrary: fc.constant(opcodes.binary) }, fc.constantFrom(0, 1, 3, 9, 10)),
    fin: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, fc.constant(false)),
    mask: fc.oneof({ weight: 20, arbitrary: fc.constant(true) }, fc.constant(false)),
    reserved: fc.oneof({ weight: 20, arbitrary: fc.constant(0) }, fc.constant(0x40)),
    length: fc.oneof(fc.nat(10), fc.constantFrom(125, 126, 127, 300, maxBytes, maxBytes + 1)),
  })
  .map(({ opcode, length, ...options }) => frame(opcode, payload(length).fill(0x61), options))

/** A stream of frames, cut anywhere. */
const cutStream = fc
  .tuple(fc.array(anyFrame, { maxLength: 8 }), fc.array(fc.nat(3_000), { maxLength: 6 }))
  .map(([frames, cuts]) => {
    const bytes = Buffer.concat(frames)
    const ends = [...cuts.filter((end) => end < bytes.length), bytes.length].sort((a, b) => a - b)
    return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
  })

test('with or without the reader before it, ws gives the same messages and the same errors', async () => {
  await fc.assert(
    fc.asyncProperty(cutStream, async (chunks) => {
      assert.deepEqual(await outcomeOf(chunks, true), await outcomeOf(chunks, false))
    }),
    { numRuns: 1_000 },
  )
})

test('any bytes are read without an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.equal(typeof read(bytes).legal, 'boolean')
    }),
    { numRuns: 10_000 },
  )
})

test('what is encoded is read back, masked or not, wherever it is cut', () => {
  const message = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.constantFrom(125, 126, 127, 1_000).map((length) => payload(length)),
  )
  fc.assert(
    fc.property(fc.array(message), fc.boolean(), fc.nat(2_000), (messages, masked, cut) => {
      const size = messages.reduce((sum, { length }) => sum + length + headBytes(length, masked), 0)
      const bytes = encodeFrames(messages, size, masked)
      assert.equal(bytes.length, size)
      const taken: Uint8Array[] = []
      const pieces: Uint8Array[] = []
      const reader = new FrameReader({ masked, maxBytes }, (piece) => pieces.push(piece))
      reader.read(bytes.subarray(0, cut), taken)
      reader.read(bytes.subarray(cut), taken)
      assert.equal(reader.messages, messages.length)
      // The one that was cut went to ws.
      if (pieces.length === 0) assert.deepEqual(taken.map(hex), messages.map(hex))
      else assert.equal(taken.length, messages.length - 1)
    }),
    { numRuns: 1_000 },
  )
})

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
