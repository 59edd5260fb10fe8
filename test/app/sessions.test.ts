/** Sessions and conversations over real TCP: rows W10, W11 and W13 of the threat table, and what users rely on. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'

import { ephemeralIdentity } from '../../src/identity/identity.ts'
import { limits } from '../../src/base/limits.ts'
import { isP2PError, type Message } from '../../src/index.ts'
import { decodeMessages, encodeFrame } from '../../src/protocol/frame.ts'
import { encodeMessage } from '../../src/protocol/message.ts'
import { newMessageId } from '../../src/store/message-id.ts'
import {
  dialInPlain,
  dialWithKey,
  greet,
  introduce,
  inventId,
  openNode,
  until,
  upgradeWith,
  type TestNode,
} from './nodes.ts'

/** What one node remembers of its conversation with another: `>` sent, `<` received. */
async function talk(one: TestNode, other: TestNode): Promise<readonly string[]> {
  const history = await one.node.conversation(other.node.id).history()
  return history.map(({ text, incoming }) => `${incoming ? '<' : '>'} ${text}`)
}

test('a message goes each way, with its time, and both histories hold both', async () => {
  await using a = await openNode()
  await using b = await openNode()
  introduce(a, b)
  const received: Message[] = []
  for (const { node } of [a, b]) node.on('message:received', ({ message }) => received.push(message))
  const sent = await a.node.conversation(b.node.id).send('Привет 👋')
  await until(() => received.length === 1, 'the message')
  await b.node.conversation(a.node.id).send('hello')
  await until(() => received.length === 2, 'the answer')
  assert.deepEqual(
    received.map(({ text }) => text),
    ['Привет 👋', 'hello'],
  )
  assert.equal(received[0]?.sentAt.getTime(), sent.sentAt.getTime())
  assert.deepEqual(await talk(a, b), ['> Привет 👋', '< hello'])
  assert.deepEqual(await talk(b, a), ['< Привет 👋', '> hello'])
})

test('connect joins the open session, and callers at the same time share one dial', async () => {
  await using a = await openNode()
  await using b = await openNode()
  introduce(a, b)
  const [one, two] = await Promise.all([a.node.connect(b.node.id), a.node.connect(b.node.id)])
  assert.equal(one, two)
  await until(() => b.node.sessions.list().length === 1, 'the session at the other end')
  assert.equal((await b.node.connect(a.node.id)).incoming, true)
})

test('connect to a peer that nobody knows, or that is gone, says so', async () => {
  await using a = await openNode()
  await assert.rejects(a.node.connect(inventId(1)), { code: 'peer-unknown' })
  a.hearsay.tell({ id: inventId(2), port: 1 })
  await assert.rejects(a.node.connect(inventId(2)), { code: 'peer-unreachable' })
  await assert.rejects(
    a.node.connect(inventId(2), { signal: AbortSignal.abort(new Error('changed my mind')) }),
    {
      message: 'changed my mind',
    },
  )
})

test('a text that is longer than a message may be is refused whole, and the longest arrives in one piece', async () => {
  await using a = await openNode()
  await using b = await openNode()
  introduce(a, b)
  const session = await a.node.connect(b.node.id)
  await assert.rejects(session.send('x'.repeat(limits.textBytes + 1)), { code: 'message-too-long' })
  const arrived = new Promise<Message>((resolve) =>
    b.node.on('message:received', ({ message }) => resolve(message)),
  )
  const fits = 'ü'.repeat(limits.textBytes / 2)
  await session.send(fits)
  assert.equal((await arrived).text, fits)
  assert.deepEqual((await a.node.conversation(b.node.id).history()).length, 1)
})

test('a text that does not fit into one frame of a reference peer is refused, and nothing is stored', async () => {
  await using a = await openNode()
  const conversation = a.node.conversation(inventId(3))
  await assert.rejects(conversation.send('x'.repeat(limits.messageBytes)), { code: 'message-too-long' })
  assert.deepEqual(await conversation.history(), [])
  assert.equal((await conversation.send('x'.repeat(limits.messageBytes - 30))).state, 'pending')
})

test('close ends a session with 1000 at both ends; the second close, and sends, know it', async () => {
  await using a = await openNode()
  await using b = await openNode()
  introduce(a, b)
  const codes: number[] = []
  for (const { node } of [a, b]) node.on('session:closed', ({ code }) => codes.push(code))
  const session = await a.node.connect(b.node.id)
  await session.close()
  await session.close()
  await until(() => codes.length === 2, 'both ends')
  assert.deepEqual(codes, [1000, 1000])
  assert.equal(a.node.sessions.list().length, 0)
})

test('a node that stops closes its sessions with 1000, takes at most 2 s, and can be closed twice', async () => {
  await using a = await openNode()
  const b = await openNode()
  introduce(a, b)
  await b.node.connect(a.node.id)
  await until(() => a.node.sessions.list().length === 1, 'the session')
  const ended = new Promise<number>((resolve) => a.node.on('session:closed', ({ code }) => resolve(code)))
  const started = performance.now()
  await Promise.all([b.node.close(), b.node.close()])
  assert.ok(performance.now() - started < limits.shutdownMs)
  assert.equal(await ended, 1000)
  await assert.rejects(b.node.connect(a.node.id), { code: 'node-stopped' })
})

test('W10: what is on the way to a peer that never reads is bounded, and so is what waits for it on the disk', async () => {
  const endless = { perSecond: Infinity, burst: Infinity }
  await using a = await openNode({ messageRate: endless })
  const ws = await dialWithKey(a)
  await greet(ws)
  ws.pause()
  const conversation = a.node.conversation(a.node.sessions.list()[0]!.peerId)
  let left = 0
  a.node.on('message:sent', () => left++)
  const text = 'x'.repeat(4_000)
  const sends = Array.from({ length: 3_000 }, () => conversation.send(text))
  await Promise.all(sends)
  await new Promise((resolve) => setTimeout(resolve, 500))
  assert.ok(left > 0 && left * text.length <= limits.unconfirmedBytes, `${left} messages left`)
  assert.equal(conversation.info.pending, sends.length)

  const rest = Array.from({ length: limits.outboxMessagesPerPeer }, () => conversation.send('x'))
  const failed = (await Promise.allSettled(rest)).filter(({ status }) => status === 'rejected')
  assert.equal(failed.length, sends.length)
  for (const { reason } of failed as PromiseRejectedResult[]) assert.ok(isP2PError(reason, 'too-many'))
  ws.terminate()
})

test('W10 twin: a bare WebSocket takes whatever it is given for a peer that never reads', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const deaf = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await once(deaf, 'open')
  deaf.pause()
  const [ws] = (await accepted) as [WebSocket]
  for (let sent = 0; sent < 10_000; sent++) ws.send('x'.repeat(4_000))
  assert.ok(ws.bufferedAmount > 10 * limits.queuedBytes)
  deaf.terminate()
  ws.terminate()
  server.close()
})

test('W11: of 100 sessions under one ID at most two are open', async () => {
  await using a = await openNode()
  const busy = inventId(11)
  a.hearsay.tell({ id: busy, port: 1 })
  const dials = Array.from({ length: 100 }, () => dialInPlain(busy, a))
  const results = await Promise.allSettled(dials)
  const open = results.filter(({ status }) => status === 'fulfilled')
  assert.equal(open.length, limits.sessionsPerPeer)
  assert.equal(a.node.sessions.list().length, limits.sessionsPerPeer)
  for (const result of results) if (result.status === 'fulfilled') result.value.terminate()
})

test('W11 twin: the same dials under 100 IDs all succeed, so it is the rule that refuses them', async () => {
  await using a = await openNode()
  const ids = Array.from({ length: 20 }, (_, number) => inventId(1_000 + number))
  for (const id of ids) a.hearsay.tell({ id, port: 1 })
  const open: WebSocket[] = []
  for (const id of ids) open.push(await dialInPlain(id, a))
  assert.equal(a.node.sessions.list().length, ids.length)
  for (const ws of open) ws.terminate()
})

test('W13: a reference peer that says nothing gets 15 messages at once, and the rest when it has spoken', async () => {
  await using a = await openNode()
  const silent = inventId(13)
  a.hearsay.tell({ id: silent, port: 1 })
  const ws = await dialInPlain(silent, a)
  const frames: Buffer[] = []
  ws.on('message', (data: Buffer) => frames.push(data))
  const waits: number[] = []
  a.node.on('message:waiting', ({ waiting }) => waits.push(waiting))
  await until(() => a.node.sessions.list().length === 1, 'the session')
  const sends = Array.from({ length: 30 }, (_, number) =>
    a.node.conversation(silent).send(`message ${number}`),
  )
  await until(() => frames.length === limits.unansweredPaced, 'the first 15')
  await new Promise((resolve) => setTimeout(resolve, 500))
  assert.equal(frames.length, limits.unansweredPaced)

  ws.send(Buffer.from('120178', 'hex'))
  await Promise.all(sends.slice(0, 30))
  await until(() => frames.length === 30, 'all 30')
  assert.ok(frames.every((frame, number) => frame.includes(`message ${number}`)))
  ws.terminate()
})

test('W13 twin: to a peer of ours the same 30 messages leave at once', async () => {
  await using a = await openNode()
  const { credentials } = ephemeralIdentity()
  const ws = await dialWithKey(a, credentials)
  let messages = 0
  await greet(ws)
  ws.on('message', (frame: Buffer) => (messages += decodeMessages(frame)?.length ?? 0))
  await Promise.all(
    Array.from({ length: 30 }, (_, number) => a.node.conversation(credentials.id).send(`message ${number}`)),
  )
  await until(() => messages === 30, 'all 30')
  ws.terminate()
})

test('a frame that is no message ends the session with 1011, and one with an odd time gets ours', async () => {
  await using a = await openNode()
  const odd = inventId(15)
  a.hearsay.tell({ id: odd, port: 1 })
  const received: Message[] = []
  a.node.on('message:received', ({ message }) => received.push(message))
  const ws = await dialInPlain(odd, a)
  // A time of 2^62 seconds, then bytes that are not protobuf.
  ws.send(Buffer.from('0a0a08808080808080808040120178', 'hex'))
  await until(() => received.length === 1, 'the message')
  assert.ok(Math.abs(Date.now() - (received[0]?.sentAt.getTime() ?? 0)) < 60_000)
  ws.send(Buffer.from('ff', 'hex'))
  const [code] = (await once(ws, 'close')) as [number]
  assert.equal(code, 1011)
})

test('two sessions at the limit of the rate stay open: an honest sender never seems to press', async () => {
  const rate = { perSecond: 200, burst: 20 }
  await using a = await openNode({ messageRate: rate })
  await using b = await openNode({ messageRate: rate })
  introduce(a, b)
  const session = await a.node.connect(b.node.id)
  let received = 0
  b.node.on('message:received', () => received++)
  for (let sent = 0; sent < 600; sent++) await session.send(`message ${sent}`)
  await until(() => received === 600, 'all messages', 30_000)
  assert.ok(session.open)
})

test('W9: each message of a batch counts for the rate, so batches get nobody past it', async () => {
  const flood = await openFlood({ perSecond: 50, burst: 200 })
  await using _ = flood.node
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  // One read of the socket may bring several frames before the reading stops.
  assert.ok(flood.received() < 10_000, `${flood.received()} of 30,000 messages`)
  flood.ws.terminate()
})

test('W9 twin: without a rate the same batches all arrive', async () => {
  const flood = await openFlood({ perSecond: Infinity, burst: Infinity })
  await using _ = flood.node
  await until(() => flood.received() === 30_000, 'all messages')
  flood.ws.terminate()
})

/** A peer that sends 60 frames of 500 messages as fast as it can. */
async function openFlood(messageRate: { readonly perSecond: number; readonly burst: number }) {
  const node = await openNode({ messageRate })
  let received = 0
  node.node.on('message:received', () => received++)
  const friend = ephemeralIdentity().credentials
  const ws = await dialWithKey(node, friend)
  // What strangers may say is bounded await besides.
  await node.node.trust.setAlias(friend.id, 'friend')
  await greet(ws)
  for (let sent = 0; sent < 60; sent++) {
    const messages = Array.from({ length: 500 }, (_, index) => {
      const delivery = { id: newMessageId(0), place: sent * 500 + index + 1, after: 0, part: 0, parts: 1 }
      return encodeMessage({ text: 'x', sentAt: undefined, delivery })
    })
    ws.send(encodeFrame({ messages }))
  }
  return { node, ws, received: () => received }
}

test('of two sessions with a reference peer a message leaves on the one that was chosen', async () => {
  await using own = await openNode()
  const id = inventId(7)
  own.hearsay.tell({ id, port: 9 })
  const heard: string[][] = [[], []]
  for (const texts of heard) {
    await dialInPlain(id, own, (frame) =>
      texts.push(...(decodeMessages(frame) ?? []).map(({ text }) => text)),
    )
  }
  const [first, second] = own.node.sessions.list()
  await first?.send('to the first')
  await until(() => heard[0]?.length === 1, 'the first message')
  await second?.send('to the second')
  await until(() => heard[1]?.length === 1, 'the second message')
  await first?.send('to the first again')
  await until(() => heard[0]?.length === 2, 'the third message')
  assert.deepEqual(heard, [['to the first', 'to the first again'], ['to the second']])
})

test('W13: an announcement alone makes nobody a peer of ours, so a forged one ends neither pace nor frames', async () => {
  await using a = await openNode()
  const victim = inventId(16)
  a.hearsay.tell({ id: victim, port: 1, upgrade: upgradeWith(undefined) })
  const ws = await dialInPlain(victim, a)
  let frames = 0
  ws.on('message', () => frames++)
  await until(() => a.node.sessions.list().length === 1, 'the session')
  const sends = Array.from({ length: 20 }, (__, number) =>
    a.node.conversation(victim).send(`message ${number}`),
  )
  for (const send of sends) send.catch(() => {})
  await until(() => frames === limits.unansweredPaced, '15 frames of one message each')
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(frames, limits.unansweredPaced)
  ws.terminate()
})
