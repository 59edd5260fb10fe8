/** What becomes of messages when channels, streams, runs and disks end at the wrong moment. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { WebSocket } from 'ws'

import { ephemeralIdentity } from '../../src/identity/identity.ts'
import { decodeFrame, decodeMessages, encodeFrame } from '../../src/protocol/frame.ts'
import { encodeMessage } from '../../src/protocol/message.ts'
import { newMessageId } from '../../src/store/message-id.ts'
import type { Credentials } from '../../src/transport/transport.ts'
import { dialWithKey, inventId, openNode, until, type TestNode } from './nodes.ts'

function temporaryDir(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-ends-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const nothing = {
  delivered: 0,
  read: 0,
  messagesPerSecond: 0,
  burst: 0,
  deliveredId: undefined,
  confirmed: 0,
}

/** A peer of ours that says what a test wants it to say: it greets, and confirms nothing. */
async function dialAs(to: TestNode, credentials: Credentials, stream: bigint) {
  const ws = await dialWithKey(to, credentials)
  const heard: string[] = []
  let hasGreeted = false
  ws.on('message', (bytes: Buffer) => {
    const frame = decodeFrame(bytes)
    heard.push(...(frame?.messages ?? []).map(({ text }) => text))
    if (frame?.greeting === undefined || hasGreeted) return
    hasGreeted = true
    ws.send(encodeFrame({ greeting: { ...nothing, stream, peerStream: frame.greeting.stream } }))
  })
  await until(() => hasGreeted, 'a greeting')
  return { ws, heard }
}

for (const closer of ['our', 'the other'] as const) {
  test(`what is said to a reference peer while ${closer} side closes the session leaves on the next one`, async () => {
    await using own = await openNode()
    const { sessions } = own.node
    const id = inventId(1)
    own.hearsay.tell({ id, port: 9 })
    const heard: string[] = []
    const dial = async (): Promise<WebSocket> => {
      const url = `ws://127.0.0.1:${own.node.info.port}/ws`
      const ws = new WebSocket(url, { headers: { PeerID: id } })
      ws.on('message', (bytes: Buffer) =>
        heard.push(...(decodeMessages(bytes) ?? []).map(({ text }) => text)),
      )
      await once(ws, 'open')
      return ws
    }
    const ws = await dial()
    await until(() => sessions.list().length === 1, 'a session')
    if (closer === 'our') void sessions.list()[0]?.close()
    else ws.close(1000)
    const said: string[] = []
    for (let number = 1; sessions.list().length > 0 || said.length === 0; number++) {
      assert.ok(number < 10, 'the session ends')
      await own.node.conversation(id).send(String(number))
      said.push(String(number))
    }
    const again = await dial()
    await until(() => heard.length >= said.length, `${said.length} messages, not only ${heard.join()}`)
    assert.deepEqual(heard, said)
    again.close()
  })
}

test('a peer that counts anew, as it lost its store or says so, leaves unread what was unread', async () => {
  await using own = await openNode()
  const { credentials } = ephemeralIdentity()
  const first = await dialAs(own, credentials, 1n)
  const delivery = { id: newMessageId(Date.now()), place: 1, after: 0, part: 0, parts: 1 }
  first.ws.send(encodeMessage({ text: 'unread', sentAt: undefined, delivery }))
  const unread = () => own.node.conversations.find(credentials.id)?.unread
  await until(() => unread() === 1, 'one message')
  first.ws.close()
  await until(() => own.node.sessions.list().length === 0, 'the end of the session')
  const second = await dialAs(own, credentials, 2n)
  const next = { ...delivery, id: newMessageId(Date.now()) }
  second.ws.send(encodeMessage({ text: 'unread too', sentAt: undefined, delivery: next }))
  await until(
    async () => (await own.node.conversation(credentials.id).history()).length === 2,
    'the second message',
  )
  assert.equal(unread(), 2)
  second.ws.close()
})

test('what has left, and may have arrived, cannot be withdrawn in the next run either', async (t) => {
  const dataDir = temporaryDir(t)
  const { credentials } = ephemeralIdentity()
  const { id } = credentials
  const messageId = await (async () => {
    await using own = await openNode({ dataDir })
    const { heard } = await dialAs(own, credentials, 1n)
    const message = await own.node.conversation(id).send('heard')
    await until(() => heard.length === 1, 'the message')
    return message.id
  })()
  await using own = await openNode({ dataDir })
  assert.equal((await own.node.conversation(id).history())[0]?.state, 'sent')
  await assert.rejects(own.node.conversation(id).cancel(messageId), { code: 'message-unknown' })
  await own.node.conversation(id).send('waits')
  assert.deepEqual(
    (await own.node.conversation(id).history()).map(({ state }) => state),
    ['sent', 'pending'],
  )
})

test('a store that can be read no more ends the session that needs it, and not the process', async (t) => {
  const dataDir = temporaryDir(t)
  await using own = await openNode({ dataDir })
  own.node.on('message:state', () => {})
  const { credentials } = ephemeralIdentity()
  const { ws, heard } = await dialAs(own, credentials, 1n)
  await own.node.conversation(credentials.id).send('heard')
  await until(() => heard.length === 1, 'the message')
  const other = new DatabaseSync(join(dataDir, 'messages.db'))
  other.exec('DROP TABLE messages')
  other.close()
  const closed = once(ws, 'close')
  ws.send(encodeFrame({ receipt: { delivered: 1, read: 0 } }))
  const [code] = await closed
  assert.equal(code, 1011)
})
