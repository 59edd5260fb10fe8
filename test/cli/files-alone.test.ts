/** Commands about files that run alone, between pipes and terminals. */
import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { errorTable } from '../../src/base/errors.ts'
import type { Line } from '../lab/json-process.ts'
import type { PeerProcess } from '../lab/peer.ts'
import { house } from './house.ts'
import { assertValid } from './schema.ts'
import { noTerminal, Terminal } from './terminal.ts'

const program = join(import.meta.dirname, '../../src/cli/main.ts')
const megabyte = 1_000_000

type House = ReturnType<typeof house> & { readonly t: TestContext }

function houseOf(t: TestContext): House {
  return { ...house(t), t }
}

interface Run {
  readonly child: ChildProcess
  readonly output: () => Buffer
  readonly errors: () => string
  readonly ended: Promise<number | null>
}

/** Starts `p2p` with these words, as a person with a data directory of his own. */
function start({ t, flags, environment }: House, name: string, ...words: readonly string[]): Run {
  const child = spawn(process.execPath, [program, ...words, ...flags(name)], {
    env: { ...process.env, ...environment(name) },
  })
  t.after(() => child.kill('SIGKILL'))
  const output: Buffer[] = []
  let errors = ''
  child.stdin.on('error', () => {})
  child.stdout.on('data', (bytes: Buffer) => output.push(bytes))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, output: () => Buffer.concat(output), errors: () => errors, ended }
}

async function run(where: House, name: string, ...words: readonly string[]): Promise<string> {
  const { child, ended, output, errors } = start(where, name, ...words)
  child.stdin?.end()
  assert.equal(await ended, 0, errors())
  assert.equal(errors(), '')
  return output().toString()
}

/** Shares a path and waits until all of it can be fetched. */
async function share(peer: PeerProcess, path: string, files: number): Promise<void> {
  const since = peer.mark
  const isReady = (line: Line): boolean => {
    const shared = line['share'] as { files: number; unhashedFiles: number }
    return shared.files === files && shared.unhashedFiles === 0
  }
  const result = (await peer.command(`share '${path}'`)) as Line
  if (!isReady(result)) await peer.event('share:changed', isReady, { since })
}

test('a file comes out of a pipe as it is, and nothing else does', async (t) => {
  const where = houseOf(t)
  const content = randomBytes(50 * megabyte)
  writeFileSync(where.file('disk image.iso'), content)
  const desk = await where.open('desk')
  await share(desk, where.file('disk image.iso'), 1)
  const flags = where
    .flags('kitchen')
    .map((flag) => `'${flag}'`)
    .join(' ')
  const script = `'${process.execPath}' '${program}' get '${desk.id}:disk image.iso' --to - ${flags} | sha256sum`
  const piped = spawnSync('sh', ['-c', script], { encoding: 'utf8', timeout: 60_000 })
  assert.equal(piped.stderr, '')
  assert.equal(piped.stdout.split(' ')[0], createHash('sha256').update(content).digest('hex'))

  const refused = start(where, 'kitchen', 'get', `${desk.id}:disk image.iso`, '--to', '-', '--json')
  assert.equal(await refused.ended, errorTable.usage.exit)

  // Whoever has seen enough ends it without a word.
  const cut = start(where, 'kitchen', 'get', `${desk.id}:disk image.iso`, '--to', '-')
  cut.child.stdout?.once('data', () => cut.child.stdout?.destroy())
  assert.equal(await cut.ended, errorTable['output-closed'].exit)
  assert.equal(cut.errors(), '')
})

test('standard input is offered under its name, and sent means verified by the receiver', async (t) => {
  const where = houseOf(t)
  const kitchen = await where.open('kitchen')
  const content = randomBytes(50 * megabyte)
  const sending = start(where, 'desk', 'send', kitchen.id, '-', '--as', 'backup.tar')
  sending.child.stdin?.end(content)
  const { offer } = await kitchen.event('offer:received')
  assert.equal((offer as { entries: { name: string }[] }).entries[0]?.name, 'backup.tar')
  await kitchen.command('accept 1')
  assert.equal(await sending.ended, 0, sending.errors())
  assert.match(sending.output().toString(), /has backup\.tar, verified\.\n$/)
  assert.ok(readFileSync(join(where.downloads('kitchen'), 'backup.tar')).equals(content))

  const declined = start(where, 'desk', 'send', kitchen.id, where.file('config.yaml'))
  await kitchen.event('offer:received', () => true, { since: kitchen.mark })
  await kitchen.command('decline 1')
  assert.equal(await declined.ended, errorTable['offer-declined'].exit)
  assert.match(declined.errors(), /^p2p: .* declined the offer/)

  const nameless = start(where, 'desk', 'send', kitchen.id, '-')
  nameless.child.stdin?.end()
  assert.equal(await nameless.ended, errorTable.usage.exit)
  assert.match(nameless.errors(), /--as/)
})

test('an offer to somebody who does not answer waits when the sender leaves, and is taken later', async (t) => {
  const where = houseOf(t)
  writeFileSync(where.file('plan.txt'), 'plan')
  const kitchen = await where.open('kitchen')
  const sending = start(where, 'desk', 'send', kitchen.id, where.file('plan.txt'))
  await kitchen.event('offer:received')
  sending.child.kill('SIGINT')
  assert.equal(await sending.ended, errorTable['node-stopped'].exit)
  assert.match(sending.errors(), /The offer waits/)
  assert.match(await run(where, 'desk', 'offers'), / plan\.txt +4 B .*waits for an answer/)
  const desk = await where.open('desk')
  await kitchen.found(desk.id)
  await kitchen.command('accept 1')
  await kitchen.event('transfer:done')
  assert.equal(readFileSync(join(where.downloads('kitchen'), 'plan.txt'), 'utf8'), 'plan')
})

test('one shows a folder for as long as he likes; the other looks, finds and takes, for people and for programs', async (t) => {
  const where = houseOf(t)
  mkdirSync(where.file('photos/2025'), { recursive: true })
  writeFileSync(where.file('photos/2025/beach.jpg'), Buffer.alloc(1_500_000, 'sand'))
  // L1, F7: what others call their files commands no terminal.
  writeFileSync(where.file('photos/red\u001b[31m.txt'), 'red')
  const sharing = start(where, 'desk', 'share', where.file('photos'))
  await new Promise<void>((resolve) =>
    sharing.child.stdout?.on(
      'data',
      () => /can be fetched|ready/.test(sharing.output().toString()) && resolve(),
    ),
  )
  const listing = await run(where, 'kitchen', 'ls', '1:photos')
  const date = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d`
  assert.match(listing, new RegExp(`^ +-  ${date}  2025/\n3 B  ${date}  red␛\\[31m\\.txt\n$`))
  assert.match(
    await run(where, 'kitchen', 'find', '*.jpg'),
    /^1\.5 MB {2}[0-9a-f-]{36}:photos\/2025\/beach\.jpg\n$/,
  )
  const into = where.file('into')
  const got = await run(where, 'kitchen', 'get', '1:photos', '--to', into)
  assert.match(got, /^Saved as .*into\/photos: 2 files, 1\.5 MB.*, verified\.\n$/)
  assert.equal(readFileSync(join(into, 'photos/2025/beach.jpg')).length, 1_500_000)

  const line = JSON.parse(await run(where, 'kitchen', 'get', '1:photos/2025', '--json')) as Line
  assertValid([line])
  const { transfers } = line['result'] as { transfers: { state: string; files: number }[] }
  assert.deepEqual(
    transfers.map(({ state, files }) => [state, files]),
    [['done', 1]],
  )
  const missing = start(where, 'kitchen', 'get', '1:nothing', '--json')
  assert.equal(await missing.ended, errorTable['file-unknown'].exit)
  assertValid([JSON.parse(missing.output().toString()) as Line])

  sharing.child.kill('SIGINT')
  assert.equal(await sharing.ended, 0, sharing.errors())
  assert.match(await run(where, 'desk', 'shares'), /^photos\/ +2 +1\.5 MB +all +ready/m)
  assert.equal(await run(where, 'desk', 'unshare', 'photos'), 'Nobody sees photos any more.\n')
  const gone = start(where, 'kitchen', 'ls', '00000000:photos', '--wait', '0.1')
  assert.equal(await gone.ended, errorTable['peer-unknown'].exit)
  assert.match(gone.errors(), /^p2p: No peer 00000000 is known/)
})

test(
  'who sits at a prompt is told of offers and how to answer, and Tab knows paths',
  { skip: noTerminal },
  async (t) => {
    const where = houseOf(t)
    mkdirSync(where.file('my photos'))
    writeFileSync(where.file('my photos/beach.jpg'), Buffer.alloc(1_500_000, 'sand'))
    const kitchen = await where.open('kitchen')
    await share(kitchen, where.file('my photos'), 1)
    const env = where.environment('desk') as Record<string, string>
    await using terminal = await Terminal.open([process.execPath, program, 'shell', ...where.flags('desk')], {
      env,
    })
    await terminal.shows(/\+ "kitchen"/)
    const type = async (text: string, key = 'Enter'): Promise<void> => {
      await terminal.type(text)
      await terminal.press(key)
    }
    await type(`alias 1 cook`)
    await terminal.shows(/is cook from now on/)
    await type('get cook:my', 'Tab')
    await terminal.shows(/p2p> get 'cook:my photos\/$/m)
    await type('', 'Tab')
    await terminal.shows(/p2p> get 'cook:my photos\/beach\.jpg'/)
    await type('')
    const saved = await terminal.shows(/Saved as .*verified\./s)
    assert.match(saved, /Taking my photos\/beach\.jpg \(1\.5 MB\) from cook/)

    const { peers } = (await kitchen.command('peers')) as { peers: { id: string }[] }
    await kitchen.command(`send ${peers[0]?.id} '${where.file('my photos')}'`)
    await terminal.shows(
      /cook unverified offers my photos\/ \(1 file\) \(1\.5 MB\)\. accept 1 takes it, decline 1/,
    )
    await type('decline 1')
    await terminal.shows(/Declined my photos\/ \(1 file\) of cook/)
    await type('history 1')
    await terminal.shows(/cook unverified: offers my photos\/ \(1 file\) \(1\.5 MB, declined\)/)
    await type('transfers')
    await terminal.shows(/1 +my photos\/beach\.jpg +from cook unverified +1\.5 MB +\[#{12}\] 100 % +done:/)
  },
)

test(
  'who waits for a file at a terminal sees how far it is, and in the end only what came of it',
  { skip: noTerminal },
  async (t) => {
    const where = houseOf(t)
    writeFileSync(where.file('disk.iso'), Buffer.alloc(20 * megabyte, 'disk'))
    const kitchen = await where.open('kitchen')
    await share(kitchen, where.file('disk.iso'), 1)
    const env = { ...where.environment('desk'), P2P_FILES_DOWNLOAD_LIMIT: '10MB/s' } as Record<string, string>
    const words = [process.execPath, program, 'get', `${kitchen.id}:disk.iso`, ...where.flags('desk')]
    await using terminal = await Terminal.open(words, { env, columns: 120 })
    await terminal.shows(/^disk\.iso {2}\[#[#-]{11}\] {2}\d+ % {2}.* of 20\.0 MB {2}.*\/s/m)
    assert.equal(await terminal.status(), 0)
    const screen = (await terminal.screen()).split('\n').filter((line) => !/identity/.test(line))
    assert.match(screen[0] ?? '', /^Taking disk\.iso \(20\.0 MB\) from "kitchen" /)
    assert.match(screen[1] ?? '', /^Saved as .*disk\.iso: 20\.0 MB in .*, verified\.$/)
    assert.deepEqual(screen.slice(2), ['[status 0]'])
  },
)
