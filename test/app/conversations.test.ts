/** Conversations between whole nodes: what is kept, what waits, what arrives later, and what others are told. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

import { limits, rotateIdentity, type Message, type P2PNode } from '../../src/index.ts'
import { leave, openLan, type LanNode } from './lan.ts'
import { dialInPlain, inventId, openNode, until } from './nodes.ts'

function temporaryDir(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-talk-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function shown(node: P2PNode, other: { readonly id: P2PNode['id'] }): Promise<readonly string[]> {
  return (await node.conversation(other.id).history()).map(
    ({ text, incoming, state }) => `${incoming ? '<' : '>'} ${text} (${state})`,
  )
}

async function delivered(node: LanNode, { id }: Message): Promise<void> {
  await node.heard('message:state', ({ messageId, state }) => messageId === id && state === 'delivered')
}

test('a message to somebody who is away waits, also through a restart of either side, and arrives once', async (t) => {
  const [aDir, bDir] = [temporaryDir(t), temporaryDir(t)]
  await using lan = openLan({ periodMs: 300 })
  const first = await lan.join('a', { dataDir: aDir })
  const b = await lan.join('b', { dataDir: bDir })
  await first.node.conversation(b.node.id).send('one')
  await b.heard('message:received')
  await leave(b)
  await first.heard('peer:lost')
  assert.equal((await first.heard('presence:away')).peerId, b.node.id)
  const waiting = await first.node.conversation(b.node.id).send('two')
  assert.equal(waiting.state, 'pending')
  assert.deepEqual(
    (await first.node.outbox.list()).map(({ message, waitsFor }) => [message.text, waitsFor]),
    [['two', 'peer']],
  )
  await leave(first)

  const second = await lan.start('a', { dataDir: aDir })
  assert.deepEqual(await shown(second.node, b.node), ['> one (delivered)', '> two (pending)'])
  const again = await lan.start('b', { dataDir: bDir })
  await delivered(second, waiting)
  assert.deepEqual(await shown(again.node, second.node), ['< one (received)', '< two (received)'])
  assert.deepEqual(await second.node.outbox.list(), [])
  assert.equal(again.of('message:received').length, 1)
})

test('states go from pending to read, and each is told once', async () => {
  await using lan = openLan()
  const [a, b] = [await lan.join('a'), await lan.join('b')]
  const message = await a.node.conversation(b.node.id).send('hello')
  await delivered(a, message)
  assert.equal(b.node.conversation(a.node.id).info.unread, 1)
  await b.node.conversation(a.node.id).markRead()
  await a.heard('message:state', ({ state }) => state === 'read')
  assert.equal(b.node.conversation(a.node.id).info.unread, 0)
  assert.deepEqual(
    a.of('message:state').map(({ state }) => state),
    ['sent', 'delivered', 'read'],
  )
  assert.deepEqual(await shown(a.node, b.node), ['> hello (read)'])
  assert.deepEqual(await shown(b.node, a.node), ['< hello (read)'])
})

test('without read receipts and typing nobody hears of either; twin: with them they do', async () => {
  await using lan = openLan()
  const a = await lan.join('a')
  const open = await lan.join('open')
  const closed = await lan.join('closed', { readReceipts: false, typing: false })
  for (const { node } of [open, closed]) {
    await a.node.conversation(node.id).send('hello')
    await until(() => node.conversation(a.node.id).info.unread === 1, 'the message')
    await node.conversation(a.node.id).markRead()
    node.conversation(a.node.id).typing()
    await node.conversation(a.node.id).send('answer')
  }
  await a.heard('typing', ({ typing }) => !typing)
  await until(() => a.of('message:received').length === 2, 'the answers')
  assert.deepEqual(await shown(a.node, open.node), ['> hello (read)', '< answer (received)'])
  assert.deepEqual(await shown(a.node, closed.node), ['> hello (delivered)', '< answer (received)'])
  assert.deepEqual(
    a.of('typing').map(({ peerId, typing }) => [peerId, typing]),
    [
      [open.node.id, true],
      [open.node.id, false],
    ],
  )
})

test('a message that waits can be withdrawn, and is never sent; one that has left can not', async () => {
  await using lan = openLan({ periodMs: 300 })
  const [a, b] = [await lan.join('a'), await lan.join('b')]
  const conversation = a.node.conversation(b.node.id)
  const gone = await conversation.send('gone')
  await delivered(a, gone)
  await assert.rejects(conversation.cancel(gone.id), { code: 'message-unknown' })
  lan.network.partition((address) => address)
  await until(() => a.node.sessions.list().length === 0, 'the cut')
  const texts = ['one', 'two', 'three']
  const [, two] = await Promise.all(texts.map((text) => conversation.send(text)))
  await a.node.outbox.cancel(two!.id)
  await assert.rejects(a.node.outbox.cancel(two!.id), { code: 'message-unknown' })
  await assert.rejects(a.node.outbox.cancel('0'.repeat(32)), { code: 'message-unknown' })
  lan.network.heal()
  await until(() => b.of('message:received').length === 3, 'the others')
  assert.deepEqual(
    b.of('message:received').map(({ message }) => message.text),
    ['gone', 'one', 'three'],
  )
  const failed = await a.heard('message:state', ({ state }) => state === 'failed')
  assert.deepEqual([failed.messageId, failed.reason], [two!.id, 'withdrawn'])
  assert.equal((await conversation.history())[2]?.reason, 'withdrawn')
})

test('a policy or a block refuses a message before it is stored; one that waits goes when they allow it again', async () => {
  await using lan = openLan()
  const [a, b] = [await lan.join('a'), await lan.join('b')]
  const conversation = a.node.conversation(b.node.id)
  lan.network.partition((address) => address)
  await conversation.send('early')
  await a.node.trust.block(b.node.id)
  await assert.rejects(conversation.send('no'), { code: 'peer-blocked' })
  lan.network.heal()
  assert.equal((await a.node.outbox.list())[0]?.waitsFor, 'permission')
  await new Promise((resolve) => setTimeout(resolve, 200))
  assert.equal(b.of('message:received').length, 0)
  await a.node.trust.unblock(b.node.id)
  await b.heard('message:received', ({ message }) => message.text === 'early')
  await a.node.setPolicy('trusted')
  await assert.rejects(conversation.send('no'), { code: 'policy-refused' })
  assert.equal((await conversation.history()).length, 1)
})

test('a conversation is read page by page, searched, and followed while it goes on', async () => {
  await using lan = openLan()
  const [a, b] = [await lan.join('a'), await lan.join('b')]
  const mine = a.node.conversation(b.node.id)
  const giveUp = new AbortController()
  const followed: string[] = []
  const following = (async () => {
    for await (const { text } of mine.messages({ follow: true, signal: giveUp.signal })) followed.push(text)
  })()
  for (let number = 1; number <= 30; number++) await mine.send(`Nummer ${number}`)
  await until(() => b.of('message:received').length === 30, 'all messages')
  await b.node.conversation(a.node.id).send('Antwort')
  await until(() => followed.length === 31, 'the follower has all')
  giveUp.abort()
  await following
  assert.equal(followed.at(-1), 'Antwort')

  const last = await mine.history({ limit: 2 })
  const before = await mine.history({ before: last[0]!.id, limit: 2 })
  assert.deepEqual(
    [...before, ...last].map(({ text }) => text),
    ['Nummer 28', 'Nummer 29', 'Nummer 30', 'Antwort'],
  )
  assert.deepEqual(
    (await mine.history({ after: before[0]!.id, limit: 2 })).map(({ text }) => text),
    ['Nummer 29', 'Nummer 30'],
  )
  assert.deepEqual(
    (await mine.history({ search: 'nummer 7' })).map(({ text }) => text),
    ['Nummer 7'],
  )
  assert.deepEqual(
    (await a.node.conversations.search('antw')).map(({ text }) => text),
    ['Antwort'],
  )
  await assert.rejects(() => mine.history({ before: 'nothing' }), { code: 'message-unknown' })
  const all: string[] = []
  for await (const { text } of mine.messages({ after: last[0]!.id })) all.push(text)
  assert.deepEqual(all, ['Antwort'])
  assert.deepEqual(
    a.node.conversations.list().map(({ peerId, pending }) => [peerId, pending]),
    [[b.node.id, 0]],
  )
})

test('forget deletes a conversation from the disk; twin: until then it is there', async (t) => {
  const dataDir = temporaryDir(t)
  await using lan = openLan()
  const [a, b] = [await lan.join('a', { dataDir }), await lan.join('b')]
  await delivered(a, await a.node.conversation(b.node.id).send('canary to b'))
  await b.node.conversation(a.node.id).send('canary to a')
  await a.heard('message:received')
  const onDisk = (): boolean =>
    readdirSync(dataDir).some(
      (name) => name.startsWith('messages') && readFileSync(join(dataDir, name)).includes('canary'),
    )
  assert.ok(onDisk())
  await a.node.trust.forget(b.node.id)
  assert.ok(!onDisk())
  assert.deepEqual(a.node.conversations.list(), [])
  assert.equal((await a.heard('conversation:deleted')).peerId, b.node.id)

  // What is said after that is a new conversation, in which nothing is lost.
  await a.node.conversation(b.node.id).send('hello again')
  await b.heard('message:received', ({ message }) => message.text === 'hello again')
  await b.node.conversation(a.node.id).send('welcome back')
  await a.heard('message:received', ({ message }) => message.text === 'welcome back')
  assert.deepEqual(await shown(a.node, b.node), ['> hello again (delivered)', '< welcome back (received)'])
})

test('a conversation goes on under a new key of the peer, with what waited for the old one', async (t) => {
  const dataDir = temporaryDir(t)
  await using lan = openLan({ periodMs: 300 })
  const a = await lan.join('a')
  const old = await lan.join('b', { dataDir })
  await delivered(a, await a.node.conversation(old.node.id).send('to the old key'))
  await old.node.conversation(a.node.id).send('from the old key')
  await a.heard('message:received')
  await leave(old)
  await a.heard('peer:lost')
  await a.node.conversation(old.node.id).send('waits')
  await rotateIdentity(dataDir)

  const next = await lan.start('b', { dataDir })
  await a.heard('trust:succeeded')
  await next.heard('message:received', ({ message }) => message.text === 'waits')
  await next.node.conversation(a.node.id).send('from the new key')
  await a.heard('message:received', ({ message }) => message.text === 'from the new key')
  assert.deepEqual(await shown(a.node, next.node), [
    '> to the old key (delivered)',
    '< from the old key (received)',
    '> waits (delivered)',
    '< from the new key (received)',
  ])
  assert.equal(a.node.conversations.find(old.node.id), undefined)
  assert.deepEqual(
    (await next.node.conversation(a.node.id).history()).map(({ text }) => text),
    ['to the old key', 'from the old key', 'waits', 'from the new key'],
  )
})

test('who was met is found at the last address, before anybody announces, and presence survives restarts', async (t) => {
  const dataDir = temporaryDir(t)
  await using lan = openLan()
  const b = await lan.join('b')
  const first = await lan.join('a', { dataDir })
  await delivered(first, await first.node.conversation(b.node.id).send('hello'))
  assert.equal(first.node.conversation(b.node.id).info.presence.state, 'online')
  await leave(first)

  const second = await lan.start('a', { dataDir, explorers: [] })
  assert.equal(second.node.conversation(b.node.id).info.presence.state, 'away')
  assert.ok(second.node.conversation(b.node.id).info.presence.since)
  assert.equal((await second.heard('presence:online')).peerId, b.node.id)
  assert.deepEqual(second.node.peers.get(b.node.id).via, ['met'])
})

test('a stranger with whom nothing was said leaves nothing, and is no acquaintance', async (t) => {
  const dataDir = temporaryDir(t)
  await using lan = openLan()
  const [a, b] = [await lan.join('a', { dataDir }), await lan.join('b')]
  await b.node.connect(a.node.id)
  await a.heard('session:opened')
  await leave(b)
  await a.heard('peer:lost')
  assert.deepEqual(a.node.conversations.list(), [])
  assert.equal(a.node.conversation(b.node.id).info.presence.since, undefined)
  assert.equal(a.of('presence:online').length, 0)
})

test('a reference peer that is away gets what was said when it comes, and what it says is kept', async () => {
  await using a = await openNode()
  const away = inventId(21)
  const states: string[] = []
  a.node.on('message:state', ({ state }) => states.push(state))
  const conversation = a.node.conversation(away)
  for (let number = 1; number <= 3; number++) await conversation.send(`message ${number}`)
  assert.deepEqual(
    (await conversation.history()).map(({ state }) => state),
    ['pending', 'pending', 'pending'],
  )
  a.hearsay.tell({ id: away, port: 1 })
  const frames: Buffer[] = []
  const ws = await dialInPlain(away, a, (frame) => frames.push(frame))
  await until(() => frames.length === 3, 'the messages')
  ws.send(Buffer.from('120178', 'hex'))
  await until(async () => (await conversation.history()).length === 4, 'the answer')
  assert.deepEqual(states, ['sent', 'sent', 'sent'])
  assert.deepEqual(
    (await conversation.history()).map(({ text, state }) => `${text} ${state}`),
    ['message 1 sent', 'message 2 sent', 'message 3 sent', 'x received'],
  )
  assert.deepEqual(await a.node.outbox.list(), [])
  ws.terminate()
})

test('what was exported is imported once, and never sent', async () => {
  await using lan = openLan()
  const [a, b, c] = [await lan.join('a'), await lan.join('b'), await lan.join('c')]
  await delivered(a, await a.node.conversation(b.node.id).send('hello'))
  await b.node.conversation(a.node.id).send('answer')
  await a.heard('message:received')
  const lines: string[] = []
  for await (const line of a.node.exportMessages()) lines.push(line)
  assert.deepEqual(await c.node.importMessages(lines), { added: 2, skipped: 0 })
  assert.deepEqual(await c.node.importMessages(lines), { added: 0, skipped: 2 })
  assert.deepEqual(await shown(c.node, b.node), ['> hello (sent)', '< answer (read)'])
  assert.deepEqual(await c.node.outbox.list(), [])
  await assert.rejects(c.node.importMessages(['{}']), { code: 'usage', message: /Line 1/ })
})

test('the order is that of arrival, whatever clocks say, and a clock that cannot be right is shown as odd', async (t) => {
  await using lan = openLan()
  const [a, b] = [await lan.join('a'), await lan.join('b')]
  const { now } = Date
  t.mock.method(Date, 'now', () => now() + 2 * limits.oddClockMs, { times: 1 })
  await a.node.conversation(b.node.id).send('from the future')
  await a.node.conversation(b.node.id).send('now')
  await until(() => b.of('message:received').length === 2, 'both')
  assert.deepEqual(
    (await b.node.conversation(a.node.id).history()).map(({ text, oddClock }) => [text, oddClock]),
    [
      ['from the future', true],
      ['now', false],
    ],
  )
})

test('messages older than one wishes are deleted at the next start; twin: without the wish they stay', async (t) => {
  const dataDir = temporaryDir(t)
  await using lan = openLan()
  const [a, b] = [await lan.join('a', { dataDir }), await lan.join('b')]
  await delivered(a, await a.node.conversation(b.node.id).send('old'))
  await leave(a)
  const kept = await lan.start('a', { dataDir, keepMessagesDays: 1 })
  await new Promise((resolve) => setTimeout(resolve, 200))
  assert.equal((await kept.node.conversation(b.node.id).history()).length, 1)
  await leave(kept)
  const { node } = await lan.start('a', { dataDir, keepMessagesDays: 1e-9 })
  await until(async () => (await node.conversation(b.node.id).history()).length === 0, 'the deletion')
})

test('who is verified may send faster than others; twin: a stranger is held to the rate', async () => {
  const messageRate = { perSecond: 5, burst: 5 }
  for (const isVerified of [true, false]) {
    await using lan = openLan()
    const [a, b] = [await lan.join('a'), await lan.join('b', { messageRate })]
    if (isVerified)
      await b.node.trust.compareSafetyNumber(a.node.id, await b.node.trust.safetyNumber(a.node.id))
    const texts = Array.from({ length: 50 }, (_, number) => `message ${number}`)
    await Promise.all(texts.map((text) => a.node.conversation(b.node.id).send(text)))
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const arrived = b.of('message:received').length
    assert.ok(isVerified ? arrived === 50 : arrived > 0 && arrived < 50, `${arrived} arrived`)
  }
})
