/** Answers about files, byte by byte: rows F10 and F11. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { isP2PError } from '../base/errors.ts'
import { leafBytes } from '../protocol/file-id.ts'
import { lateBytes, PieceSink, Slabs } from './piece-sink.ts'
import { parseResponseHead, type ResponseHead } from './response-head.ts'
import { MessageSink, ResponseReader } from './response-reader.ts'
import { SlabPool } from './slab-pool.ts'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 5'

/** Puts bytes where the reader wants them, in pieces of these lengths, as the network does. */
function feed(reader: ResponseReader, bytes: Uint8Array, lengths: readonly number[] = []): void {
  let turn = 0
  for (let at = 0; at < bytes.length;) {
    const space = reader.space()
    assert.ok(space.length > 0)
    const length = Math.min(lengths[turn++ % lengths.length] ?? Infinity, space.length, bytes.length - at)
    space.set(bytes.subarray(at, at + length))
    at += length
    reader.take(length)
  }
}

/** What one answer says, read as a message of at most 1,000 bytes. */
function readMessage(answer: Uint8Array, lengths?: readonly number[]): { head?: ResponseHead; text: string } {
  const reader = new ResponseReader()
  let sink: MessageSink | undefined
  const result: { head?: ResponseHead; text: string } = { text: '' }
  reader.expect({
    begin: ({ bodyBytes }) => (sink = new MessageSink(bodyBytes, 1_000)),
    done(head) {
      result.head = head
      result.text = Buffer.from(sink?.bytes ?? []).toString('latin1')
    },
  })
  feed(reader, answer, lengths)
  return result
}

function violates(act: () => unknown, what: RegExp): void {
  assert.throws(act, (error) => isP2PError(error, 'protocol-violation') && what.test(error.message))
}

describe('the head of an answer', () => {
  test('says how long the body is, which part of a file it is, and whether the connection ends', () => {
    const none = { range: undefined, closes: false }
    assert.deepEqual(parseResponseHead(ok), { status: 200, bodyBytes: 5, ...none })
    assert.deepEqual(parseResponseHead('HTTP/1.1 404\r\ncontent-length:0\r\nX-Y: z'), {
      status: 404,
      bodyBytes: 0,
      ...none,
    })
    assert.deepEqual(
      parseResponseHead(
        'HTTP/1.1 206 Partial Content\r\nContent-Length: 10 \r\nContent-Range: bytes 5-14/99\r\nConnection: Close',
      ),
      { status: 206, bodyBytes: 10, range: { start: 5, end: 15, sizeBytes: 99 }, closes: true },
    )
    const tooFar = 'HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nContent-Range: bytes */99'
    assert.deepEqual(parseResponseHead(tooFar), { status: 416, bodyBytes: 0, ...none })
  })

  const lengths = ['', '-1', '+5', '0x5', '5.0', '5, 5', '9007199254740993', '1e3', 'five', '٥']
  test('F10: a length that is none, is missing or is said twice is refused', () => {
    for (const length of lengths) {
      assert.equal(parseResponseHead(`HTTP/1.1 200 OK\r\nContent-Length: ${length}`), undefined, length)
    }
    assert.equal(parseResponseHead('HTTP/1.1 200 OK'), undefined)
    assert.equal(parseResponseHead(`${ok}\r\nContent-Length: 5`), undefined)
  })

  test('F10: a part whose range is missing, is none or is said twice is refused', () => {
    const part = 'HTTP/1.1 206 Partial Content\r\nContent-Length: 5'
    const ranges = [
      'bytes 0-4/*',
      'bytes */5',
      'bytes 4-0/5',
      'bytes 0-5/5',
      'bytes 0-4',
      '0-4/5',
      'bytes -1-4/5',
    ]
    for (const range of ranges)
      assert.equal(parseResponseHead(`${part}\r\nContent-Range: ${range}`), undefined)
    assert.equal(parseResponseHead(part), undefined)
    const once = 'Content-Range: bytes 0-4/5'
    assert.notEqual(parseResponseHead(`${part}\r\n${once}`), undefined)
    assert.equal(parseResponseHead(`${part}\r\n${once}\r\n${once}`), undefined)
  })

  test('F11: whatever encodes the body is refused, even as identity', () => {
    for (const field of ['Content-Encoding: gzip', 'content-encoding: br', 'Content-Encoding: identity']) {
      assert.equal(parseResponseHead(`${ok}\r\n${field}`), undefined, field)
    }
    assert.equal(parseResponseHead(`${ok}\r\nTransfer-Encoding: chunked`), undefined)
  })

  test('interim answers, other versions and broken lines are refused', () => {
    const broken = [
      'HTTP/1.1 100 Continue\r\nContent-Length: 0',
      'HTTP/1.1 101 Switching Protocols\r\nContent-Length: 0',
      'HTTP/1.0 200 OK\r\nContent-Length: 0',
      'HTTP/2 200\r\nContent-Length: 0',
      'HTTP/1.1 2000 OK\r\nContent-Length: 0',
      `${ok}\r\n folded: x`,
      `${ok}\r\nX : y`,
      `${ok}\r\nno colon`,
      `${ok}\r\nX: a\0b`,
      `${ok}\r\nX: a\nContent-Length: 7`,
      `${ok}\r\nUpgrade: x`,
      '',
    ]
    for (const head of broken) assert.equal(parseResponseHead(head), undefined, head)
  })

  test('nothing that can be sent makes it throw', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(ok, 'Content-Length: 5', '\r\n', ':'),
    )
    fc.assert(
      fc.property(fc.array(line), (lines) => void parseResponseHead(lines.join('\r\n'))),
      { numRuns: 2_000 },
    )
  })
})

describe('reading answers', () => {
  test('however the network cuts it, an answer is the same', () => {
    const answer = Buffer.from(`${ok}\r\n\r\nhello`)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (lengths) => {
        const { head, text } = readMessage(answer, lengths)
        assert.equal(head?.status, 200)
        assert.equal(text, 'hello')
      }),
    )
  })

  test('F10: more than was declared is refused, behind the body and in one piece with the head', () => {
    violates(() => readMessage(Buffer.from(`${ok}\r\n\r\nhello!`)), /more than it said/)
    violates(() => readMessage(Buffer.from(`${ok}\r\n\r\nhello!`), [1]), /nobody asked/)
  })

  test('F10: less than was declared is no answer', () => {
    assert.equal(readMessage(Buffer.from(`${ok}\r\n\r\nhell`)).head, undefined)
  })

  test('a message that is too long is refused before it is read', () => {
    violates(() => readMessage(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n')), /too long/)
  })

  test('a head without an end is refused, and so is what nobody asked for', () => {
    violates(() => readMessage(Buffer.alloc(20_000, 'x')), /head that is too long/)
    const reader = new ResponseReader()
    violates(() => feed(reader, Buffer.from('H')), /nobody asked/)
  })

  test('random bytes are refused or read, and nothing else is thrown', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ maxLength: 40 }).map((text) => Buffer.from(`${ok}\r\n${text}\r\n\r\nhello`)),
    )
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 50 }), (answer, length) => {
        try {
          readMessage(answer, [length])
        } catch (error) {
          assert.ok(isP2PError(error, 'protocol-violation'), String(error))
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

const newPool = (): SlabPool => new SlabPool({ filePieces: 4, fileBuffers: 24 })

/** Lengths of the pieces that a body is cut into. */
function read(bodyBytes: number, lengths: readonly number[]): number[] {
  const slabs = new Slabs(newPool(), () => {})
  const first = slabs.take()
  assert.ok(first)
  const pieces: number[] = []
  const sink = new PieceSink({
    slabs,
    first,
    take: (piece) => {
      pieces.push(piece.bytes.length)
      piece.release()
    },
  })
  const reader = new ResponseReader()
  reader.expect({
    begin(head) {
      sink.begin(head.bodyBytes)
      return sink
    },
    done: () => sink.close(),
  })
  const head = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${bodyBytes}\r\n\r\n`)
  feed(reader, Buffer.concat([head, Buffer.alloc(bodyBytes)]), lengths)
  return pieces
}

describe('the slabs of a body', () => {
  test('are leaves, whatever comes in one read', () => {
    for (const lengths of [[16_384], [16_384, 1], [70_000], [leafBytes * 2]]) {
      assert.deepEqual(read(2 * leafBytes + 5, lengths), [leafBytes, leafBytes, 5])
      assert.deepEqual(read(leafBytes, lengths), [leafBytes])
      assert.deepEqual(read(1, lengths), [1])
    }
  })

  test('have room for what comes late when all others are out', () => {
    const shared = newPool()
    const slabs = new Slabs(shared, () => {})
    const first = slabs.take()
    assert.ok(first)
    const pieces: { release(): void }[] = []
    const sink = new PieceSink({ slabs, first, take: (piece) => pieces.push(piece) })
    sink.begin(100 * leafBytes)
    let bytes = 0
    while (sink.isRoomy()) {
      const length = Math.min(16_384, sink.space().length)
      sink.filled(length)
      bytes += length
    }
    assert.equal(pieces.length, 3)
    assert.ok(bytes < 4 * leafBytes && sink.space().length >= lateBytes - 16_384)
    pieces[0]?.release()
    assert.equal(sink.isRoomy(), true)
    for (const piece of pieces) piece.release()
    sink.close()
    assert.equal(shared.taken, 0)
  })

  test('are so many for one, and for all together, but two for everybody', () => {
    const shared = new SlabPool({ filePieces: 4, fileBuffers: 6 })
    const one = [0, 1, 2, 3].map((held) => shared.take(held))
    assert.ok(one.every((slab) => slab?.length === leafBytes))
    assert.equal(shared.take(4), undefined)
    assert.ok(shared.take(0) && shared.take(1))
    assert.equal(shared.take(2), undefined, 'all together have enough')
    assert.ok(shared.take(0) && shared.take(1), 'but another one is not kept out')
    for (const slab of one) if (slab !== undefined) shared.give(slab)
    assert.equal(shared.taken, 4)
    assert.ok(shared.take(2))
  })
})
