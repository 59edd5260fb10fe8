/** Conversations between commands that come, go, and are killed: real processes, data directories and sockets. */
import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import type { Line } from '../lab/json-process.ts'
import { errorOf, type PeerProcess } from '../lab/peer.ts'
import { StandIn } from '../reference/stand-in.ts'
import { house } from './house.ts'
import { finish } from './pair.ts'
import { assertValid } from './schema.ts'

interface MessageView {
  readonly id: string
  readonly text: string
  readonly incoming: boolean
  readonly state: string
  readonly reason: string
}

interface ConversationView {
  readonly peerId: string
  readonly unread: number
  readonly pending: number
  readonly lastMessage?: MessageView
  readonly presence: { readonly state: string }
}

async function leave(peer: PeerProcess, status = 0): Promise<void> {
  peer.kill('SIGTERM')
  assert.equal(await peer.ended, status)
  assertValid(peer.lines)
  assert.equal(peer.errors, '')
}

async function meet(one: PeerProcess, other: PeerProcess): Promise<void> {
  await Promise.all([one.found(other.id), other.found(one.id)])
}

async function messagesOf(peer: PeerProcess, command: string): Promise<readonly MessageView[]> {
  const { messages } = (await peer.command(command)) as { messages: readonly MessageView[] }
  return messages
}

async function textsOf(peer: PeerProcess, command = 'history'): Promise<readonly string[]> {
  return (await messagesOf(peer, command)).map(({ text }) => text)
}

async function tell(peer: PeerProcess, to: string, text: string): Promise<MessageView> {
  const { message } = (await peer.command(`tell ${to} ${text}`)) as { message: MessageView }
  assert.equal(message.text, text)
  return message
}

const reaches =
  (id: string, state: string) =>
  (line: Line): boolean =>
    line['messageId'] === id && line['state'] === state

test('a message to somebody who is away waits through the ends of both, and is delivered and read', async (t) => {
  const { open } = house(t)
  const kitchen = await open('kitchen')
  const desk = await open('desk', '--wait', '0')
  await meet(desk, kitchen)
  const first = await tell(desk, kitchen.id, 'are you  there?')
  assert.equal(first.state, 'delivered')
  await leave(kitchen)
  await desk.event('presence:away', ({ peerId }) => peerId === kitchen.id)
  const lunch = await tell(desk, kitchen.id, 'lunch?')
  assert.equal(lunch.state, 'pending')
  const { outbox } = (await desk.command('outbox')) as {
    outbox: { message: MessageView; waitsFor: string }[]
  }
  assert.deepEqual(
    outbox.map(({ message }) => message.id),
    [lunch.id],
  )
  await leave(desk)

  const again = await open('desk')
  assert.deepEqual(await textsOf(again), ['are you  there?', 'lunch?'])
  const back = await open('kitchen')
  await back.received('lunch?')
  await again.event('message:state', reaches(lunch.id, 'delivered'))
  const { conversations } = (await back.command('conversations')) as { conversations: ConversationView[] }
  assert.deepEqual(
    conversations.map(({ peerId, unread, pending, lastMessage, presence }) => [
      [peerId, unread, pending, lastMessage?.text, presence.state],
    ]),
    [[[desk.id, 2, 0, 'lunch?', 'online']]],
  )
  await back.command('open 1')
  await again.event('message:state', reaches(lunch.id, 'read'))
  assert.deepEqual(
    (await messagesOf(again, `history ${kitchen.id}`)).map(({ text, state }) => [text, state]),
    [
      ['are you  there?', 'read'],
      ['lunch?', 'read'],
    ],
  )
  await back.command('yes')
  await again.received('yes')
  assert.deepEqual(await textsOf(again), ['are you  there?', 'lunch?', 'yes'])
  await leave(back)
  await leave(again)
})

test('what was accepted survives kill -9 at any moment, and arrives once and in order', async (t) => {
  const { open } = house(t)
  let kitchen = await open('kitchen')
  const accepted: string[] = []
  const heard: string[] = []
  const collect = ({ lines }: PeerProcess): void => {
    for (const { type, message } of lines)
      if (type === 'message:received') heard.push((message as MessageView).text)
  }
  for (let round = 0; round < 4; round++) {
    const desk = await open('desk')
    await desk.found(kitchen.id)
    await desk.command(`open ${kitchen.id}`)
    const since = desk.mark
    for (let number = 0; number < 100; number++) desk.write(`${round}.${number}`)
    const last = 20 + ((round * 37) % 70)
    await desk.event('command:done', ({ command }) => command === `${round}.${last}`, { since })
    desk.kill('SIGKILL')
    await desk.ended
    const done = desk.lines.slice(since).filter(({ type, ok }) => type === 'command:done' && ok === true)
    accepted.push(...done.map(({ command }) => String(command)))
    if (round !== 1) continue
    kitchen.kill('SIGKILL')
    await kitchen.ended
    collect(kitchen)
    kitchen = await open('kitchen')
  }
  const desk = await open('desk')
  await desk.found(kitchen.id)
  await tell(desk, kitchen.id, 'end')
  await kitchen.received('end')
  collect(kitchen)
  const stored: string[] = []
  for (let before = ''; ;) {
    const page = await messagesOf(kitchen, `history ${desk.id}${before}`)
    stored.unshift(...page.map(({ text }) => text))
    if (page.length < 50) break
    before = ` --before ${page[0]?.id}`
  }
  assert.equal(new Set(stored).size, stored.length, 'nothing is there twice')
  const place = new Map(stored.map((text, index) => [text, index]))
  const places = accepted.map((text) => place.get(text))
  assert.ok(
    places.every((at, index) => at !== undefined && (index === 0 || at > (places[index - 1] ?? -1))),
    'everything that was accepted is there, in order',
  )
  // Whoever looks at a message is told of it once in each run, and a killed one may have told it just before.
  assert.deepEqual([...new Set(heard)], heard)
})

test('history has pages and words, of one peer and of all', async (t) => {
  const { open } = house(t)
  const kitchen = await open('kitchen')
  const desk = await open('desk')
  await meet(desk, kitchen)
  await desk.command(`open ${kitchen.id}`)
  for (let number = 0; number < 70; number++) desk.write(`message ${number}`)
  await desk.command('Überraschung zum Frühstück')
  await desk.command('/quit')
  const last = await messagesOf(desk, `history ${kitchen.id}`)
  assert.deepEqual([last.length, last[0]?.text], [50, 'message 21'])
  const before = await messagesOf(desk, `history ${kitchen.id} --before ${last[0]?.id}`)
  assert.deepEqual([before.length, before.at(-1)?.text], [21, 'message 20'])
  assert.deepEqual(await textsOf(desk, `history ${kitchen.id.slice(0, 8)} --search fruhst uberr`), [
    'Überraschung zum Frühstück',
  ])
  assert.deepEqual(await textsOf(desk, 'history --search message 7'), ['message 7'])
  assert.deepEqual(await textsOf(desk, 'history --search nothing such'), [])
  assert.deepEqual(
    await textsOf(desk),
    last.map(({ text }) => text),
  )
  assert.deepEqual(
    await textsOf(desk, 'history 1 --before'),
    before.map(({ text }) => text),
  )
  for (const wrong of ['--serach x', '--search', '--before zzz', `--before ${'0'.repeat(32)}`]) {
    const { code } = errorOf(await desk.attempt(`history ${kitchen.id} ${wrong}`))
    assert.ok(['usage', 'message-unknown'].includes(code), `${wrong}: ${code}`)
  }
  await leave(desk, 64)
  await leave(kitchen)
})

test('who changes his mind withdraws a message that waits', async (t) => {
  const { open } = house(t)
  const kitchen = await open('kitchen')
  const desk = await open('desk', '--wait', '0')
  await meet(desk, kitchen)
  await desk.command(`alias ${kitchen.id} my kitchen`)
  await leave(kitchen)
  await desk.event('presence:away', ({ peerId }) => peerId === kitchen.id)
  for (const text of ['one', 'two', 'three']) await tell(desk, 'my kitchen', text)
  await desk.command('outbox')
  const { messageId } = (await desk.command('outbox cancel 2')) as { messageId: string }
  const failed = await desk.event('message:state', reaches(messageId, 'failed'))
  assert.notEqual(failed['reason'], '')
  assert.equal(errorOf(await desk.attempt('outbox cancel 2')).code, 'message-unknown')
  assert.equal(errorOf(await desk.attempt('outbox cancel')).code, 'usage')
  const back = await open('kitchen')
  await back.received('three')
  assert.deepEqual(await textsOf(back), ['one', 'three'])
  const states = (await messagesOf(desk, 'history my kitchen')).map(({ state }) => state)
  assert.equal(states[1], 'failed')
  await leave(desk, 1)
  await leave(back)
})

test('an export is a file for its owner only, is never written over, and brings everything back', async (t) => {
  const { open, file } = house(t)
  const kitchen = await open('kitchen')
  const desk = await open('desk')
  await meet(desk, kitchen)
  const strange = 'two\u2028"lines"\u0000 and 👋'
  await tell(desk, kitchen.id, strange)
  await tell(kitchen, desk.id, 'an answer')
  const path = file('all messages.ndjson')
  assert.deepEqual(await desk.command(`export ${path}`), { file: path, exported: 2 })
  if (process.platform !== 'win32') assert.equal(statSync(path).mode & 0o777, 0o600)
  const written = readFileSync(path, 'utf8')
  assert.equal(written.trimEnd().split('\n').length, 2)
  // L4: whoever prints it has only printable characters.
  assert.doesNotMatch(written.replaceAll('\n', ''), /[\p{Cc}\p{Zl}]/u)
  assert.equal(errorOf(await desk.attempt(`export ${path}`)).code, 'file-unusable')
  assert.equal(readFileSync(path, 'utf8'), written)
  const shown = await messagesOf(desk, 'history')

  const other = await open('other')
  assert.deepEqual(await other.command(`import ${path}`), { added: 2, skipped: 0 })
  assert.deepEqual(await other.command(`import ${path}`), { added: 0, skipped: 2 })
  const texts = await messagesOf(other, `history ${kitchen.id}`)
  assert.deepEqual(
    texts.map(({ id, text, incoming }) => [id, text, incoming]),
    shown.map(({ id, text, incoming }) => [id, text, incoming]),
  )
  // What was said long ago is not said again.
  assert.deepEqual(await other.command('outbox'), { outbox: [], waiting: 0 })
  for (const [text, code, about] of [
    ['{"v":1}\n', 'usage', /\b1\b/],
    [`${written}nonsense\n`, 'usage', /\b3\b/],
    [`${'x'.repeat(9 * 1024 * 1024)}\n`, 'usage', /line 1 /],
  ] as const) {
    writeFileSync(file('wrong.ndjson'), text)
    const error = errorOf(await other.attempt(`import ${file('wrong.ndjson')}`))
    assert.equal(error.code, code, error.message)
    assert.match(error.message, about)
  }
  assert.equal(errorOf(await other.attempt(`import ${file('none')}`)).code, 'file-unusable')
  assert.equal(errorOf(await other.attempt(`import ${tmpdir()}`)).code, 'file-unusable')
  await leave(desk, 73)
  await leave(kitchen)
  await leave(other, 64)
})

test('a script waits at its end until what it said has arrived, and ends well when nobody is there', async (t) => {
  const { open, script } = house(t)
  const kitchen = await open('kitchen')
  const desk = await script('desk')
  desk.write(`open ${kitchen.id}`)
  desk.write('lunch?')
  assert.equal(await finish(desk), 0)
  await kitchen.received('lunch?')
  const arrived = desk.lines.filter(({ type, state }) => type === 'message:state' && state === 'delivered')
  assert.equal(arrived.length, 1)
  await leave(kitchen)

  const alone = await script('desk', '--wait', '0.2')
  const { state } = await tell(alone, kitchen.id, 'dinner?')
  assert.equal(state, 'pending')
  assert.equal(await finish(alone), 0)
  assertValid(alone.lines)
})

test('whoever keeps to himself what he has read tells only what has arrived', async (t) => {
  const { open } = house(t)
  const kitchen = await open('kitchen')
  const desk = await open('desk', { P2P_READ_RECEIPTS: 'no' })
  await meet(desk, kitchen)
  await desk.command(`open ${kitchen.id}`)
  const message = await tell(kitchen, desk.id, 'seen?')
  await desk.received('seen?')
  await desk.command('an answer, which leaves after everything before it')
  await kitchen.received('an answer, which leaves after everything before it')
  assert.ok(kitchen.lines.some((line) => reaches(message.id, 'delivered')(line)))
  assert.ok(!kitchen.lines.some((line) => reaches(message.id, 'read')(line)))
  await desk.command('/quit')
  assert.equal((await messagesOf(desk, 'history'))[0]?.state, 'read')
  await leave(desk)
  await leave(kitchen)
})

test(
  'a message to a reference peer that is away waits too, and is sent when it comes, which is all one knows',
  { skip: process.platform !== 'linux' && 'only Linux has more than one loopback address by itself' },
  async (t) => {
    const { open, discoveryPort } = house(t)
    const id = 'b9e4d7d2-2f0f-4b1e-8c39-5f2d9f3d9a10'
    const desk = await open('desk', '--wait', '0')
    const lunch = await tell(desk, id, 'lunch?')
    assert.equal(lunch.state, 'pending')
    const shown: string[] = []
    const both = Promise.withResolvers<void>()
    const standIn = await StandIn.open({
      id,
      ip: '127.0.0.2',
      port: 0,
      discoveryPort,
      periodMs: 500,
      onEvent: (event) => {
        if (event.type === 'message:arrived' && shown.push(event.text) === 2) both.resolve()
      },
    })
    t.after(() => standIn.close())
    await desk.event('message:state', reaches(lunch.id, 'sent'))
    const dinner = await tell(desk, id, 'dinner?')
    assert.equal(dinner.state, 'sent')
    assert.equal(errorOf(await desk.attempt(`tell ${id} ${'x'.repeat(33_000)}`)).code, 'message-too-long')
    const states = (await messagesOf(desk, `history ${id}`)).map(({ text, state }) => [text, state])
    assert.deepEqual(states, [
      ['lunch?', 'sent'],
      ['dinner?', 'sent'],
    ])
    await both.promise
    assert.deepEqual(shown, ['lunch?', 'dinner?'])
    await leave(desk, 65)
  },
)
