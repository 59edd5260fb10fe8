/** The prompt, at a real terminal. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openPeer, type PeerProcess } from '../lab/peer.ts'
import { loopbackConfig } from './pair.ts'
import { noTerminal, Terminal, type TerminalOptions } from './terminal.ts'

const program = join(import.meta.dirname, '../../src/cli/main.ts')

interface Setup {
  /** Somebody to talk with, driven by JSON. */
  readonly peer: PeerProcess
  readonly dataDir: string
  readonly open: (options?: TerminalOptions, args?: readonly string[]) => Promise<Terminal>
}

async function setUp(t: TestContext): Promise<Setup> {
  const config = loopbackConfig()
  const dataDir = mkdtempSync(join(tmpdir(), 'p2p-shell-'))
  writeFileSync(join(dataDir, 'config.yaml'), config)
  const peer = await openPeer({ config, stay: true, args: ['--port', '0', '--name', 'kitchen'] })
  const opened: Terminal[] = []
  t.after(async () => {
    for (const terminal of opened) await terminal[Symbol.asyncDispose]()
    await peer[Symbol.asyncDispose]()
    rmSync(dataDir, { recursive: true, force: true })
  })
  return {
    peer,
    dataDir,
    async open(options, args = []) {
      const own = [process.execPath, program, 'shell', '--data-dir', dataDir, '--port', '0', '--name', 'desk']
      const terminal = await Terminal.open([...own, ...args], options)
      opened.push(terminal)
      return terminal
    },
  }
}

/** The lines of a screen that begin with the prompt. */
function promptOf(screen: string): string {
  return screen.split('\n').at(-1) ?? ''
}

test('a new user sees who he is, who comes, and how to get help', { skip: noTerminal }, async (t) => {
  const { peer, open } = await setUp(t)
  const terminal = await open({ rows: 60 })
  const screen = await terminal.shows(/\+ "kitchen"/)
  assert.match(screen, /^p2p \d+\.\d+\.\d+ {2}"desk" [0-9a-f]{8} {2}.*port \d+$/m)
  assert.match(screen, /Type help for the commands/)
  assert.equal(promptOf(screen), 'p2p>')
  await terminal.type('help')
  await terminal.press('Enter')
  await terminal.shows(/open <peer> +Talk with somebody/)
  await terminal.type('help connect')
  await terminal.press('Enter')
  await terminal.shows(/^Uses the open session .* a peer is named by its\nalias, any beginning of its ID/m)
  peer.kill('SIGTERM')
  await terminal.shows(/- "kitchen" [0-9a-f]{8} unverified is gone/)
  await terminal.type('quit')
  await terminal.press('Enter')
  assert.equal(await terminal.status(), 0)
})

test('a message that cannot be accepted is said to be not sent', { skip: noTerminal }, async (t) => {
  const { peer, open } = await setUp(t)
  const terminal = await open()
  await terminal.shows(/\+ "kitchen"/)
  for (const line of ['policy trusted', `open ${peer.id}`, 'anybody?']) {
    await terminal.type(line)
    await terminal.press('Enter')
  }
  await terminal.shows(/^Not sent: .*\bpolicy\b/m)
})

test(
  'a message to who has left waits, is told to be delivered late, and leaves no other noise',
  { skip: noTerminal },
  async (t) => {
    const { peer, open } = await setUp(t)
    const terminal = await open()
    await terminal.shows(/\+ "kitchen"/)
    for (const line of ['alias 1 alice', 'open alice', 'are you there?']) {
      await terminal.type(line)
      await terminal.press('Enter')
      if (line.startsWith('open')) await terminal.shows(/Talking with.*\n(.*\n)*[^\n]*>$/)
    }
    await peer.received('are you there?')
    await terminal.shows(
      /^alice unverified \[encrypted\]> are you there\?\nalice unverified \[encrypted\]>$/m,
    )
    peer.kill('SIGTERM')
    await terminal.shows(
      /The session with alice unverified has ended \(peer is leaving\)\.\n.*\n(?:Nobody here yet\.\n)?[^\n]*away\]>$/,
    )
    await terminal.type('lunch?')
    await terminal.press('Enter')
    await terminal.press('C-d')
    await terminal.shows(/^Left\./m)
    await terminal.type('outbox')
    await terminal.press('Enter')
    await terminal.shows(/^1 {2}alice unverified {2}lunch\? {3}\d\d:\d\d:\d\d {2}not here$/m)
    // What arrives at once is no news; this one has waited.
    await delay(2_100)
    const back = await openPeer({ args: argsOf(peer), stay: true })
    t.after(() => back[Symbol.asyncDispose]())
    await back.received('lunch?')
    const screen = await terminal.shows(
      /^\+ alice unverified is here\ndelivered to alice unverified: lunch\?$/m,
    )
    assert.doesNotMatch(screen, /is gone|is away/)
    for (const line of ['history alice', 'exit']) {
      await terminal.type(line)
      await terminal.press('Enter')
    }
    await terminal.shows(/^\d\d:\d\d:\d\d to alice unverified: lunch\? \(delivered\)$/m)
    assert.equal(await terminal.status(), 0)
  },
)

test('whoever leaves is told what still waits', { skip: noTerminal }, async (t) => {
  const { open } = await setUp(t)
  for (const [words, count] of [
    ['exit', '1 message waits'],
    ['', '2 messages wait'],
  ] as const) {
    const terminal = await open()
    await terminal.shows(/p2p>$/)
    await terminal.type('tell 7c21ab90-0000-8000-8000-000000000001 are you there?')
    await terminal.press('Enter')
    await terminal.shows(/^Waits for 7c21ab90 unverified \(not here\): .*\n(.*\n)*p2p>$/m)
    await terminal.type(words)
    await terminal.press(words === '' ? 'C-d' : 'Enter')
    await terminal.shows(new RegExp(`^${count} to be delivered when p2p runs again\\.$`, 'm'))
    assert.equal(await terminal.status(), 0)
  }
})

test('who types is seen typing, until he stops', { skip: noTerminal }, async (t) => {
  const { peer, dataDir, open } = await setUp(t)
  const terminal = await open()
  await terminal.shows(/\+ "kitchen"/)
  const desk = await peer.event('peer:found').then((line) => line['peer'] as { id: string })
  await peer.command(`connect ${desk.id}`)
  await terminal.type(`open ${peer.id}`)
  await terminal.press('Enter')
  await terminal.shows(/\[encrypted\]>/)
  await terminal.type('half a li')
  await peer.event('typing', ({ typing }) => typing === true)
  await terminal.press('C-u')
  await peer.event('typing', ({ typing }) => typing === false)
  const since = peer.mark
  await terminal.type('/quit')
  await terminal.press('Enter')
  await terminal.shows(/^Left\..*\np2p>$/m)
  assert.ok(peer.lines.slice(since).every(({ type }) => type !== 'typing'))

  peer.kill('SIGTERM')
  const other = join(dataDir, 'other')
  const typist = await open({}, [
    '--data-dir',
    other,
    '--config',
    join(dataDir, 'config.yaml'),
    '--name',
    'typist',
  ])
  await terminal.shows(/^\+ "typist"/m)
  await typist.shows(/^\+ "desk"/m)
  await terminal.type('half a li')
  await typist.type(`connect ${desk.id}`)
  await typist.press('Enter')
  await typist.shows(/Talking with/)
  const [, short = ''] = /"typist" ([0-9a-f]{8}) unverified opened/.exec(await terminal.shows(/opened/)) ?? []
  await terminal.press('C-u')
  await terminal.type(`open ${short}`)
  await terminal.press('Enter')
  await terminal.type('half a li')
  await typist.type('ha')
  await terminal.shows(/"typist" [0-9a-f]{8} unverified \[encrypted, typing …\]> half a li$/m)
  await typist.shows(/"desk" [0-9a-f]{8} unverified \[encrypted, typing …\]> ha$/m)
  await typist.press('Enter')
  await terminal.shows(
    /"typist" [0-9a-f]{8} unverified: ha\n"typist" [0-9a-f]{8} unverified \[encrypted\]> half a li$/m,
  )
})

/** What a command was told, but for its wish to stay and to speak JSON. */
function argsOf({ child, dataDir }: PeerProcess): readonly string[] {
  const { spawnargs } = child
  return [...spawnargs.slice(spawnargs.indexOf('--port')), '--data-dir', dataDir]
}

test('alone, one is told so', { skip: noTerminal }, async (t) => {
  const { peer, open } = await setUp(t)
  peer.kill()
  await peer.ended
  const terminal = await open()
  await terminal.shows(/^Nobody here yet\.$/m)
})

test(
  'a message never breaks the line being typed, on one row or on several',
  { skip: noTerminal },
  async (t) => {
    const { peer, open } = await setUp(t)
    const terminal = await open()
    await terminal.shows(/\+ "kitchen"/)
    await terminal.type('peers')
    await terminal.press('Enter')
    await terminal.shows(/1 {2}[0-9a-f]{8} {2}"kitchen"/)
    await terminal.type('connect 1')
    await terminal.press('Enter')
    await terminal.shows(/Talking with "kitchen"/)
    const { id } = await peer.event('session:opened').then((line) => line['session'] as { id: string })
    await peer.command(`attach ${id}`)

    const long = `${'many words that fill more than one row of it '.repeat(4)}li`
    // A correction makes readline draw the text again, which a paste alone does not: it counts rows differently then.
    for (const [words, corrected] of [
      ['half a li', false],
      [long, false],
      [long, true],
    ] as const) {
      await terminal.type(words)
      if (corrected) {
        await terminal.press('Left', 'x')
        await terminal.shows(/lxi$/)
        await terminal.press('BSpace', 'Right')
      }
      const before = await terminal.shows(new RegExp(`${words.slice(-4)}$`))
      const mark = peer.mark
      await peer.command(`hello after ${mark}`)
      const after = await terminal.shows(
        new RegExp(`"kitchen" [0-9a-f]{8} unverified: hello after ${mark}\n`),
      )
      assert.deepEqual(rowsFrom(after, '> '), rowsFrom(before, '> '))
      assert.equal(after.split('\n').length, before.split('\n').length + 1)
      await terminal.type('ne')
      await terminal.press('Enter')
      await peer.received(`${words}ne`, { since: mark })
    }
  },
)

/** The rows from the last prompt on: what is being typed. */
function rowsFrom(screen: string, mark: string): readonly string[] {
  const rows = screen.split('\n')
  return rows.slice(rows.findLastIndex((row) => row.includes(mark)))
}

test('Tab completes commands and IDs', { skip: noTerminal }, async (t) => {
  const { peer, open } = await setUp(t)
  const terminal = await open()
  await terminal.shows(/\+ "kitchen"/)
  await terminal.type('conn')
  // What comes in one piece counts as pasted, where a Tab is a character like others.
  await terminal.shows(/p2p> conn$/)
  await terminal.press('Tab')
  await terminal.shows(/p2p> connect\s*$/)
  await terminal.press('Tab')
  await terminal.shows(new RegExp(`p2p> connect ${peer.id}$`))
  await terminal.press('Enter')
  await terminal.shows(/Talking with/)
})

test(
  'Ctrl-C in a session tells how to leave, and Ctrl-D takes one step out',
  { skip: noTerminal },
  async (t) => {
    const { peer, open } = await setUp(t)
    const terminal = await open()
    await terminal.shows(/\+ "kitchen"/)
    await terminal.type(`connect ${peer.id}`)
    await terminal.press('Enter')
    await terminal.shows(/Talking with/)
    await terminal.press('C-c')
    await terminal.shows(/\/quit or Ctrl-D leaves this session/)
    await terminal.press('C-d')
    assert.equal(promptOf(await terminal.shows(/stays open\./)), 'p2p>')
    await terminal.type('sessions')
    await terminal.press('Enter')
    await terminal.shows(/"kitchen" [0-9a-f]{8} unverified +encrypted .* us /)
    await terminal.press('C-d')
    assert.equal(await terminal.status(), 0)
    const closed = await peer.event('session:closed')
    assert.equal(closed['code'], 1000)
  },
)

test('Ctrl-C at the prompt ends it in good order', { skip: noTerminal }, async (t) => {
  const { peer, open } = await setUp(t)
  const terminal = await open()
  await terminal.shows(/\+ "kitchen"/)
  await terminal.type('half a command')
  await terminal.press('C-c')
  assert.equal(await terminal.status(), 0)
  await peer.event('peer:lost')
})

test('Ctrl-C gives up a command that takes long', { skip: noTerminal }, async (t) => {
  const { open } = await setUp(t)
  const terminal = await open()
  await terminal.shows(/\+ "kitchen"/)
  const silent = createSocket('udp4')
  t.after(() => silent.close())
  await new Promise<void>((resolve) => silent.bind(0, '127.0.0.1', resolve))
  const heard = once(silent, 'message')
  await terminal.type(`emit 127.0.0.1:${silent.address().port}`)
  await terminal.press('Enter')
  await heard
  await terminal.press('C-c')
  await terminal.shows(/Given up\./)
  await terminal.type('peers')
  await terminal.press('Enter')
  await terminal.shows(/1 {2}[0-9a-f]{8}/)
})

test(
  'what arrives while nobody looks is told at once and shown when it is opened',
  { skip: noTerminal },
  async (t) => {
    const { peer, open } = await setUp(t)
    const terminal = await open()
    await terminal.shows(/\+ "kitchen"/)
    const found = await peer.event('peer:found')
    await peer.command(`connect ${(found['peer'] as { id: string }).id}`)
    await peer.command('are you there?')
    const screen = await terminal.shows(
      /"kitchen" [0-9a-f]{8} unverified says: are you there\? \(open [0-9a-f]{8}\)/,
    )
    const [, short = ''] = /says: .*\(open ([0-9a-f]+)\)/.exec(screen) ?? []
    await terminal.type(`open ${short}`)
    await terminal.press('Enter')
    await terminal.shows(
      /^Encrypted, but not verified[^\n]*\n[^\n]*verify [0-9a-f]{8}[^\n]*\n\d\d:\d\d:\d\d "kitchen" [0-9a-f]{8} unverified: are you there\?\n/m,
    )
  },
)

test('commands are remembered across runs, and messages are not', { skip: noTerminal }, async (t) => {
  const { peer, open } = await setUp(t)
  const first = await open()
  await first.shows(/\+ "kitchen"/)
  for (const line of [`connect ${peer.id}`, 'a secret', '/quit', 'list sessions', 'exit']) {
    await first.type(line)
    await first.press('Enter')
    if (line.startsWith('connect')) await first.shows(/Talking with/)
  }
  assert.equal(await first.status(), 0)
  const second = await open()
  await second.shows(/p2p>$/)
  await second.press('Up', 'Up')
  await second.shows(/p2p> list sessions$/)
  await second.press('Up')
  await second.shows(new RegExp(`p2p> connect ${peer.id}$`))
})

test(
  'colours are for terminals that have them, and for people who want them',
  { skip: noTerminal },
  async (t) => {
    const { open } = await setUp(t)
    for (const [env, coloured] of [
      [{ TERM: 'xterm-256color' }, true],
      [{ TERM: 'xterm-256color', NO_COLOR: '1' }, false],
      [{ TERM: 'dumb' }, false],
    ] as const) {
      const terminal = await open({ env })
      assert.doesNotMatch(await terminal.shows(/^\+ "kitchen"/m), /p2p> p2p>/)
      assert.equal(
        (await terminal.screen({ colours: true })).includes('\x1b['),
        coloured,
        JSON.stringify(env),
      )
      await terminal.type('exit')
      await terminal.press('Enter')
      assert.equal(await terminal.status(), 0)
    }
  },
)

test(
  'verify shows the code large, asks without a default, and the prompt tells the rest',
  { skip: noTerminal },
  async (t) => {
    const { peer, open } = await setUp(t)
    const terminal = await open()
    await terminal.shows(/\+ "kitchen"/)
    await terminal.type('verify 1')
    await terminal.press('Enter')
    const asked = await peer.event('verify:code')
    const screen = await terminal.shows(/^Does the other screen show the same\? yes\/no$/m)
    assert.match(screen, new RegExp(`^\\s*\\n    ${String(asked['code'])}\\n\\s*$`, 'm'))
    for (const unsure of ['', 'y', 'list peers']) {
      await terminal.type(unsure)
      await terminal.press('Enter')
    }
    await terminal.shows(/whoever is not sure types no\.[^]*whoever is not sure types no\.[^]*yes\/no$/)
    await peer.command(`verify ${String(asked['peerId'])} yes`)
    assert.ok(peer.lines.every(({ type }) => type !== 'verify:done'))
    await terminal.type('yes')
    await terminal.press('Enter')
    await terminal.shows(/You have made sure who this is: "kitchen" [0-9a-f]{8} verified\.\n(.*\n)*p2p>$/)
    for (const line of ['alias 1 alice', 'connect alice']) {
      await terminal.type(line)
      await terminal.press('Enter')
    }
    await terminal.shows(/Encrypted and verified\.\nalice \[verified\]>$/)
  },
)

test('a person who is asked from outside sees the code and what to type', { skip: noTerminal }, async (t) => {
  const { peer, open } = await setUp(t)
  const terminal = await open()
  await terminal.shows(/\+ "kitchen"/)
  const found = await peer.event('peer:found')
  await terminal.type('half a li')
  peer.write(`verify ${(found['peer'] as { id: string }).id}`)
  const { code } = await peer.event('verify:code')
  const screen = await terminal.shows(/wants to verify/)
  const [, typed = ''] = /Then type "(verify [0-9a-f]{8}) yes", or no/.exec(screen) ?? []
  assert.ok(screen.includes(String(code)), screen)
  assert.equal(promptOf(screen), 'p2p> half a li')
  await terminal.press('C-u')
  await terminal.type(typed)
  await terminal.press('Enter')
  await terminal.shows(/yes\/no$/)
  await terminal.press('C-c')
  const done = await peer.event('verify:done')
  assert.equal(done['ok'], false)
  await terminal.shows(/NOT VERIFIED: "kitchen" [0-9a-f]{8}[^]*p2p>$/)
})

test(
  'L1, L2: what strangers write cannot clear the screen, move the cursor or type for us',
  { skip: noTerminal },
  async (t) => {
    const { peer, open } = await setUp(t)
    const terminal = await open()
    await terminal.shows(/\+ "kitchen"/)
    const found = await peer.event('peer:found')
    await peer.command(`connect ${(found['peer'] as { id: string }).id}`)
    await terminal.type('half a li')
    for (const text of [
      '\x1b[2J\x1b[H',
      '\u009b2J',
      '\rp2p> exit',
      `${'\b'.repeat(80)}over`,
      '\x1b[201~exit\x1b[6n',
    ]) {
      await peer.command(text)
    }
    await peer.command('last')
    const screen = await terminal.shows(/says: last/)
    assert.match(screen, /^p2p \d/)
    assert.match(screen, /says: ␛\[2J␛\[H /)
    assert.match(screen, /says: <U\+009B>2J /)
    assert.match(screen, /says: ␍p2p> exit /)
    assert.equal(promptOf(screen), 'p2p> half a li')
  },
)

test(
  'L1 twin: the terminal of these tests obeys such text when it comes unescaped',
  { skip: noTerminal },
  async () => {
    const script = String.raw`printf 'first\n'; sleep 0.2; printf '\033[2J\033[Hsecond\n'; sleep 9`
    await using terminal = await Terminal.open(['sh', '-c', script])
    const screen = await terminal.shows(/second/)
    assert.doesNotMatch(screen, /first/)
  },
)
