/**
 * The house of the golden transcripts: two hosts of a lab, each with a home folder, a key that never changes and a node that serves, so that IDs,
 * addresses, ports and safety numbers are the same in every run. What still varies is named in {@link normalised}.
 */
import { createHash, createPrivateKey } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { KeyPair } from '../../src/identity/key-pair.ts'
import { formatKeyText } from '../../src/identity/key-text.ts'
import { version } from '../../src/cli/version.ts'
import { openLab, type Lab } from '../lab/lab.ts'
import { compileCache } from './homes.ts'

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const people = ['desk', 'kitchen'] as const

export type Person = (typeof people)[number]

/** How a command ended. */
export interface Ended {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

/** What a command is given besides its words. */
export interface RunOptions {
  readonly person?: Person
  readonly input?: string
}

export class GoldenHouse implements AsyncDisposable {
  readonly #lab: Lab
  readonly #folder: string

  constructor(lab: Lab, folder: string) {
    this.#lab = lab
    this.#folder = folder
  }

  /** A path in the home of somebody. */
  home(person: Person, name = ''): string {
    return join(this.#folder, person, name)
  }

  keyOf(person: Person): KeyPair {
    const seed = createHash('sha256').update(`golden ${person}`).digest()
    // PKCS#8 of Ed25519 is this, and the seed.
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
    return new KeyPair(createPrivateKey({ key: der, type: 'pkcs8', format: 'der' }))
  }

  /** Starts a line of a shell, as its person would type it. */
  start(line: string, { person = 'desk' }: RunOptions = {}): ChildProcessWithoutNullStreams {
    const host = this.#lab.host(people.indexOf(person))
    return host.spawn(['bash', '-c', line], { env: this.#environment(person), cwd: this.home(person) })
  }

  async run(line: string, options: RunOptions = {}): Promise<Ended> {
    const child = this.start(line, options)
    child.stdin.end(options.input ?? '')
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    const [out, err, status] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    return { status, out, err }
  }

  /** @throws when it fails */
  async must(line: string, options: RunOptions = {}): Promise<string> {
    const { status, out, err } = await this.run(line, options)
    if (status !== 0) throw new Error(`${line}: ${status}\n${out}${err}`)
    return out
  }

  /** Repeats a line until it prints what is waited for. */
  async until(line: string, wanted: RegExp, options: RunOptions = {}): Promise<void> {
    for (let tries = 0; ; tries++) {
      const out = await this.must(line, options)
      if (wanted.test(out)) return
      if (tries > 25) throw new Error(`${line} never printed ${wanted}, but ${out}`)
    }
  }

  /** Starts `p2p serve`, and resolves when it says that it can be used. */
  async serve(person: Person): Promise<ChildProcessWithoutNullStreams> {
    const child = this.start(`exec p2p --name ${person} serve`, { person })
    let told = ''
    for await (const piece of child.stdout) {
      told += String(piece)
      if (told.includes('\n')) return child
    }
    throw new Error(`p2p serve of ${person} ended: ${told}`)
  }

  /** A text of a run as every run has it. */
  normalised(run: string): string {
    const places = run
      .replaceAll(this.#folder, '/home')
      .replaceAll(process.execPath, '/usr/bin/node')
      .replaceAll(program, '/usr/lib/p2p/main.ts')
    return normalised(places)
  }

  prepare(): void {
    const command = join(this.#folder, 'bin', 'p2p')
    mkdirSync(join(command, '..'))
    writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`)
    chmodSync(command, 0o755)
    for (const person of people) {
      const dataDir = this.home(person, '.config/p2p')
      mkdirSync(dataDir, { recursive: true, mode: 0o700 })
      writeFileSync(join(dataDir, 'identity.pem'), formatKeyText(this.keyOf(person)), { mode: 0o600 })
      writeFileSync(join(dataDir, 'config.yaml'), 'explorer:\n  period: 1s\n')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lab[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #environment(person: Person): NodeJS.ProcessEnv {
    const path = `${join(this.#folder, 'bin')}:${process.env['PATH']}`
    return { ...compileCache, PATH: path, HOME: this.home(person), TZ: 'UTC', LANG: 'C.UTF-8', NO_COLOR: '1' }
  }
}

export async function openGoldenHouse(): Promise<GoldenHouse> {
  const house = new GoldenHouse(await openLab({ hosts: 2 }), mkdtempSync(join(tmpdir(), 'p2p-golden-')))
  house.prepare()
  return house
}

/** What is another in each run, and what stands for it; as wide as what it replaces, where tables depend on it. */
const varying: readonly (readonly [RegExp, string])[] = [
  [
    /(?: \([\d,]+ files?, [\d.]+ [kMG]?B\))? is shared( from now on)?, and seen by ([\w ]+)(?:; hashing, \d+ %)?\./g,
    ' is shared$1, and seen by $2.',
  ],
  [/"(files|totalBytes|unhashedFiles|unhashedBytes)": \d+(?=[,\n](?:(?!\})[^])*"problem")/g, '"$1": <count>'],
  [/"bytes": \d+/g, '"bytes": <bytes>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>'],
  [/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b/g, 'yyyy-mm-dd hh:mm:ss'],
  [/\b\d{4}-\d\d-\d\d \d\d:\d\d\b/g, 'yyyy-mm-dd hh:mm'],
  [/\b\d\d:\d\d:\d\d\b/g, 'hh:mm:ss'],
  [/messages-\d{4}-\d\d-\d\d/g, 'messages-yyyy-mm-dd'],
  [/"modifiedAtMs": [\d.]+/g, '"modifiedAtMs": <time>'],
  [/"bytesPerSecond": [\d.]+/g, '"bytesPerSecond": <speed>'],
  // Told only of what took a while.
  [/ in [\d.:]+ (?:s|min) \([\d.]+ [kMG]?B\/s\), verified/g, ', verified'],
  [/p2p:v1:([0-9a-f-]{36}):([\w-]{43}):[\w-]+/g, 'p2p:v1:$1:$2:<secret>'],
  [/(^|"code": ")(    )?\d{4} \d{4}$/gm, '$1$2<digits>'],
  [/"code": "\d{4} \d{4}"/g, '"code": "<digits>"'],
  [/(?:^ *[█▀▄ ]{20,}\n?)+/gm, '<QR code>\n'],
  [new RegExp(`\\b${version().replaceAll('.', '\\.')}\\b`, 'g'), '<version>'],
]

/** Names that are drawn by lot get the number of their first appearance. */
const drawn = /\b(?:[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})\b/g

function normalised(run: string): string {
  const seen: string[] = []
  const numbered = run.replaceAll(drawn, (id) => {
    if (!seen.includes(id)) seen.push(id)
    return `<id ${seen.indexOf(id) + 1}>`
  })
  return varying.reduce((whole, [pattern, shown]) => whole.replace(pattern, shown), numbered)
}
