/** A reader of events that does not read: it fills no memory and keeps nobody waiting, and is told what it missed. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { limits } from '../../src/index.ts'
import { connectNode } from '../../src/control/client.ts'
import type { Frame } from '../../src/control/event-feed.ts'
import { until } from '../app/nodes.ts'
import { openDriven } from './open.ts'

test('a reader that stands still misses events, is told how many, and then how all stands', async (t) => {
  const { control, desk, kitchen, remote } = await openDriven(t)
  const slow = new WebSocket('ws://p2p/v1/events', { createConnection: () => connect(control.socket) })
  const frames: Frame[] = []
  slow.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString('utf8')) as Frame))
  await once(slow, 'message')
  slow.pause()
  const bytesBefore = process.memoryUsage().rss
  const text = 'x'.repeat(60_000)
  for (let sent = 0; sent < 60; sent++) await desk.node.conversation(kitchen.node.id).send(text)
  await until(() => remote.conversation(kitchen.node.id).info.pending === 0, 'the other reader to see all')
  const said = await remote.conversation(kitchen.node.id).history({ limit: 100 })
  assert.equal(said.length, 60)
  slow.resume()
  await until(() => frames.some((frame) => 'missed' in frame), 'the word on what was missed')
  const missed = frames.find((frame) => 'missed' in frame)
  assert.ok(missed !== undefined && 'missed' in missed && missed.missed > 0)
  await until(() => frames.filter((frame) => 'state' in frame).length === 2, 'the state')
  const state = frames.findLast((frame) => 'state' in frame)
  assert.ok(state !== undefined && 'state' in state)
  assert.equal(state.state.conversations[0]?.lastMessage?.text, text)
  assert.ok(process.memoryUsage().rss - bytesBefore < 150_000_000)
  slow.terminate()
})

test('more connections than there may be are refused, and the others go on', async (t) => {
  const { control, dataDir, remote, desk, kitchen } = await openDriven(t)
  const sockets = Array.from({ length: limits.controlConnections + 20 }, () => connect(control.socket))
  let closed = 0
  for (const socket of sockets)
    socket
      .on('close', () => closed++)
      .on('error', () => {})
      .resume()
  await until(() => closed >= 20, 'the refusal of those above the limit')
  await kitchen.node.conversation(desk.node.id).send('still there?')
  await until(() => remote.conversation(kitchen.node.id).info.unread === 1, 'an event for the other reader')
  for (const socket of sockets) socket.destroy()
  await until(() => closed === sockets.length, 'the end of all')
  const again = await connectNode(dataDir)
  assert.equal(again?.id, remote.id)
  await again?.close()
})
