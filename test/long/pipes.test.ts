/** Gigabytes through pipes: into an offer and out of a share, by commands that use the nodes that serve; and what goes wrong in the middle. */
import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { errorTable } from '../../src/base/errors.ts'
import { until } from '../app/nodes.ts'
import { homes, result, type Homes } from '../cli/homes.ts'
import { mebibyte } from '../lab/sharing-hosts.ts'

const gibibyte = 1024 * mebibyte
/** A node and a command hold a few buffers, however much goes through them. */
const mostMemory = 256 * mebibyte

interface House extends Homes {
  readonly t: TestContext
  readonly desk: { readonly child: ChildProcess; readonly id: string }
  readonly kitchen: { readonly child: ChildProcess; readonly id: string }
}

async function open(t: TestContext): Promise<House> {
  const all = homes(t)
  const [desk, kitchen] = await Promise.all([all.serve('desk'), all.serve('kitchen')])
  await result(all.p2p('desk', '--json', '--wait', '30', 'load-peers', kitchen.id))
  return { ...all, t, desk, kitchen }
}

interface Piped {
  readonly child: ChildProcess
  readonly errors: () => string
  readonly ended: Promise<number | null>
}

/** Runs `p2p` in a shell that joins it to pipes, as the same process. */
function piped({ commandOf, t }: House, words: readonly string[], pipes: string): Piped {
  const child = spawn('bash', ['-c', `exec ${quoted(commandOf('desk', ...words))} ${pipes}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  // With whatever else the shell has started.
  t.after(() => spawnSync('kill', ['-KILL', '--', `-${child.pid}`]))
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  child.stdout.resume()
  return {
    child,
    errors: () => errors,
    ended: once(child, 'exit').then(([status]) => status as number | null),
  }
}

/** Words for a shell. */
function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' ')
}

/** The most memory that a process has had so far; 0 when it is gone. */
function peakOf({ pid }: ChildProcess): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

/** @returns the exit status, and the most memory that the command has had */
async function watched({ child, ended }: Piped): Promise<{ status: number | null; peak: number }> {
  let peak = 0
  const timer = setInterval(() => (peak = Math.max(peak, peakOf(child))), 50)
  const status = await ended
  clearInterval(timer)
  return { status, peak }
}

function megabytes(bytes: number): string {
  return `${(bytes / mebibyte).toFixed(0)} MiB`
}

/** Where a node keeps what streams have said. */
function spooled({ file }: House, name: string): readonly string[] {
  const folder = join(file(name), 'outgoing')
  return existsSync(folder) ? readdirSync(folder) : []
}

async function accepts({ p2p, file }: House): Promise<void> {
  await until(
    async () => {
      const { offers } = await result(p2p('kitchen', '--json', 'offers'))
      return (offers as { state: string }[]).some(({ state }) => state === 'open')
    },
    'the offer',
    300_000,
  )
  await result(p2p('kitchen', '--json', '--wait', '60', 'accept', '1', '--to', file('in')))
}

test(
  '1 GiB goes into a pipe here and comes out of a pipe there, in little memory',
  { timeout: 900_000 },
  async (t) => {
    const house = await open(t)
    const { desk, kitchen, p2p, file } = house
    // What goes in is hashed on its way.
    const source = `head -c ${gibibyte} /dev/urandom | tee >(sha256sum > ${file('sum')})`
    const sending = piped(house, ['send', kitchen.id, '-', '--as', 'film.bin'], `< <(${source})`)
    const sent = watched(sending)
    await accepts(house)
    const { status, peak } = await sent
    assert.equal(status, 0, sending.errors())
    const wanted = readFileSync(file('sum'), 'utf8').slice(0, 64)
    assert.equal(statSync(join(file('in'), 'film.bin')).size, gibibyte)
    t.diagnostic(
      `send: command ${megabytes(peak)}, its node ${megabytes(peakOf(desk.child))}, receiver ${megabytes(peakOf(kitchen.child))}`,
    )

    await result(p2p('kitchen', '--json', 'share', join(file('in'), 'film.bin')))
    await until(
      async () => {
        const { shares } = await result(p2p('kitchen', '--json', 'shares'))
        return (shares as { unhashedFiles: number; files: number }[]).every(
          (one) => one.files === 1 && one.unhashedFiles === 0,
        )
      },
      'the hash',
      300_000,
    )
    const getting = piped(
      house,
      ['get', `${kitchen.id}:film.bin`, '--to', '-'],
      `> >(sha256sum > ${file('got')})`,
    )
    const got = await watched(getting)
    assert.equal(got.status, 0, getting.errors())
    await until(() => readFileSync(file('got'), 'utf8').length > 64, 'the sum')
    assert.equal(readFileSync(file('got'), 'utf8').slice(0, 64), wanted)
    t.diagnostic(
      `get: command ${megabytes(got.peak)}, its node ${megabytes(peakOf(desk.child))}, giver ${megabytes(peakOf(kitchen.child))}`,
    )
    for (const bytes of [peak, got.peak, peakOf(desk.child), peakOf(kitchen.child)])
      assert.ok(bytes > 0 && bytes < mostMemory, megabytes(bytes))
  },
)

test('whoever closes the pipe ends the command, and the node goes on', { timeout: 300_000 }, async (t) => {
  const house = await open(t)
  const { kitchen, p2p, file } = house
  spawnSync('sh', ['-c', `head -c 200M /dev/urandom > '${file('film.bin')}'`])
  await result(p2p('kitchen', '--json', 'share', file('film.bin')))
  const line = quoted(house.commandOf('desk', '--wait', '30', 'get', `${kitchen.id}:film.bin`, '--to', '-'))
  await until(
    async () => (await p2p('desk', 'ls', `${kitchen.id}:`)).out.includes('film.bin\n'),
    'the hash',
    60_000,
  )
  const script = `${line} | head -c 1000000 | wc -c; echo "\${PIPESTATUS[0]}"`
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8', timeout: 120_000 })
  assert.deepEqual(
    [stdout.split('\n').slice(0, 2), stderr],
    [['1000000', String(errorTable['output-closed'].exit)], ''],
  )
  assert.equal((await p2p('desk', 'peers')).status, 0)
})

test(
  'a sender that is killed in the middle offers nothing, and leaves nothing',
  { timeout: 300_000 },
  async (t) => {
    const house = await open(t)
    const { kitchen, p2p } = house
    const sending = piped(
      house,
      ['send', kitchen.id, '-', '--as', 'x.bin'],
      '< <(head -c 100M /dev/urandom; sleep 60)',
    )
    await until(() => spooled(house, 'desk').length === 1, 'the first bytes', 60_000)
    await delay(1_000)
    sending.child.kill('SIGKILL')
    await sending.ended
    await until(() => spooled(house, 'desk').length === 0, 'the end of what had come', 60_000)
    assert.deepEqual((await result(p2p('desk', '--json', 'offers')))['offers'], [])
    assert.deepEqual((await result(p2p('kitchen', '--json', 'offers')))['offers'], [])
  },
)

test(
  'a node that is killed in the middle ends both commands with its status',
  { timeout: 300_000 },
  async (t) => {
    const house = await open(t)
    const { desk, kitchen, p2p, file } = house
    spawnSync('sh', ['-c', `head -c 300M /dev/urandom > '${file('film.bin')}'`])
    await result(p2p('kitchen', '--json', 'share', file('film.bin')))
    await until(
      async () => (await p2p('desk', 'ls', `${kitchen.id}:`)).out.includes('film.bin\n'),
      'the hash',
      60_000,
    )
    const sending = piped(
      house,
      ['send', kitchen.id, '-', '--as', 'x.bin'],
      '< <(head -c 10M /dev/urandom; sleep 60)',
    )
    await result(p2p('desk', '--json', 'limit', 'download', '2MB/s'))
    const getting = piped(house, ['get', `${kitchen.id}:film.bin`, '--to', '-'], `> '${file('taken.bin')}'`)
    await until(() => spooled(house, 'desk').length === 1, 'the first bytes', 60_000)
    // A command that finds no node is one of its own, and gets the file.
    const sizeOf = (name: string): number => statSync(file(name), { throwIfNoEntry: false })?.size ?? 0
    await until(() => sizeOf('taken.bin') > 0, 'the first bytes out', 60_000)
    desk.child.kill('SIGKILL')
    assert.deepEqual(
      [await sending.ended, await getting.ended],
      [69, 69],
      sending.errors() + getting.errors(),
    )
    assert.match(sending.errors(), /^p2p: The running p2p does not answer any more/)
    await house.serve('desk')
    await until(() => spooled(house, 'desk').length === 0, 'the sweep', 60_000)
    assert.deepEqual((await result(p2p('kitchen', '--json', 'offers')))['offers'], [])
  },
)

test(
  'a disk that fills up in the middle of a pipe is said, and the node goes on',
  { skip: process.getuid?.() !== 0, timeout: 300_000 },
  async (t) => {
    const all = homes(t)
    // Only the node that serves, and the command, see the small disk.
    const small = 'mkdir -p "$1" && mount -t tmpfs -o size=48m,mode=700 none "$1" && shift && exec "$@"'
    const desk = await all.serveIn(['unshare', '-m', 'sh', '-c', small, 'sh', all.file('desk')], 'desk')
    const kitchen = await all.serve('kitchen')
    const there = ['nsenter', '-m', '-t', String(desk.child.pid)]
    const send = quoted([
      ...there,
      ...all.commandOf('desk', '--wait', '30', 'send', kitchen.id, '-', '--as', 'x.bin'),
    ])
    const { stderr, status } = spawnSync('bash', ['-c', `head -c 500M /dev/zero | ${send}`], {
      encoding: 'utf8',
    })
    assert.equal(status, errorTable['disk-full'].exit, stderr)
    assert.match(stderr, /disk is full|free space/)
    const inside = join(`/proc/${desk.child.pid}/root`, all.file('desk'), 'outgoing')
    assert.deepEqual(readdirSync(inside), [])
    const peers = spawnSync('sh', ['-c', quoted([...there, ...all.commandOf('desk', 'peers')])], {
      encoding: 'utf8',
    })
    assert.equal(peers.status, 0, peers.stderr)
  },
)
