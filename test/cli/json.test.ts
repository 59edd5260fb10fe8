/** The contract of `p2p --json`: real processes, real sockets on loopback. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { errorTable } from '../../src/base/errors.ts'
import { limits } from '../../src/base/limits.ts'
import type { Line } from '../lab/json-process.ts'
import { openPeer, spawnPeer } from '../lab/peer.ts'
import { finish, loopbackConfig, openPair } from './pair.ts'
import { assertValid, complaints, schemaText } from './schema.ts'

function errorOf(line: Line | undefined): { readonly code: string; readonly message: string } {
  const error = line?.['error']
  assert.ok(error)
  return error as { code: string; message: string }
}

test('two commands talk through every command of the shell, and each line is as the schema says', async () => {
  const [desk, kitchen] = await openPair()
  await using _desk = desk
  await using _kitchen = kitchen
  assert.deepEqual(await desk.command('emit'), undefined)
  const { peers } = (await desk.command('list peers')) as {
    peers: { id: string; name: string; kind: string }[]
  }
  assert.deepEqual(
    peers.map(({ id, name, kind }) => [id, name, kind]),
    [[kitchen.id, 'kitchen', 'p2p']],
  )
  const { session } = (await desk.command('connect 1')) as { session: { id: string; peerId: string } }
  assert.equal(session.peerId, kitchen.id)

  await desk.command('lunch?')
  await desk.command('  two  spaces, and list peers ')
  await desk.command('/quit')
  await kitchen.received('lunch?')
  await kitchen.received('  two  spaces, and list peers ')

  const answer = await kitchen.session(desk.id)
  await kitchen.command(`attach ${answer.id.slice(0, 8)}`)
  await kitchen.command('yes')
  await kitchen.command('/quit')
  await desk.received('yes')

  const { messages } = (await desk.command('history')) as { messages: { text: string; incoming: boolean }[] }
  assert.deepEqual(
    messages.map(({ text, incoming }) => [text, incoming]),
    [
      ['lunch?', false],
      ['  two  spaces, and list peers ', false],
      ['yes', true],
    ],
  )
  assert.deepEqual(await desk.command(`history ${kitchen.id.slice(0, 9)}`), { messages })
  assert.deepEqual(await desk.command(`load-peers ${kitchen.id}`), { added: 0 })
  await desk.command('help')
  await desk.command('help connect')
  const { sessions } = (await desk.command('sessions')) as { sessions: { id: string }[] }
  assert.deepEqual(
    sessions.map(({ id }) => id),
    [session.id],
  )
  await desk.command('close 1')
  await kitchen.sessionClosed(desk.id)
  desk.write('exit')
  assert.equal(await desk.ended, 0)
  await kitchen.lost(desk.id)
  kitchen.kill('SIGTERM')
  assert.equal(await kitchen.ended, 0)

  for (const peer of [desk, kitchen]) {
    assertValid(peer.lines)
    assert.equal(peer.lines[0]?.type, 'node:started')
    assert.equal(peer.lines.at(-1)?.type, 'node:stopped')
    assert.equal(peer.errors, '')
    // L7: what people write stays out of the log.
    assert.doesNotMatch(readFileSync(join(peer.dataDir, 'log.log'), 'utf8'), /lunch/)
  }
})

test('lines are done in their order, and messages arrive in theirs', async () => {
  const [desk, kitchen] = await openPair()
  await using _desk = desk
  await using _kitchen = kitchen
  const since = desk.mark
  desk.child.stdin.write(`connect ${kitchen.id}\none\ntwo\n/quit\npeers\n`)
  await desk.event('command:done', ({ command }) => command === 'peers')
  const done = desk.lines.slice(since).filter(({ type }) => type === 'command:done')
  assert.deepEqual(
    done.map(({ command }) => String(command).slice(0, 7)),
    ['connect', 'one', 'two', '/quit', 'peers'],
  )
  await kitchen.received('two')
  const heard = kitchen.lines.filter(({ type }) => type === 'message:received')
  assert.deepEqual(
    heard.map(({ message }) => (message as { text: string }).text),
    ['one', 'two'],
  )
  await desk.event('message:state', ({ state }) => state === 'delivered')
})

test('connect waits for a peer that nobody has heard of yet, and only so long', async (t) => {
  const config = loopbackConfig()
  const dataDir = mkdtempSync(join(tmpdir(), 'p2p-late-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  const program = join(import.meta.dirname, '../../src/cli/main.ts')
  const made = spawnSync(process.execPath, [program, 'id', '--json', '--data-dir', dataDir])
  const { id } = JSON.parse(made.stdout.toString()) as { id: string }
  writeFileSync(join(dataDir, 'config.yaml'), config)
  await using desk = await openPeer({ config, args: ['--port', '0', '--wait', '20'] })
  const connecting = desk.attempt(`connect ${id}`)
  await using late = await openPeer({
    args: ['--port', '0', '--wait', '0.2', '--data-dir', dataDir],
    stay: true,
  })
  assert.equal(late.id, id)
  assert.equal((await connecting)['ok'], true)
  const missing = await late.attempt('connect 00000000')
  assert.equal(errorOf(missing).code, 'peer-unknown')
})

test('a script ends with its input, with the status of the first command that failed', async () => {
  await using peer = await openPeer({ config: loopbackConfig(), args: ['--port', '0', '--wait', '0'] })
  peer.child.stdin.write(
    'list peers\r\n\n   \nlist pears\nconnect 00000000\nattach 1\nclose\nhelp nothing\nexit now\n',
  )
  assert.equal(await finish(peer), 64)
  const codes = peer.lines.flatMap(({ type, error }) =>
    type === 'command:done' ? [(error as { code?: string } | undefined)?.code ?? 'ok'] : [],
  )
  assert.deepEqual(codes, ['ok', 'usage', 'peer-unknown', 'session-unknown', 'usage', 'usage', 'usage'])
  const pears = peer.lines.find(({ command }) => command === 'list pears')
  assert.match(errorOf(pears).message, /Did you mean "list peers"/)
  assertValid(peer.lines)
  assert.equal(peer.lines.at(-1)?.type, 'node:stopped')
})

test('emit host:port says which of the outcomes it met', async () => {
  const [desk, kitchen] = await openPair()
  await using _desk = desk
  await using _kitchen = kitchen
  const refused = await desk.attempt('emit 127.0.0.1:1')
  assert.equal(errorOf(refused).code, 'peer-refused')
  for (const wrong of [
    'emit 127.0.0.1',
    'emit 127.0.0.1:0',
    'emit 127.0.0.1:65536',
    'emit ::1',
    'emit a b',
  ]) {
    assert.equal(errorOf(await desk.attempt(wrong)).code, 'usage', wrong)
  }
})

test('a line without end is refused, and the next is read', async () => {
  await using peer = await openPeer({ config: loopbackConfig(), args: ['--port', '0'] })
  peer.child.stdin.write(`${'x'.repeat(limits.inputLineBytes + 1)}\nlist peers\n`)
  assert.equal(await finish(peer), 64)
  const done = peer.lines.filter(({ type }) => type === 'command:done')
  assert.deepEqual(
    done.map(({ command, ok }) => [command, ok]),
    [
      ['', false],
      ['list peers', true],
    ],
  )
})

test('a reader that has seen enough ends the command in good order', async () => {
  await using peer = await openPeer({ config: loopbackConfig(), args: ['--port', '0'], stay: true })
  peer.child.stdout.destroy()
  for (let line = 0; line < 20; line++) peer.write('list peers')
  assert.equal(await peer.ended, errorTable['output-closed'].exit)
  assert.equal(peer.errors, '')
})

test('a signal ends it within the time for that, also while a command is under way', async () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    await using peer = await openPeer({ config: loopbackConfig(), args: ['--port', '0', '--wait', '60'] })
    peer.child.stdin.write('help\nconnect 00000000\n')
    await peer.event('command:done')
    const since = performance.now()
    peer.kill(signal)
    assert.equal(await peer.ended, 0)
    assert.ok(performance.now() - since < limits.shutdownMs + 1_000)
    assertValid(peer.lines)
    assert.equal(peer.lines.at(-1)?.type, 'node:stopped')
  }
})

test('what keeps it from starting goes to standard error, and nothing to standard output', async () => {
  await using first = await openPeer({ config: loopbackConfig(), args: ['--port', '0'], stay: true })
  const file = join(first.dataDir, 'config.yaml')
  const strangeInterface = 'explorer:\n  multicast:\n    interface-name: lo0o\n'
  const attempts = [
    { args: ['--data-dir', first.dataDir, '--port', '0'], status: 75, says: /data directory/ },
    { args: ['--port', String(first.port)], status: 69, says: new RegExp(String(first.port)) },
    { args: ['--port', '65536'], status: 78, says: /--port/ },
    { args: ['--prot', '1'], status: 64, says: /--port/ },
    { args: ['--wait', 'long'], status: 64, says: /--wait/ },
    { args: ['connect'], status: 64, says: /type it there/ },
    { args: ['--data-dir', file], status: 73, says: /^p2p: \S*config\.yaml cannot be used: / },
    { args: ['--data-dir', join(file, 'below')], status: 73, says: /config\.yaml.below cannot be used: / },
    { args: ['--port', '0'], config: strangeInterface, status: 78, says: /config\.yaml:3:21: .*"lo0o"/ },
    {
      args: ['--port', '0'],
      env: { P2P_EXPLORER_BROADCAST_INTERFACE_NAME: 'lo0o' },
      status: 78,
      says: /: P2P_EXPLORER_BROADCAST_INTERFACE_NAME: .*"lo0o"/,
    },
    { args: [], config: 'log-levle: INFO\n', status: 78, says: /:1:1:.*log-level/ },
    { args: [], env: { P2P_NMAE: 'x' }, status: 78, says: /P2P_NAME/ },
  ]
  for (const { status, says, ...options } of attempts) {
    await using peer = await spawnPeer(options)
    assert.equal(await peer.ended, status, JSON.stringify(options))
    assert.deepEqual(peer.lines, [])
    assert.match(peer.errors, says)
    assert.match(peer.errors, /^p2p: /)
    assert.doesNotMatch(peer.errors, /\.ts:\d+|node:internal/)
  }
})

test('the schema knows exactly the errors there are, and refuses what is not an event', () => {
  const { $defs } = JSON.parse(schemaText) as {
    $defs: { error: { properties: { code: { enum: string[] } } } }
  }
  assert.deepEqual($defs.error.properties.code.enum, Object.keys(errorTable))
  const line = { v: 1, type: 'node:stopped', at: new Date().toJSON() }
  assert.deepEqual(complaints(line), [])
  assert.notDeepEqual(complaints({ ...line, at: 'yesterday' }), [])
  assert.notDeepEqual(complaints({ ...line, more: 1 }), [])
  assert.notDeepEqual(complaints({ ...line, type: 'node:restarted' }), [])
  assert.notDeepEqual(complaints({ ...line, type: 'command:done', command: 'x', ok: false }), [])
})
