import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isP2PError, silentLog, startNode, type NodeEvent, type P2PNode, type PeerId } from '../index.ts'
import { MemoryNetwork } from '../testing/index.ts'
import { digitRows } from '../face/digits.ts'
import { displayText } from '../face/display-text.ts'
import { plainStyle } from '../face/style.ts'
import { View } from '../face/view.ts'
import type { CommandContext, Outcome } from './command.ts'
import { runLine } from './command-line.ts'
import { complete } from './completion.ts'
import { Narrator } from './narrator.ts'
import { ShellState } from './shell-state.ts'

interface Desk extends AsyncDisposable {
  readonly node: P2PNode
  readonly state: ShellState
  readonly view: View
  readonly narrator: Narrator
  /** What commands told while they waited. */
  readonly told: readonly string[]
  /** Carries out a line, as the shell does. */
  readonly run: (line: string) => Promise<Outcome>
}

async function openDesk(lan: MemoryNetwork): Promise<Desk> {
  const node = await startNode({ ...lan.host(), name: 'desk' })
  const state = new ShellState(node)
  const view = new View(node, plainStyle, { wholeIds: false })
  const told: string[] = []
  const tell = (line: string): number => told.push(line)
  const { signal } = new AbortController()
  const context: CommandContext = { state, view, log: silentLog, tell, signal }
  return {
    node,
    state,
    view,
    narrator: new Narrator(state, view),
    told,
    run: (line) => runLine(context, line),
    [Symbol.asyncDispose]: () => node.close(),
  }
}

async function join(lan: MemoryNetwork, desk: Desk, name: string): Promise<P2PNode> {
  const node = await startNode({ ...lan.host(), name })
  await Promise.all([desk.node.peers.waitFor({ id: node.id }), node.peers.waitFor({ id: desk.node.id })])
  return node
}

function next<Type extends NodeEvent['type']>(
  node: P2PNode,
  type: Type,
): Promise<Extract<NodeEvent, { type: Type }>> {
  const { promise, resolve } = Promise.withResolvers<Extract<NodeEvent, { type: Type }>>()
  const stop = node.on(type, (event) => {
    stop()
    resolve(event)
  })
  return promise
}

function textOf({ lines = [] }: Outcome): string {
  return lines.join('\n')
}

/** What strangers call themselves to be taken for alice. */
const disguises = [
  'alice',
  'Alice',
  'ALICE ',
  ' alice',
  '\u0430lice',
  'alice\u200b',
  'alice\u0301',
  'alice" 00000000 verified',
  'alice\\',
]

test('T17: whatever a stranger calls itself, it is quoted, has its ID beside it, and is called unverified', async () => {
  const lan = new MemoryNetwork()
  await using desk = await openDesk(lan)
  await using alice = await join(lan, desk, 'somebody')
  await assert.rejects(desk.run('tell somebody hello'), /calls itself so/)
  const named = textOf(await desk.run(`alias ${alice.id} alice`))
  assert.match(named, /^"somebody" [0-9a-f]{8} unverified is alice from now on\.$/)
  assert.equal(desk.view.peer(alice.id), 'alice unverified')
  for (const name of disguises) {
    await using stranger = await join(lan, desk, name)
    const shown = desk.view.peer(stranger.id)
    assert.match(shown, new RegExp(`^"[^"]*(\\\\"[^"]*)*" ${stranger.id.slice(0, 8)} unverified$`), shown)
    const rows = textOf(await desk.run('list peers')).split('\n')
    assert.equal(rows.filter((row) => / alice {2}/.test(row)).length, 1, rows.join('\n'))
    assert.equal(rows.filter((row) => row.includes(`${stranger.id.slice(0, 8)}  "`)).length, 1)
    assert.match(textOf(await desk.run(`trust ${stranger.id}`)), /never met/)
    assert.deepEqual((await desk.run('trust alice')).result?.['contact'], desk.node.trust.find(alice.id))
  }
})

test('T17 twin: shown without quotes, a stranger does look like the alias', async () => {
  const lan = new MemoryNetwork()
  await using desk = await openDesk(lan)
  await using alice = await join(lan, desk, 'somebody')
  await desk.run(`alias ${alice.id} alice`)
  const unquoted = disguises.map((name) => `${displayText(name)} unverified`)
  assert.ok(unquoted.includes(desk.view.peer(alice.id)))
})

test('an alias names a peer in every command, also one of several words, and Tab knows it', async () => {
  const lan = new MemoryNetwork()
  await using desk = await openDesk(lan)
  await using mary = await join(lan, desk, 'mary')
  await desk.run(`alias ${mary.id} Mary Ann`)
  assert.deepEqual(await complete(desk.state, 'connect ma'), [['Mary Ann'], 'ma'])
  assert.deepEqual(await complete(desk.state, 'policy t'), [['trusted'], 't'])
  const connected = await desk.run('connect Mary Ann')
  assert.match(
    textOf(connected),
    /^Talking with Mary Ann unverified\. .*\nEncrypted, but not verified: .*\n.*"verify Mary Ann"/,
  )
  assert.match(textOf(await desk.run(' list  peers')), /"list  peers" was sent as a message: .*\/quit/)
  assert.equal(textOf(await desk.run('open the door')), '')
  desk.state.detach()
  await desk.run('alias Mary Ann Mary')
  assert.equal(desk.node.trust.find(mary.id)?.alias, 'Mary')
  await assert.rejects(desk.run('connect Mary Ann'), (error) => isP2PError(error, 'usage'))
  assert.match(textOf(await desk.run('alias Mary')), /has no alias any more\.$/)
  assert.match(desk.view.peer(mary.id), /^"mary" /)
})

test('two people verify each other by what their screens show, and the prompt says so', async () => {
  const lan = new MemoryNetwork()
  await using desk = await openDesk(lan)
  await using kitchen = await join(lan, desk, 'kitchen')
  const asked = next(kitchen, 'verify:code')
  const outcome = await desk.run(`verify ${kitchen.id}`)
  const { code } = await asked
  assert.match(code, /^\d{4} \d{4}$/)
  assert.match(textOf(outcome), new RegExp(`^    ${code}$`, 'm'))
  assert.equal(outcome.asks?.code, code)
  assert.match(textOf(await desk.run(`verify ${kitchen.id} yes`)), /^Waiting for the answer/)
  const done = next(desk.node, 'verify:done')
  await kitchen.trust.verification(desk.node.id)?.confirm(true)
  const lines = desk.narrator.lines(await done)
  assert.match(lines.join(), /^You have made sure who this is: "kitchen" [0-9a-f]{8} verified\.$/)
  await desk.node.connect(kitchen.id)
  assert.match(
    desk.view.label(kitchen.id, { typing: false }),
    /^"kitchen" [0-9a-f]{8} verified \[verified\]> $/,
  )
  assert.match(textOf(await desk.run(`connect ${kitchen.id}`)), /\nEncrypted and verified\.$/)
  desk.state.detach()
  assert.match(textOf(await desk.run(`trust ${kitchen.id}`)), /verified by short code since/)
})

test('a verification that somebody else begins says what to look at and what to type, and ends with a no', async () => {
  const lan = new MemoryNetwork()
  await using desk = await openDesk(lan)
  await using kitchen = await join(lan, desk, 'kitchen')
  const asked = next(desk.node, 'verify:code')
  const theirs = await kitchen.trust.verify(desk.node.id)
  const short = kitchen.id.slice(0, 8)
  const lines = desk.narrator.lines(await asked)
  assert.match(
    lines.join('\n'),
    new RegExp(`wants to verify.*\n {4}${theirs.code}\n.*"verify ${short} yes", or no`),
  )
  const done = next(desk.node, 'verify:done')
  await desk.run(`verify ${short} no`)
  assert.match(
    desk.narrator.lines(await done).join(),
    /^NOT VERIFIED: "kitchen" [0-9a-f]{8} unverified\. You said no[^()]*\.$/,
  )
  await assert.rejects(desk.run(`verify ${short} yes`), (error) => isP2PError(error, 'verification-failed'))
  await assert.rejects(desk.run(`verify ${short} perhaps`), (error) => isP2PError(error, 'usage'))
})

test('the safety number is shown in twelve groups of five, and verifies when it is read back', async () => {
  const lan = new MemoryNetwork()
  await using desk = await openDesk(lan)
  await using kitchen = await join(lan, desk, 'kitchen')
  await desk.node.connect(kitchen.id)
  const shown = textOf(await desk.run(`trust ${kitchen.id}`))
  const rows = digitRows(await kitchen.trust.safetyNumber(desk.node.id))
  assert.equal(rows.length, 2)
  for (const row of rows) {
    assert.match(row, /^(\d{5} ){5}\d{5}$/)
    assert.ok(shown.includes(row), shown)
  }
  const wrong = rows.join(' ').replace(/^./, (digit) => String((Number(digit) + 1) % 10))
  await assert.rejects(desk.run(`verify ${kitchen.id} ${wrong}`), (error) =>
    isP2PError(error, 'verification-failed'),
  )
  assert.match(textOf(await desk.run(`verify ${kitchen.id} ${rows.join(' ')}`)), /^The same\. /)
  assert.equal(desk.node.trust.find(kitchen.id)?.method, 'safety-number')
})

test('a QR code fits a screen, verifies who shows it, and asks him about who scanned it', async () => {
  const lan = new MemoryNetwork()
  await using desk = await openDesk(lan)
  await using kitchen = await openDesk(lan)
  await Promise.all([
    desk.node.peers.waitFor({ id: kitchen.node.id }),
    kitchen.node.peers.waitFor({ id: desk.node.id }),
  ])
  const { lines = [], result = {} } = await desk.run('verify')
  assert.equal(lines.length, 24)
  assert.ok(lines.slice(1).every((line) => line.length <= 79))
  const { text } = result['invitation'] as { text: string }
  assert.ok(lines.includes(text))
  const asked = next(desk.node, 'verify:code')
  const scanned = kitchen.run(`verify ${text}`)
  const event = await asked
  assert.match(desk.narrator.lines(event).join('\n'), /has just scanned your QR code\.\n.*yes", or no/)
  assert.match(kitchen.told.join(), /^Whoever shows the code is asked now/)
  await desk.run(`verify ${kitchen.node.id} yes`)
  assert.match(textOf(await scanned), /is verified: the code has its key\.$/)
  assert.equal(desk.node.trust.find(kitchen.node.id)?.trust, 'verified')
  await assert.rejects(kitchen.run('verify p2p:v1:nonsense'), (error) => isP2PError(error, 'usage'))
})

test('block, unblock and forget are carried out and told once', async () => {
  const lan = new MemoryNetwork()
  await using desk = await openDesk(lan)
  await using kitchen = await join(lan, desk, 'kitchen')
  const told: string[] = []
  desk.node.on('trust:changed', (event) => told.push(...desk.narrator.lines(event)))
  assert.match(textOf(await desk.run(`block ${kitchen.id}`)), /^"kitchen" .* is blocked\.$/)
  assert.match(desk.view.peer(kitchen.id), /blocked$/)
  await assert.rejects(desk.run(`connect ${kitchen.id}`), (error) => isP2PError(error, 'peer-blocked'))
  assert.match(textOf(await desk.run(`trust ${kitchen.id}`)), /"unblock [0-9a-f]{8}" takes that back/)
  await desk.run(`unblock ${kitchen.id}`)
  await desk.run(`connect ${kitchen.id}`)
  desk.state.detach()
  await desk.run(`forget ${kitchen.id}`)
  assert.equal(desk.node.trust.find(kitchen.id), undefined)
  assert.deepEqual(told, [])
  // What the library is told by somebody else is news to who sits at the await prompt.
  desk.node.trust.block(kitchen.id)
  assert.match(told.join(), /what is known of this peer has changed/)
})

test('the policy is shown and changed by one command', async () => {
  await using desk = await openDesk(new MemoryNetwork())
  assert.match(
    textOf(await desk.run('policy')),
    /^Policy open: everybody; talk with reference peers is not protected\.$/,
  )
  const outcome = await desk.run('policy Trusted')
  assert.deepEqual(outcome.result, { policy: 'trusted' })
  assert.equal(desk.node.policy, 'trusted')
  await assert.rejects(desk.run('policy trustd'), /Did you mean trusted\?/)
})

test('id shows our own half of every safety number', async () => {
  await using desk = await openDesk(new MemoryNetwork())
  const { result = {} } = await desk.run('id')
  const { id, publicKey, safetyNumber } = result['identity'] as Record<string, string>
  assert.equal(id, desk.node.id)
  assert.equal(Buffer.from(publicKey ?? '', 'base64url').length, 32)
  assert.match(safetyNumber ?? '', /^\d{30}$/)
})

test('help fits 80 columns', async () => {
  await using desk = await openDesk(new MemoryNetwork())
  for (const about of ['', ' verify', ' policy', ' trust', ' alias']) {
    for (const line of (await desk.run(`help${about}`)).lines ?? []) assert.ok(line.length <= 80, line)
  }
})

test('T11: a connection that somebody tampers with is told loudly, and first', async () => {
  await using desk = await openDesk(new MemoryNetwork())
  for (const code of ['insecure-connection', 'identity-mismatch'] as const) {
    const error = { code, message: 'x' }
    assert.deepEqual(desk.narrator.lines({ type: 'warning', at: new Date(), error }), [
      'SECURE CONNECTION FAILED: x',
    ])
  }
})

test('a first start says that there is a new identity, and what becomes of an old file', async () => {
  await using desk = await openDesk(new MemoryNetwork())
  const peerId = '7c21ab90-0000-8000-8000-000000000001' as PeerId
  const event = { type: 'identity:made', at: new Date(), peerId } as const
  assert.deepEqual(desk.narrator.lines({ ...event, leavesIdFile: false }), [
    'You have a new identity, 7c21ab90. It is the file identity.pem: keep that.',
  ])
  assert.match(
    desk.narrator.lines({ ...event, leavesIdFile: true }).at(-1) ?? '',
    /^The ID in the file id is no longer used; people who know you by it must be told the new one\.$/,
  )
})

test('a peer that moved to a new key is told with both IDs, and with what to do', async () => {
  await using desk = await openDesk(new MemoryNetwork())
  const formerId = '7c21ab90-0000-8000-8000-000000000001' as PeerId
  const peerId = '8d21ab90-0000-8000-8000-000000000002' as PeerId
  const contact = {
    peerId,
    trust: 'succeeded',
    alias: 'alice',
    method: undefined,
    since: new Date(),
  } as const
  assert.deepEqual(desk.narrator.lines({ type: 'trust:succeeded', at: new Date(), contact, formerId }), [
    'alice unverified moved to a new key; "verify alice" makes sure.',
    'It was 7c21ab90 and is 8d21ab90 now; both keys have signed that.',
  ])
})
