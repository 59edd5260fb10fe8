/** `p2p serve` and the commands that use it: real processes. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../app/nodes.ts'
import { homes, result, textOf } from './homes.ts'

test(
  'commands use the node that serves: they meet, talk and fetch through it',
  { timeout: 200_000 },
  async (t) => {
    const { serve, p2p, file } = homes(t)
    const [desk, kitchen] = await Promise.all([serve('desk'), serve('kitchen')])
    await until(async () => (await p2p('desk', 'peers')).out.includes('kitchen'), 'the other', 30_000)
    const { peers } = await result(p2p('desk', '--json', 'peers'))
    assert.deepEqual(
      (peers as { id: string }[]).map(({ id }) => id),
      [kitchen.id],
    )
    await result(p2p('desk', '--json', 'alias', kitchen.id, 'cook'))
    const told = await p2p('desk', 'tell', 'cook', 'lunch?')
    assert.match(told.out, /^Delivered to cook/)
    const { messages } = await result(p2p('kitchen', '--json', 'history'))
    assert.deepEqual(
      (messages as { text: string }[]).map(({ text }) => text),
      ['lunch?'],
    )
    const conversations = await p2p('desk', 'conversations')
    assert.match(conversations.out, /cook.*lunch\?/)
    writeFileSync(file('menu.txt'), 'soup')
    const shared = await p2p('desk', 'share', file('menu.txt'))
    assert.equal(shared.status, 0, shared.err)
    const got = await p2p('kitchen', 'get', `${desk.id}:menu.txt`, '--to', file('in'))
    assert.equal(got.status, 0, got.err)
    assert.equal(readFileSync(join(file('in'), 'menu.txt'), 'utf8'), 'soup')
    // The node of the desk, the address of which no flag can change, is still the first one.
    const refused = await p2p('desk', '--name', 'other', 'peers')
    assert.equal(refused.status, 75)
    assert.match(refused.err, /Another p2p/)
    desk.child.kill('SIGTERM')
    await once(desk.child, 'close')
    assert.equal(desk.child.exitCode, 0)
  },
)

test(
  'a reader of events hears what the node hears; SIGHUP reads the configuration again',
  { timeout: 120_000 },
  async (t) => {
    const { serve, p2p, start, file } = homes(t)
    const { child } = await serve('desk', '--control-port', '0')
    const events = start('desk', '--json', 'events')
    if (events.stdout !== null) await once(events.stdout, 'readable')
    const heard = textOf(events.stdout)
    writeFileSync(file('config.yaml'), `policy: trusted\n${readFileSync(file('config.yaml'), 'utf8')}`)
    child.kill('SIGHUP')
    await until(
      async () => (await p2p('desk', 'policy')).out.startsWith('Policy trusted'),
      'the new policy',
      30_000,
    )
    writeFileSync(file('config.yaml'), 'policy: nobody\n')
    child.kill('SIGHUP')
    const log = (): string => readFileSync(join(file('desk'), 'log.log'), 'utf8')
    await until(() => log().includes('has a mistake'), 'the word on the mistake', 30_000)
    child.kill('SIGTERM')
    const lines = (await heard)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; policy?: string })
    assert.equal(lines[0]?.type, 'node:started')
    assert.ok(lines.some(({ type, policy }) => type === 'policy:changed' && policy === 'trusted'))
    assert.equal(lines.at(-1)?.type, 'node:stopped')
  },
)

test(
  'a node that was killed is replaced by the next command, and --timeout gives up',
  { timeout: 120_000 },
  async (t) => {
    const { serve, p2p } = homes(t)
    const { child } = await serve('desk')
    child.kill('SIGKILL')
    await once(child, 'close')
    const alone = await p2p('desk', '--wait', '0.1', 'peers')
    assert.deepEqual([alone.status, alone.out], [0, 'Nobody here yet.\n'])
    await serve('desk')
    const late = await p2p('desk', '--timeout', '0.5', '--wait', '30', 'connect-nobody')
    assert.equal(late.status, 64)
    const given = await p2p('desk', '--timeout', '1', '--wait', '30', 'tell', 'abcdef01', 'x')
    assert.equal(given.status, 75, given.err)
    assert.match(given.err, /not done after 1 s/)
  },
)

test('--timeout ends whatever waits, also for a node that is stopped', { timeout: 120_000 }, async (t) => {
  const { serve, p2p } = homes(t)
  const { child } = await serve('desk')
  const given = await p2p('desk', '--timeout', '2', 'events')
  assert.deepEqual([given.status, given.err], [75, 'p2p: It was not done after 2 s, as --timeout says.\n'])
  assert.equal((await p2p('kitchen', '--port', '0', '--timeout', '2', 'serve')).status, 75)
  child.kill('SIGSTOP')
  const late = await p2p('desk', '--timeout', '1', 'policy')
  assert.deepEqual([late.status, late.err], [75, 'p2p: It was not done after 1 s, as --timeout says.\n'])
  // Without it, that the node answers nothing is told too, in the end.
  const told = await p2p('desk', 'peers', '--json')
  assert.equal(told.status, 75)
  assert.match(told.err, /has not answered for 10 s/)
  child.kill('SIGCONT')
  assert.equal((await p2p('desk', 'policy')).status, 0)
})
