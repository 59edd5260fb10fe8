/** What every Channel does, whatever carries it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Channel } from '../../src/transport/channel.ts'

export interface ChannelPair extends AsyncDisposable {
  /** The two ends of one connection; `dialler` dialled. */
  readonly dialler: Channel
  readonly accepter: Channel
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

/** Reads `count` frames, or all until the end. */
export async function readFrames(channel: Channel, count = Infinity): Promise<number[][]> {
  const frames: number[][] = []
  for await (const batch of channel) {
    assert.ok(batch.length > 0, 'a step gives at least one frame')
    for (const frame of batch) frames.push([...frame])
    if (frames.length >= count) break
  }
  return frames
}

/** Declares the tests of the contract for one kind of channel. */
export function channelContract(name: string, makePair: () => Promise<ChannelPair>): void {
  describe(`contract of Channel: ${name}`, () => {
    test('the two ends know which of them dialled', async () => {
      await using pair = await makePair()
      assert.equal(pair.dialler.incoming, false)
      assert.equal(pair.accepter.incoming, true)
    })

    test('frames arrive whole and in order, in both directions', async () => {
      await using pair = await makePair()
      const frames = [bytes(1), bytes(), bytes(2, 3), new Uint8Array(32_768).fill(7), bytes(4)]
      for (const frame of frames) {
        pair.dialler.send(frame)
        pair.accepter.send(frame)
      }
      const expected = frames.map((frame) => [...frame])
      assert.deepEqual(await readFrames(pair.accepter, frames.length), expected)
      assert.deepEqual(await readFrames(pair.dialler, frames.length), expected)
    })

    test('a frame may be a part of a larger buffer, and is never changed', async () => {
      await using pair = await makePair()
      const slab = bytes(9, 1, 2, 3, 9)
      pair.dialler.send(slab.subarray(1, 4))
      pair.accepter.send(slab.subarray(1, 4))
      assert.deepEqual(await readFrames(pair.accepter, 1), [[1, 2, 3]])
      assert.deepEqual(await readFrames(pair.dialler, 1), [[1, 2, 3]])
      assert.deepEqual([...slab], [9, 1, 2, 3, 9])
    })

    test('frames that were sent before the reader came are there when it comes', async () => {
      await using pair = await makePair()
      for (let value = 0; value < 100; value++) pair.dialler.send(bytes(value))
      await new Promise((resolve) => setTimeout(resolve, 20))
      const frames = await readFrames(pair.accepter, 100)
      assert.deepEqual(frames.flat(), [...Array(100).keys()])
    })

    test('send asks to wait while nobody reads, and goes on when somebody does', async () => {
      await using pair = await makePair()
      const frame = new Uint8Array(32_000)
      let sent = 0
      let room: Promise<void> | undefined
      const deadline = performance.now() + 10_000
      // The network holds some of it, so it takes more than the high-water mark.
      while (performance.now() < deadline) {
        room = pair.dialler.send(frame)
        sent++
        if (room === undefined) continue
        const freed = await Promise.race([room.then(() => true), delay(100)])
        if (freed !== true) break
        room = undefined
      }
      assert.ok(room !== undefined, 'send never asked to wait')
      assert.ok(pair.dialler.queuedBytes > 0)
      const received = readFrames(pair.accepter, sent)
      await room
      assert.equal((await received).length, sent)
    })

    test('a close tells both sides the code and the reason, and ends the iteration', async () => {
      await using pair = await makePair()
      const frames = readFrames(pair.accepter)
      pair.dialler.send(bytes(1))
      await pair.dialler.close(1000, 'manual close')
      assert.deepEqual(await pair.dialler.closed, { code: 1000, reason: 'manual close' })
      assert.deepEqual(await pair.accepter.closed, { code: 1000, reason: 'manual close' })
      assert.deepEqual(await frames, [[1]])
      assert.deepEqual(await readFrames(pair.dialler), [])
    })

    test('the accepting side may close too, and closing twice is closing once', async () => {
      await using pair = await makePair()
      const frames = readFrames(pair.dialler)
      await Promise.all([pair.accepter.close(1001, 'stopping'), pair.accepter.close(1000, 'again')])
      await pair.accepter.close(1000, 'and again')
      assert.deepEqual(await pair.accepter.closed, { code: 1001, reason: 'stopping' })
      assert.deepEqual(await pair.dialler.closed, { code: 1001, reason: 'stopping' })
      assert.deepEqual(await frames, [])
    })

    test('sending on an ended channel does nothing', async () => {
      await using pair = await makePair()
      void readFrames(pair.accepter)
      await pair.dialler.close(1000, '')
      assert.equal(pair.dialler.send(bytes(1)), undefined)
    })

    test('who waits for room is let go when the channel ends', async () => {
      await using pair = await makePair()
      const frame = new Uint8Array(32_000)
      let room: Promise<void> | undefined
      for (let sent = 0; sent < 10_000 && room === undefined; sent++) room = pair.dialler.send(frame)
      assert.ok(room !== undefined, 'send never asked to wait')
      await Promise.all([pair.dialler.close(1000, ''), room])
    })

    test('frames that came before the end are read, also by a slow reader', async () => {
      await using pair = await makePair()
      const frames: number[][] = []
      const reading = (async () => {
        for await (const batch of pair.accepter) {
          for (const frame of batch) frames.push([...frame])
          await delay(20)
        }
      })()
      for (const value of [1, 2, 3]) {
        pair.dialler.send(bytes(value))
        await delay(5)
      }
      await pair.dialler.close(1000, '')
      await reading
      assert.deepEqual(frames, [[1], [2], [3]])
    })

    test('a reader that leaves gives up what still comes, and the end is still seen', async () => {
      await using pair = await makePair()
      pair.dialler.send(bytes(1))
      assert.deepEqual(await readFrames(pair.accepter, 1), [[1]])
      pair.dialler.send(bytes(2))
      await pair.dialler.close(1000, '')
      assert.deepEqual(await pair.accepter.closed, { code: 1000, reason: '' })
      assert.deepEqual(await readFrames(pair.accepter), [])
    })
  })
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
