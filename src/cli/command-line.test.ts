import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isP2PError, P2PError, silentLog, startNode } from '../index.ts'
import { MemoryNetwork } from '../testing/index.ts'
import { plainStyle } from '../face/style.ts'
import { View } from '../face/view.ts'
import { parseCommand, tellError } from './command-line.ts'
import { commands } from './commands.ts'
import { complete } from './completion.ts'
import { ShellState } from './shell-state.ts'

function usageError(about: RegExp): (error: unknown) => boolean {
  return (error) => isP2PError(error, 'usage') && about.test(error.message)
}

test('every command is found by its words, whatever stands between them', () => {
  for (const command of commands) {
    const line = command.argument === 'required' ? `  ${command.name}   7c21 ` : ` ${command.name} `
    assert.equal(parseCommand(line.replace(' ', '  ')).command, command)
    for (const alias of command.aliases ?? []) assert.equal(parseCommand(alias).command, command)
  }
  const { command, argument } = parseCommand('connect  7c21')
  assert.deepEqual([command.name, argument], ['connect', '7c21'])
})

test('the text of a message keeps its spaces, and other arguments do not', () => {
  assert.equal(
    parseCommand('  tell  alice   two  words\tand  a tab ').argument,
    'alice   two  words\tand  a tab',
  )
  assert.equal(parseCommand('export  my  file.ndjson').argument, 'my  file.ndjson')
  assert.equal(parseCommand('history   alice   --search  two   words').argument, 'alice --search two words')
  assert.equal(parseCommand('list   peers').argument, '')
})

test('what is missing, too much or misspelled is told with what was probably meant', () => {
  assert.throws(
    () => parseCommand('connect'),
    usageError(/^"connect" needs one thing more\. Write "connect <peer>"\.$/),
  )
  assert.throws(() => parseCommand('attach a b'), usageError(/takes only one thing/))
  assert.throws(() => parseCommand('exit now'), usageError(/takes nothing after it/))
  assert.throws(() => parseCommand('conect 7c21'), usageError(/Did you mean "connect"/))
  assert.throws(() => parseCommand('list peeers'), usageError(/Did you mean "list peers"/))
  assert.throws(() => parseCommand('list'), usageError(/Did you mean "list peers"/))
  assert.throws(() => parseCommand('CONNECT 7c21'), usageError(/Did you mean "connect"/))
  assert.throws(() => parseCommand('frobnicate'), usageError(/"help" lists them\.$/))
  assert.throws(() => parseCommand('\x1b[2J'), usageError(/␛\[2J/))
})

test('Tab offers commands, then what the command takes', async () => {
  const lan = new MemoryNetwork()
  await using desk = await startNode({ ...lan.host() })
  await using kitchen = await startNode({ ...lan.host() })
  await desk.peers.waitFor({ id: kitchen.id })
  const state = new ShellState(desk)
  assert.deepEqual(await complete(state, 'li'), [['list peers', 'list sessions', 'limit '], 'li'])
  assert.deepEqual(await complete(state, 'con'), [['conversations', 'connect '], 'con'])
  assert.deepEqual(await complete(state, 'connect '), [[kitchen.id], ''])
  const typed = kitchen.id.slice(0, 5).toUpperCase()
  assert.deepEqual(await complete(state, `connect ${typed}`), [[kitchen.id], typed])
  assert.deepEqual(await complete(state, 'help e'), [['export', 'emit', 'exit'], 'e'])
  assert.deepEqual(await complete(state, 'exit '), [[], ''])
  assert.deepEqual(await complete(state, 'attach '), [[], ''])
  const session = await desk.connect(kitchen.id)
  assert.deepEqual(await complete(state, 'attach '), [[session.id], ''])
  state.attach(kitchen.id, session)
  assert.deepEqual(await complete(state, '/'), [['/quit', '/help'], '/'])
  assert.deepEqual(await complete(state, 'connect '), [[], 'connect '])
})

test('an error that nobody foresaw is told as internal, and logged with where it came from', async () => {
  await using node = await startNode({ ...new MemoryNetwork().host() })
  const logged: unknown[] = []
  const log = { ...silentLog, error: (_message: string, fields?: unknown) => logged.push(fields) }
  const state = new ShellState(node)
  const stop = new AbortController()
  const view = new View(node, plainStyle, { wholeIds: true })
  const context = { state, view, log, tell: () => {}, signal: stop.signal }
  assert.equal(tellError(new TypeError('x is not a function'), context).code, 'internal')
  assert.match(JSON.stringify(logged), /command-line\.test/)
  const known = new P2PError('no-answer', 'no answer')
  assert.equal(tellError(known, context), known)
  stop.abort()
  assert.equal(tellError(stop.signal.reason, context).code, 'node-stopped')
})
