import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Channel } from '../transport/channel.ts'
import { Pump, type PumpSource } from './pump.ts'

/** A channel that only counts, with room for as many frames as are given. */
function channelWith(room: number) {
  const sent: Uint8Array[] = []
  const free = Promise.withResolvers<void>()
  const channel = {
    isOpen: true,
    send(frame: Uint8Array): Promise<void> | undefined {
      sent.push(frame)
      return sent.length < room ? undefined : free.promise
    },
  }
  return { channel: channel as unknown as Channel, sent, free }
}

function source(next: PumpSource['next']) {
  const told: string[] = []
  const made: PumpSource = {
    next,
    stalled: () => told.push('stalled'),
    failed: (error) => told.push(String(error)),
  }
  return { made, told }
}

const frame = new Uint8Array(1)

test('W10: a peer that takes nothing and says nothing for long is given up; one that says something is not', async () => {
  for (const speaks of [false, true]) {
    const { channel, sent } = channelWith(3)
    const { made, told } = source(() => frame)
    const pump = new Pump(channel, made, 100)
    pump.nudge()
    for (let waited = 0; waited < 40; waited++) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      if (speaks) pump.heard()
    }
    assert.equal(sent.length, 3)
    assert.deepEqual(told, speaks ? [] : ['stalled'])
    pump.close()
  }
})

test('what waits for the peer goes on when it has spoken, and when the channel has room', async () => {
  const { channel, sent, free } = channelWith(2)
  const frames = [frame, Infinity, frame, frame]
  const { made } = source(() => frames.shift())
  const pump = new Pump(channel, made)
  pump.nudge()
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(sent.length, 1)
  pump.heard()
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(sent.length, 2)
  free.resolve()
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(sent.length, 3)
})

test('a source that throws is told so, and asked no more', async () => {
  const { channel } = channelWith(9)
  const { made, told } = source(() => {
    throw new Error('broken')
  })
  const pump = new Pump(channel, made)
  pump.nudge()
  pump.nudge()
  await new Promise((resolve) => setTimeout(resolve, 10))
  pump.nudge()
  await new Promise((resolve) => setTimeout(resolve, 10))
  assert.deepEqual(told, ['Error: broken'])
})
