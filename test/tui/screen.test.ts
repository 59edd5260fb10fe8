/** The screen, at a real terminal: two people with two of them, and what others may do to it. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { house } from '../cli/house.ts'
import { noTerminal, Terminal, type TerminalOptions } from '../cli/terminal.ts'

const program = join(import.meta.dirname, '../../src/cli/main.ts')

interface Desk {
  readonly terminal: Terminal
  /** Presses keys by their names; what begins with `=` is typed as it is. */
  readonly press: (...keys: readonly string[]) => Promise<void>
  readonly shows: (fits: RegExp) => Promise<string>
}

type House = ReturnType<typeof house>

async function sit(
  t: TestContext,
  where: House,
  name: string,
  options: TerminalOptions & { readonly words?: readonly string[] } = {},
): Promise<Desk> {
  const { words = [], env, ...size } = options
  const variables = { ...where.environment(name), ...env } as Record<string, string>
  const command = [process.execPath, program, ...words, ...where.flags(name)]
  const terminal = await Terminal.open(command, { columns: 80, rows: 24, ...size, env: variables })
  t.after(() => terminal[Symbol.asyncDispose]())
  return {
    terminal,
    async press(...keys) {
      for (const key of keys) await (key.startsWith('=') ? terminal.type(key.slice(1)) : terminal.press(key))
    },
    shows: (fits) => terminal.shows(fits),
  }
}

/** Two people at two screens who see each other. */
async function pairOf(
  t: TestContext,
  options?: TerminalOptions,
): Promise<{ readonly where: House; readonly alice: Desk; readonly bob: Desk }> {
  const where = house(t)
  const [alice, bob] = await Promise.all([sit(t, where, 'alice', options), sit(t, where, 'bob', options)])
  await Promise.all([alice.shows(/●\? +"bob"/), bob.shows(/●\? +"alice"/)])
  return { where, alice, bob }
}

/** No row is wider than the screen, and what stands between the columns stands in one line. */
function assertColumns(screen: string, columns: number): void {
  const rows = screen.split('\n')
  const at = new Set(rows.map((row) => row.search(/[│ǀ]/)).filter((index) => index >= 0))
  assert.ok(at.size <= 1, screen)
  for (const row of rows) assert.ok(row.length <= columns, row)
}

for (const [columns, rows] of [
  [80, 24],
  [120, 40],
  [60, 20],
] as const) {
  test(`two people talk through two screens of ${columns} by ${rows}`, { skip: noTerminal }, async (t) => {
    const { alice, bob } = await pairOf(t, { columns, rows })
    await alice.press('Enter')
    await alice.shows(/"bob" [0-9a-f]{8} \[encrypted, unverified\]/)
    await alice.press('=lunch at noon?')
    // What is being written is told to the other one while it is.
    await bob.press('Enter')
    await alice.press('= or later', 'Enter')
    await alice.shows(/you +lunch at noon\? or later *(?:\n.*)?(?:delivered|read)/)
    await bob.shows(/"alice" lunch at noon\? or later/)
    await bob.press('=at one', 'Enter')
    assertColumns(await alice.shows(/"bob" +at one/), columns)
    await alice.shows(/or later *(?:\n.*)? read/)
    assertColumns(await bob.shows(/you +at one +(?:delivered|read)/), columns)
  })
}

test('two people verify each other by the code on both screens', { skip: noTerminal }, async (t) => {
  const { alice, bob } = await pairOf(t)
  await alice.press('v')
  await alice.shows(/How do you make sure/)
  await alice.press('c')
  await bob.shows(/o answers: "alice" [0-9a-f]{8} unverified wants to verify/)
  await bob.press('o')
  const [, hers] = /^.*│ +(\d{4} \d{4})/m.exec(await alice.shows(/│ +\d{4} \d{4}/)) ?? []
  const [, his] = /^.*│ +(\d{4} \d{4})/m.exec(await bob.shows(/│ +\d{4} \d{4}/)) ?? []
  assert.equal(hers, his)
  // No other key is an answer.
  await bob.press('Enter', 'Space')
  await bob.press('y')
  await alice.press('y')
  await alice.shows(/●✓ +"bob"/)
  await alice.shows(/You have made sure who this is: "bob"/)
  await bob.shows(/●✓ +"alice"/)
})

test('the QR code has room in 24 rows, and a scanned one is confirmed', { skip: noTerminal }, async (t) => {
  const { alice, bob } = await pairOf(t)
  await bob.press('c')
  const code = await bob.shows(/▀{43}/)
  assert.equal(code.split('\n').filter((row) => /^[█▀▄ ]{43} *$/.test(row) && row.trim() !== '').length, 22)
  await bob.press('Escape')
  // The text of the code is shown where it has room; a camera reads it from the picture.
  const tall = await sit(t, house(t), 'tall', { columns: 120, rows: 40 })
  await tall.press('c')
  await tall.shows(/p2p:v1:[0-9a-f-]{36}:/)
  await alice.press('c', '=p2p:nonsense', 'Enter')
  await alice.shows(/no invitation|not understood|code/)
})

test(
  'one shares a folder, the other looks around in it and takes a file',
  { skip: noTerminal },
  async (t) => {
    const { where, alice, bob } = await pairOf(t)
    mkdirSync(where.file('photos/summer'), { recursive: true })
    writeFileSync(where.file('photos/summer/beach.jpg'), Buffer.alloc(300_000, 'sand'))
    writeFileSync(where.file('photos/readme.txt'), 'read me')
    await bob.press('h')
    await bob.shows(/You share nothing/)
    await bob.press('a', `=${where.file('phot')}`)
    await bob.shows(/│photos\//)
    await bob.press('Tab')
    await bob.shows(/path: .*photos\//)
    await bob.press('Enter')
    await bob.shows(/Shared/)
    await alice.press('b')
    // It is seen as soon as its names are read; r asks again.
    for (let tries = 0; tries < 50 && !/› photos\//.test(await alice.terminal.screen()); tries++) {
      await alice.press('r')
      await alice.shows(/› photos\/|Nothing is shared/)
    }
    await alice.press('Enter')
    await alice.shows(/"bob" [0-9a-f]{8} unverified: photos\/ {2}1 of 2/)
    await alice.press('Down', 'Enter')
    await alice.shows(/› beach\.jpg +300 kB/)
    await alice.press('g')
    await alice.shows(/Saved as .*beach\.jpg|There already|Taking/)
    await alice.press('Escape', 't')
    await alice.shows(/photos\/summer\/beach\.jpg.*100 %/)
    const saved = join(where.downloads('alice'), 'beach.jpg')
    assert.equal(readFileSync(saved).length, 300_000)
  },
)

test(
  'an offer is asked about and taken, and its sender sees that it arrived',
  { skip: noTerminal },
  async (t) => {
    const { where, alice, bob } = await pairOf(t)
    writeFileSync(where.file('build.tar'), Buffer.alloc(100_000, 'tar'))
    await alice.press('s', `=${where.file('build.tar')}`, 'Enter')
    await bob.shows(/o answers: "alice" [0-9a-f]{8} unverified offers build\.tar \(100 kB\)/)
    await bob.press('o')
    await bob.shows(/Offers {2}1 of 1/)
    await bob.press('y')
    await alice.shows(/"bob" [0-9a-f]{8} unverified has build\.tar \(100 kB\), verified/)
    assert.deepEqual(readdirSync(where.downloads('bob')), ['build.tar'])
  },
)

test('hostile names and messages move nothing on the screen', { skip: noTerminal }, async (t) => {
  const where = house(t)
  const evil = await where.open('evil')
  const alice = await sit(t, where, 'alice')
  await alice.shows(/●\? +"evil"/)
  await alice.press('Enter')
  await alice.shows(/\[encrypted, unverified\]/)
  const me = /"alice" ([0-9a-f]{8})/.exec(await alice.terminal.screen())?.[1] ?? ''
  for (const text of [
    '\u001B[31mred\u001B[2J\u001B]0;title\u0007',
    '\u009B31m\u202Eright to left',
    'e' + '\u0301'.repeat(200),
    '漢字 👩‍👩‍👧 नमस्ते שלום',
    'end of it',
  ])
    await evil.command(`tell ${me} ${text}`)
  const screen = await alice.shows(/end of it/)
  assertColumns(screen, 80)
  assert.match(screen, /^p2p {2}"alice" [0-9a-f]{8} /)
  assert.match(screen, /␛\[31mred␛\[2J␛\]0;title␇/)
  assert.match(screen, /^Enter send {2}Esc people/m)
  const colours = await alice.terminal.screen({ colours: true })
  assert.ok(!colours.includes('\u001B[31mred'))
})

test(
  'a terminal that changes its size in the middle gets a whole screen again',
  { skip: noTerminal },
  async (t) => {
    const { alice, bob } = await pairOf(t, { columns: 120, rows: 40 })
    await alice.press('Enter')
    await bob.press('Enter', '=one line', 'Enter')
    await alice.shows(/"bob" +one line/)
    for (const [columns, rows] of [
      [60, 20],
      [45, 12],
      [100, 30],
      [80, 24],
    ] as const) {
      await alice.terminal.resize(columns, rows)
      await alice.press('=x')
      const screen = await alice.shows(new RegExp(`^p2p .*\\n(?:.*\\n){${rows - 2}}.*Enter send`))
      assertColumns(screen, columns)
      assert.match(screen, /"bob" +one line/)
    }
    assert.match(await alice.terminal.screen(), /^"bob"> xxxx$/m)
  },
)

test('the screen gives the terminal back, by q, Ctrl-C and SIGTERM', { skip: noTerminal }, async (t) => {
  for (const way of ['q', 'C-c', 'SIGTERM']) {
    const where = house(t)
    const alice = await sit(t, where, 'alice')
    await alice.shows(/q quit/)
    if (way === 'SIGTERM') process.kill(await alice.terminal.childPid(), 'SIGTERM')
    else await alice.press(way)
    assert.equal(await alice.terminal.status(), 0, way)
    assert.doesNotMatch(await alice.terminal.screen(), /q quit/)
    assert.equal(await alice.terminal.state('#{alternate_on} #{cursor_flag} #{wrap_flag}'), '0 1 1', way)
  }
})

test('a mistake that ends p2p gives the terminal back too, and is told', { skip: noTerminal }, async (t) => {
  const where = house(t)
  const late = "setTimeout(() => { throw new Error('made for a test') }, 4000)"
  const command = [
    process.execPath,
    '--import',
    `data:text/javascript,${late}`,
    program,
    ...where.flags('alice'),
  ]
  await using terminal = await Terminal.open(command, { columns: 80, rows: 24 })
  assert.equal(await terminal.status(), 1)
  assert.match(await terminal.screen(), /Error: made for a test/)
  assert.equal(await terminal.state('#{alternate_on} #{cursor_flag} #{wrap_flag}'), '0 1 1')
})

test('without colours nothing has any, and signs tell what is chosen', { skip: noTerminal }, async (t) => {
  const where = house(t)
  await where.open('bob')
  const alice = await sit(t, where, 'alice', { env: { NO_COLOR: '1' } })
  await alice.shows(/^›●\? +"bob"/m)
  assert.ok(!(await alice.terminal.screen({ colours: true })).includes('\u001B['))
})

test('a screen reader gets plain lines, each once', { skip: noTerminal }, async (t) => {
  const where = house(t)
  const bob = await where.open('bob')
  const alice = await sit(t, where, 'alice', { words: ['--screen-reader'], rows: 50 })
  await alice.shows(/^1 of 1: "bob" [0-9a-f]{8}, unverified, here$/m)
  await alice.press('Enter')
  await alice.shows(/^Talking with "bob" [0-9a-f]{8}, unverified, here\.$/m)
  await alice.press('=lunch?', 'Enter')
  await bob.received('lunch?')
  const me = await alice.shows(/^delivered: lunch\?$/m)
  assert.match(me, /^\d\d:\d\d:\d\d you: lunch\?$/m)
  assert.doesNotMatch(me, /[│●›]/)
  await bob.command('tell 1 at noon')
  const screen = await alice.shows(/"bob": at noon$/m)
  assert.equal(screen.split('you: lunch?').length, 2)
  await alice.press('C-c')
  assert.equal(await alice.terminal.status(), 0)
})

test('the screen works on a node that runs elsewhere, and ends with it', { skip: noTerminal }, async (t) => {
  const where = house(t)
  const bob = await where.open('bob')
  const alice = await where.open('alice')
  await alice.found(bob.id)
  const flags = where.flags('alice').slice(0, 4)
  const terminal = await Terminal.open([process.execPath, program, ...flags], { columns: 80, rows: 24 })
  t.after(() => terminal[Symbol.asyncDispose]())
  await terminal.shows(/●\? +"bob"/)
  await terminal.press('Enter')
  await terminal.shows(/\[encrypted, unverified\]/)
  await terminal.type('hello')
  await terminal.press('Enter')
  await bob.received('hello')
  await terminal.shows(/you +hello +delivered/)
  // What another face of the same node says is on this screen too.
  await alice.command(`tell ${bob.id} from a script`)
  await terminal.shows(/you +from a script/)
  alice.kill('SIGTERM')
  assert.equal(await terminal.status(), 0)
})
