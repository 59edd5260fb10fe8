/** Frames that no honest peer sends: rows W5 to W9 of the threat table. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readFrames } from '../../test/contracts/channel.ts'
import {
  delay,
  openTransport,
  type TestTransport,
  type TestTransportOptions,
} from '../../test/transport/open.ts'
import { frame, opcodes, openRaw, type RawWebSocket } from '../../test/transport/raw.ts'
import { limits as standard } from '../base/limits.ts'
import type { Channel } from './channel.ts'

const unlimited = { perSecond: Infinity, burst: Infinity }
const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(1)

/** A transport that gives up soon on a peer that never ends the connection. */
function openHasty(options: TestTransportOptions = {}): Promise<TestTransport> {
  return openTransport({ ...options, limits: { closeMs: 200, ...options.limits } })
}

describe('W5: frames that break the protocol', { concurrency: true }, () => {
  const violations: readonly (readonly [string, number, Buffer])[] = [
    ['not masked', 1002, frame(opcodes.binary, bytes(3), { mask: false })],
    ['RSV1', 1002, frame(opcodes.binary, bytes(3), { reserved: 0x40 })],
    ['RSV2', 1002, frame(opcodes.binary, bytes(3), { reserved: 0x20 })],
    ['opcode 3', 1002, frame(3, bytes(3))],
    ['opcode 11', 1002, frame(11, bytes(3))],
    ['a continuation of nothing', 1002, frame(opcodes.continuation, bytes(3))],
    ['a ping of 126 bytes', 1002, frame(opcodes.ping, bytes(126))],
    ['a fragmented ping', 1002, frame(opcodes.ping, bytes(1), { fin: false })],
    ['close 999', 1002, frame(opcodes.close, Uint8Array.of(3, 231))],
    ['close 1005', 1002, frame(opcodes.close, Uint8Array.of(3, 237))],
    ['a close of one byte', 1002, frame(opcodes.close, Uint8Array.of(3))],
    ['a reason that is not UTF-8', 1007, frame(opcodes.close, Uint8Array.of(3, 232, 255, 65))],
    ['a length of 2^63 - 1', 1009, frame(opcodes.binary, bytes(3), { declared: 2n ** 63n - 1n })],
    ['a length of 2^64 - 1', 1009, frame(opcodes.binary, bytes(3), { declared: 2n ** 64n - 1n })],
    ['3 bytes with a length of two bytes', 1002, frame(opcodes.binary, bytes(3), { lengthBytes: 2 })],
    ['300 bytes with a length of eight bytes', 1002, frame(opcodes.binary, bytes(300), { lengthBytes: 8 })],
    [
      'a new message within another',
      1002,
      Buffer.concat([frame(opcodes.binary, bytes(1), { fin: false }), frame(opcodes.binary, bytes(1))]),
    ],
  ]

  test('a socket is free after 2 s at the latest', () => {
    assert.equal(standard.closeMs, 2_000)
  })

  for (const [name, code, wrong] of violations) {
    test(`${name}: ${code}, and the socket is free although the peer never ends it`, async () => {
      await using server = await openHasty()
      const { raw, channel } = await openRaw(server)
      const frames = readFrames(channel)
      raw.socket.write(Buffer.concat([wrong, frame(opcodes.binary, bytes(5))]))
      const started = performance.now()
      assert.equal((await channel.closed).code, code)
      assert.ok(performance.now() - started < 1_500)
      assert.deepEqual(await frames, [], 'nothing of it is handed on')
      await raw.ended()
      assert.equal(raw.closeCode(), code)
    })
  }

  test('what came before the violation in another read is handed on', async () => {
    await using server = await openHasty()
    const { raw, channel } = await openRaw(server)
    const frames = readFrames(channel)
    raw.socket.write(frame(opcodes.binary, bytes(2)))
    await delay(50)
    raw.socket.write(frame(3, bytes(3)))
    assert.deepEqual(await frames, [[1, 1]])
  })
})

describe('W6: the length of messages', () => {
  test('32,767 and 32,768 bytes arrive', async () => {
    await using server = await openHasty()
    const { raw, channel } = await openRaw(server)
    raw.socket.write(frame(opcodes.binary, bytes(32_767)))
    raw.socket.write(frame(opcodes.binary, bytes(32_768)))
    assert.deepEqual(
      (await readFrames(channel, 2)).map(({ length }) => length),
      [32_767, 32_768],
    )
    raw.socket.destroy()
  })

  const tooLong: readonly (readonly [string, Buffer])[] = [
    ['32,769 bytes', frame(opcodes.binary, bytes(32_769))],
    ['100 MB declared', frame(opcodes.binary, bytes(10), { declared: 100_000_000n })],
    [
      'two fragments of 20 KB',
      Buffer.concat([
        frame(opcodes.binary, bytes(20_000), { fin: false }),
        frame(opcodes.continuation, bytes(20_000)),
      ]),
    ],
  ]

  for (const [name, wrong] of tooLong) {
    test(`${name}: 1009`, async () => {
      await using server = await openHasty()
      const { raw, channel } = await openRaw(server)
      const frames = readFrames(channel)
      raw.socket.write(wrong)
      assert.equal((await channel.closed).code, 1009)
      assert.deepEqual(await frames, [])
      assert.equal(raw.closeCode(), 1009)
    })
  }

  test('twin: with a higher limit the same messages arrive', async () => {
    await using server = await openHasty({ limits: { messageBytes: 1_000_000 } })
    const { raw, channel } = await openRaw(server)
    raw.socket.write(Buffer.concat([tooLong[0]![1], tooLong[2]![1]]))
    assert.deepEqual(
      (await readFrames(channel, 2)).map(({ length }) => length),
      [32_769, 40_000],
    )
    raw.socket.destroy()
  })
})

/** Sends fragments of one byte until somebody ends it. */
async function fragments(
  server: TestTransport,
  count: number,
): Promise<{ raw: RawWebSocket; channel: Channel }> {
  const { raw, channel } = await openRaw(server)
  void readFrames(channel)
  raw.socket.write(frame(opcodes.binary, bytes(1), { fin: false }))
  for (let i = 1; i < count; i++) raw.socket.write(frame(opcodes.continuation, bytes(1), { fin: false }))
  return { raw, channel }
}

/** Begins a message and keeps the session busy with fragments and pings. */
async function slowFragments(server: TestTransport): Promise<{ channel: Channel; stop: () => void }> {
  const { raw, channel } = await openRaw(server)
  void readFrames(channel)
  raw.socket.write(frame(opcodes.binary, bytes(1), { fin: false }))
  const timer = setInterval(() => {
    raw.socket.write(frame(opcodes.continuation, bytes(1), { fin: false }))
    raw.socket.write(frame(opcodes.ping, bytes(1)))
  }, 100)
  return {
    channel,
    stop: () => {
      clearInterval(timer)
      raw.socket.destroy()
    },
  }
}

describe('W7: messages that do not end', { concurrency: true }, () => {
  test('16,384 fragments of one byte: 1008 after the 32nd', async () => {
    await using server = await openHasty()
    const { raw, channel } = await fragments(server, 16_384)
    assert.equal((await channel.closed).code, 1008)
    assert.equal(raw.closeCode(), 1008)
  })

  test('twin: with higher limits they are all held in memory', async () => {
    await using server = await openHasty({ limits: { messageFragments: 1e6 } })
    const { raw, channel } = await fragments(server, 16_384)
    const ended = await Promise.race([channel.closed, delay(500)])
    assert.equal(ended, undefined)
    raw.socket.destroy()
  })

  test('32 fragments of one message arrive', async () => {
    await using server = await openHasty()
    const { raw, channel } = await openRaw(server)
    raw.socket.write(frame(opcodes.binary, bytes(1), { fin: false }))
    for (let i = 1; i < 32; i++) raw.socket.write(frame(opcodes.continuation, bytes(1), { fin: i === 31 }))
    assert.deepEqual((await readFrames(channel, 1))[0]?.length, 32)
    raw.socket.destroy()
  })

  const quick = { messageMs: 400, sweepMs: 50 }

  test('a fragment now and then: 1008 after the time for a message', async () => {
    assert.equal(standard.messageMs, 10_000)
    await using server = await openHasty({ limits: quick })
    const { channel, stop } = await slowFragments(server)
    const started = performance.now()
    assert.deepEqual(await channel.closed, { code: 1008, reason: 'message took too long' })
    assert.ok(performance.now() - started < 3_500)
    stop()
  })

  test('a frame that comes byte by byte is ended in the same way', async () => {
    await using server = await openHasty({ limits: quick })
    const { raw, channel } = await openRaw(server)
    void readFrames(channel)
    let at = 0
    const slow = frame(opcodes.binary, bytes(100))
    const timer = setInterval(() => raw.socket.write(slow.subarray(at, ++at)), 50)
    assert.equal((await channel.closed).code, 1008)
    clearInterval(timer)
  })

  test('twin: without the time limit both stay', async () => {
    await using server = await openHasty({ limits: { ...quick, messageMs: Infinity } })
    const { channel, stop } = await slowFragments(server)
    assert.equal(await Promise.race([channel.closed, delay(1_500)]), undefined)
    stop()
  })

  test('messages that are whole are never too slow, however many follow each other', async () => {
    await using server = await openHasty({ limits: quick, messageRate: unlimited })
    const { raw, channel } = await openRaw(server)
    const frames = readFrames(channel)
    // Each write ends within a frame, so that the session is never seen between two messages.
    const stream = Buffer.concat(Array.from({ length: 30 }, () => frame(opcodes.binary, bytes(10))))
    for (let at = 0; at < stream.length; at += 15) {
      raw.socket.write(stream.subarray(at, at + 15))
      await delay(30)
    }
    raw.socket.write(frame(opcodes.close, Uint8Array.of(3, 232)))
    assert.equal((await channel.closed).code, 1000)
    assert.equal((await frames).length, 30)
  })
})

describe('W8: frames that are no messages', () => {
  test('a text frame: 1011', async () => {
    await using server = await openHasty()
    const { raw, channel } = await openRaw(server)
    const frames = readFrames(channel)
    raw.socket.write(frame(opcodes.text, Buffer.from('hello')))
    assert.deepEqual(await channel.closed, { code: 1011, reason: 'text frame' })
    assert.deepEqual(await frames, [])
    assert.equal(raw.closeCode(), 1011)
  })

  test('an empty binary frame arrives as an empty frame', async () => {
    await using server = await openHasty()
    const { raw, channel } = await openRaw(server)
    raw.socket.write(frame(opcodes.binary))
    assert.deepEqual(await readFrames(channel, 1), [[]])
    raw.socket.destroy()
  })
})

/** Writes `piece` every few milliseconds for as long as the session lives; tells what the other side had taken. */
function press(raw: RawWebSocket, piece: Buffer): () => void {
  const timer = setInterval(() => raw.socket.write(piece), 5)
  raw.socket.on('close', () => clearInterval(timer))
  return () => clearInterval(timer)
}

describe('W9: a peer that presses', { concurrency: true }, () => {
  const rate = { perSecond: 50, burst: 20 }

  const floods: readonly (readonly [string, Buffer])[] = [
    ['messages', frame(opcodes.binary, bytes(4))],
    ['pings', frame(opcodes.ping, bytes(4))],
    ['pongs', frame(opcodes.pong, bytes(4))],
  ]

  for (const [name, piece] of floods) {
    test(`a flood of ${name} is not read, and ends the session after a while`, async () => {
      assert.equal(standard.pressingMs, 30_000)
      await using server = await openHasty({
        messageRate: rate,
        limits: { pressingMs: 1_000, sweepMs: 50 },
      })
      const { raw, channel } = await openRaw(server)
      const frames = readFrames(channel)
      const stop = press(raw, piece)
      const started = performance.now()
      assert.deepEqual(await channel.closed, { code: 1008, reason: 'too many messages' })
      stop()
      const seconds = (performance.now() - started) / 1_000
      const taken = (await frames).length
      if (name === 'messages')
        assert.ok(taken > 0 && taken <= rate.burst + rate.perSecond * (seconds + 1) + 50, `${taken}`)
    })

    test(`twin: without the limit the same flood of ${name} is taken in`, async () => {
      await using server = await openHasty({
        messageRate: unlimited,
        limits: { pressingMs: 1_000, sweepMs: 50 },
      })
      const { raw, channel } = await openRaw(server)
      void readFrames(channel)
      const stop = press(raw, piece)
      assert.equal(await Promise.race([channel.closed, delay(1_500)]), undefined)
      stop()
      raw.socket.destroy()
    })
  }

  test('a burst beyond the rate is delayed, not lost', async () => {
    await using server = await openHasty({ messageRate: rate, limits: { sweepMs: 50 } })
    const { raw, channel } = await openRaw(server)
    const started = performance.now()
    const frames = readFrames(channel, 100)
    for (let i = 0; i < 100; i++) raw.socket.write(frame(opcodes.binary, bytes(20_000)))
    assert.equal((await frames).length, 100)
    assert.ok(performance.now() - started > 800, 'it took about (100 - 20) / 50 s')
    raw.socket.destroy()
  })

  test('many pings in one read end the session, because their pongs would be a flood of ours', async () => {
    await using server = await openHasty()
    const { raw, channel } = await openRaw(server)
    void readFrames(channel)
    raw.socket.write(Buffer.concat(Array.from({ length: 5_000 }, () => frame(opcodes.ping))))
    assert.notEqual(await Promise.race([channel.closed, delay(3_000)]), undefined)
  })
})
