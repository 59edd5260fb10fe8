/** W8 on a whole node: what a frame may say, and what it may not. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { WebSocket } from 'ws'

import type { Message } from '../../src/index.ts'
import { inventId, openNode, until, type TestNode } from '../app/nodes.ts'

const id = inventId(8)

/** A stranger in a session with a node. */
async function openSession({ node, hearsay }: TestNode): Promise<WebSocket> {
  hearsay.tell({ id, port: 1 })
  const ws = new WebSocket(`ws://127.0.0.1:${node.info.port}/ws`, { headers: { PeerID: id } })
  await once(ws, 'open')
  return ws
}

describe('W8: frames that are no message end the session with 1011', () => {
  for (const [name, frame] of [
    ['text', 'hello'],
    ['ff', Buffer.from('ff', 'hex')],
    ['a text that is not UTF-8', Buffer.from('1202ff41', 'hex')],
    ['a text longer than the frame', Buffer.from('120578', 'hex')],
  ] as const) {
    test(name, async () => {
      await using called = await openNode()
      const received: Message[] = []
      called.node.on('message:received', ({ message }) => received.push(message))
      const ws = await openSession(called)
      ws.send(frame)
      assert.equal(((await once(ws, 'close')) as [number])[0], 1011)
      assert.deepEqual(received, [])
    })
  }
})

test('W8: an empty frame, unknown fields and odd times are messages, shown with the time of arrival', async () => {
  await using called = await openNode()
  const received: Message[] = []
  called.node.on('message:received', ({ message }) => received.push(message))
  const ws = await openSession(called)
  const startedAt = Date.now()
  const frames: readonly (readonly [string, string])[] = [
    ['', ''],
    ['120178', 'x'],
    ['8a3e030102031a00120178', 'x'],
    ['0a0a08808080808080808040120178', 'x'],
    ['0a0b088080808080808080c001120178', 'x'],
    ['0a0b10ffffffffffffffffff01120178', 'x'],
    ['0a061080a8d6b907120178', 'x'],
  ]
  for (const [hex] of frames) ws.send(Buffer.from(hex, 'hex'))
  await until(() => received.length === frames.length, 'all messages')
  assert.deepEqual(
    received.map(({ text }) => text),
    frames.map(([, text]) => text),
  )
  for (const { sentAt } of received)
    assert.ok(sentAt.getTime() >= startedAt && sentAt.getTime() <= Date.now(), sentAt.toISOString())
  assert.ok(called.node.sessions.list()[0]?.open)
  ws.terminate()
})
