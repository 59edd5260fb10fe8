/** What happens in the house of the golden transcripts, command by command. */
import { createCipheriv } from 'node:crypto'
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { GoldenHouse, Person, RunOptions } from './golden-house.ts'

/** Writes down what a line shows, under the name of a command. */
export interface Seen {
  readonly house: GoldenHouse
  readonly see: (name: string, line: string, options?: RunOptions) => Promise<void>
  /** As a person and as a program see it; for what changes nothing the first time. */
  readonly both: (name: string, line: string, options?: RunOptions) => Promise<void>
  /** The same, one after the other. */
  readonly twice: (name: string, line: string, options?: RunOptions) => Promise<void>
}

const atKitchen = { person: 'kitchen' } as const
const nobody = 'aaaaaaaa-aaaa-8aaa-aaaa-aaaaaaaaaaaa'

export async function live(seen: Seen): Promise<void> {
  const { house } = seen
  furnish(house)
  await Promise.all([alone(seen), tools(seen)])
  const nodes = await Promise.all([house.serve('desk'), house.serve('kitchen')])
  await house.until('p2p peers', /kitchen/)
  await house.until('p2p peers', /desk/, atKitchen)
  await meeting(seen)
  await talking(seen)
  await sharing(seen)
  await fetching(seen)
  await offering(seen)
  await queueing(seen)
  await verifying(seen)
  await watching(seen)
  await parting(seen)
  for (const node of nodes) node.kill('SIGTERM')
}

/** Where every file is of the same day. */
function furnish(house: GoldenHouse): void {
  const files: readonly (readonly [Person, string, string | Buffer])[] = [
    ['desk', 'report.pdf', 'a report'],
    ['desk', 'plans/garden.txt', 'roses'],
    ['desk', 'menu.txt', 'soup'],
    ['kitchen', 'photos/2025/beach.jpg', 'sand'.repeat(500_000)],
    ['kitchen', 'photos/my cat.jpg', 'cat'],
    ['kitchen', 'cake.txt', 'flour'],
    ['kitchen', 'tea.txt', 'leaves'],
    ['kitchen', 'films/one.mp4', film(1)],
    ['kitchen', 'films/two.mp4', film(2)],
    ['kitchen', 'films/three.mp4', film(3)],
  ]
  for (const [person, name, content] of files) {
    const path = house.home(person, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    date(path)
  }
  for (const name of ['photos/2025', 'photos', 'films']) date(house.home('kitchen', name))
}

function date(path: string): void {
  utimesSync(path, new Date('2026-01-02T03:04:00Z'), new Date('2026-01-02T03:04:00Z'))
}

/** Bytes of which no part is found anywhere else. */
function film(number: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, number), Buffer.alloc(16)).update(
    Buffer.alloc(16_000_000),
  )
}

/** While no node serves. */
async function alone({ see, both }: Seen): Promise<void> {
  await see('serve', 'p2p serve --name desk --port 9000 --timeout 1')
  await see('serve', 'p2p serve --name desk --port 9000 --timeout 1 --json')
  await both('peers', 'p2p peers --wait 0.2')
}

async function tools({ see, both }: Seen): Promise<void> {
  await both('id', 'p2p id', atKitchen)
  await see('id', 'p2p id --qr', atKitchen)
  await both('config', 'p2p config', atKitchen)
  for (const shell of ['bash', 'zsh', 'fish']) await see('completion', `p2p completion ${shell}`, atKitchen)
  await see('completion', 'p2p completion csh', atKitchen)
  await see('man', 'p2p man | head -n 12', atKitchen)
  await see('service', 'p2p service install --print', atKitchen)
  await see('service', 'p2p service install --user', atKitchen)
  await see('service', 'p2p service install', atKitchen)
  await see('service', 'p2p service print --json', atKitchen)
  await see('service', 'p2p service', atKitchen)
}

async function meeting({ house, see, both, twice }: Seen): Promise<void> {
  const kitchen = house.keyOf('kitchen').id
  await both('peers', 'p2p peers')
  await twice('alias', `p2p alias ${kitchen.slice(0, 8)} cook`)
  await see('alias', 'p2p alias 10.77.0.2 chef')
  await see('alias', 'p2p alias 00000000 cook')
  await both('trust', 'p2p trust')
  await both('trust', 'p2p trust cook')
  await see('peers', 'p2p peers')
  await both('load-peers', 'p2p load-peers cook')
  await twice('emit', 'p2p emit')
  await see('emit', 'p2p emit 10.77.0.2:8001')
  await see('emit', 'p2p emit 10.77.0.2:9')
  await see('emit', 'p2p emit 10.77.0.2')
  await both('policy', 'p2p policy')
  await see('policy', 'p2p policy encrypted')
  await see('policy', 'p2p policy encripted')
}

async function talking({ house, see, both, twice }: Seen): Promise<void> {
  const desk = house.keyOf('desk').id
  await both('conversations', 'p2p conversations')
  await twice('tell', 'p2p tell cook lunch?')
  await see('tell', 'p2p tell 10.77.0.2 at noon')
  await see('tell', `p2p tell desk soup`, atKitchen)
  await see('tell', 'p2p tell cook')
  await see('tell', 'p2p tell 00000000 hello --wait 0.2')
  await see('tell', `p2p tell ${nobody} hello --wait 0.2`)
  await house.must(`p2p tell ${desk} soup`, atKitchen)
  await both('conversations', 'p2p conversations')
  await both('history', 'p2p history cook')
  await see('history', 'p2p history --search soup')
  await see('history', 'p2p history cook --search tea')
  await both('sessions', 'p2p sessions')
  await both('outbox', 'p2p outbox')
  await see('outbox', 'p2p outbox cancel 1')
  await see('outbox', 'p2p outbox')
  await twice('export', 'p2p export all.ndjson')
  await see('export', 'p2p export again.ndjson --json')
  await twice('import', 'p2p import all.ndjson')
  await see('import', 'p2p import report.pdf')
}

async function sharing({ house, see, both, twice }: Seen): Promise<void> {
  await see('shares', 'p2p shares')
  await see('share', 'p2p share plans')
  await see('share', 'p2p share menu.txt --to cook --json')
  await see('share', 'p2p share plans --to verified')
  await see('share', 'p2p share nothing')
  await see('share', 'p2p share report.pdf --to 10.77.0.2')
  await house.until('p2p shares', /plans.*ready[^]*menu.txt .*ready/)
  await both('shares', 'p2p shares')
  await twice('unshare', 'p2p unshare menu.txt')
  await see('unshare', 'p2p unshare plans --json')
  for (const name of ['photos', 'films', 'cake.txt', 'tea.txt'])
    await house.must(`p2p share ${name}`, atKitchen)
  await house.until('p2p shares', /^(?:(?!hashing)[^])*$/, atKitchen)
}

async function fetching({ see, both }: Seen): Promise<void> {
  await both('ls', 'p2p ls')
  await see('ls', 'p2p ls cook:')
  await both('ls', 'p2p ls cook:photos')
  await see('ls', 'p2p ls 10.77.0.2:photos/2025')
  await see('ls', 'p2p ls cook:music')
  await see('ls', 'p2p ls 10.77.0.9: --wait 0.5')
  await both('find', "p2p find '*.jpg'")
  await see('find', 'p2p find nothing')
  await see('get', 'p2p get cook:photos')
  await see('get', 'p2p get cook:cake.txt cook:tea.txt --to in --json')
  await see('get', 'p2p get cook:cake.txt --to in')
  await see('get', 'p2p get cook:tea.txt --to - | cat')
  await see('get', 'p2p get cook:music')
  await see('get', 'p2p get cook')
}

async function offering({ house, see, both }: Seen): Promise<void> {
  const incoming = (): Promise<void> => house.until('p2p offers', /accept 1, or decline 1/, atKitchen)
  const sends = [
    'p2p send cook report.pdf',
    'p2p send cook plans --json',
    'tar c plans | p2p send cook - --as plans.tar',
  ]
  const answers = [
    ['accept', 'p2p accept 1'],
    ['accept', 'p2p accept 1 --to in --json'],
    ['decline', 'p2p decline 1'],
  ] as const
  for (const [index, [name, answer]] of answers.entries()) {
    const sent = see('send', sends[index] ?? '')
    await incoming()
    if (index === 0) await both('offers', 'p2p offers', atKitchen)
    await see(name, answer, atKitchen)
    await sent
  }
  const withdrawn = see('send', 'p2p send cook menu.txt --json')
  await incoming()
  await see('decline', 'p2p decline 1 --json', atKitchen)
  await withdrawn
  await see('send', 'p2p send 10.77.0.2 report.pdf')
  await see('send', 'p2p send cook nothing.txt')
  await see('offers', 'p2p offers')
  await see('accept', 'p2p accept 1', atKitchen)
}

async function queueing({ house, see, both }: Seen): Promise<void> {
  await both('limit', 'p2p limit')
  await see('limit', 'p2p limit upload 10MB/s')
  await see('limit', 'p2p limit upload off')
  await see('limit', 'p2p limit speed 1')
  await see('transfers', 'p2p transfers clear')
  const slow = async (name: string): Promise<{ readonly got: Promise<unknown> }> => {
    await house.must('p2p limit download 500kB/s')
    const got = house.run(`p2p get cook:films/${name} --to in`)
    await house.until('p2p transfers', /films.*(?:kB\/s|left)/)
    return { got }
  }
  for (const [name, json] of [
    ['one.mp4', ''],
    ['two.mp4', ' --json'],
  ] as const) {
    const { got } = await slow(name)
    await see('pause', `p2p pause 1${json}`)
    await house.must('p2p limit download off')
    await see('resume', `p2p resume 1${json}`)
    await got
  }
  await both('transfers', 'p2p transfers')
  const { got } = await slow('three.mp4')
  await see('cancel', 'p2p cancel 1')
  await got
  await see('cancel', 'p2p cancel 7')
  await house.must('p2p transfers clear')
  await house.must('p2p limit download 500kB/s')
  const again = house.run('p2p get cook:films/three.mp4 --to in')
  await house.until('p2p transfers', /films/)
  await see('cancel', 'p2p cancel 1 --json')
  await again
  await see('resume', 'p2p resume 9')
  await see('pause', 'p2p pause x')
}

async function verifying({ house, see, twice }: Seen): Promise<void> {
  const desk = house.keyOf('desk').id
  await see('verify', 'p2p verify cook')
  await Promise.all([see('verify', 'p2p verify cook yes'), house.must(`p2p verify ${desk} yes`, atKitchen)])
  await see('verify', 'p2p verify cook --json')
  await Promise.all([
    see('verify', 'p2p verify cook yes --json'),
    house.must(`p2p verify ${desk} yes`, atKitchen),
  ])
  await see('verify', 'p2p verify cook yes')
  await twice('verify', 'p2p verify')
  const digits = JSON.parse(await house.must('p2p trust cook --json')) as {
    readonly result: { readonly safetyNumber: string }
  }
  await twice('verify', `p2p verify cook ${digits.result.safetyNumber}`)
  await see('verify', `p2p verify cook ${'1'.repeat(60)}`)
  await see('trust', 'p2p trust cook')
}

async function watching({ house, see }: Seen): Promise<void> {
  const desk = house.keyOf('desk').id
  const lines = [
    'p2p events | grep -m 1 dinner',
    'p2p events --json | grep -m 1 message:received',
    `p2p events --timeout 5 --exec 'grep -o "\\"type\\":\\"message:received\\""' | head -n 1`,
  ]
  for (const line of lines) {
    const state = { ended: false }
    const watched = see('events', line).finally(() => (state.ended = true))
    while (!state.ended) await house.must(`p2p tell ${desk} dinner`, atKitchen)
    await watched
  }
  await see('shell', "printf 'trust\\npolicy\\nnothing\\n' | p2p shell | grep -v '^[+~-] '")
  await see('shell', "printf 'policy\\n' | p2p shell --json | grep command:done")
  // What it counts is another each time; test/lab/doctor.test.ts looks at all of it.
  await see('doctor', 'p2p doctor --wait 1 | tail -n 5')
  await see('doctor', `p2p doctor --wait 1 --json | grep -o '"healthy":true'`)
}

async function parting({ see, twice }: Seen): Promise<void> {
  await twice('block', 'p2p block cook')
  await see('tell', 'p2p tell cook hello?')
  await twice('unblock', 'p2p unblock cook')
  await see('forget', 'p2p forget cook')
  await see('forget', `p2p forget ${nobody}`)
  await see('forget', 'p2p forget 1 --json')
}
