/**
 * What each command says, to people and to programs, as real nodes on two hosts say it. The transcripts are in golden/. After a change that is meant,
 * `P2P_GOLDEN=write npm test -- cli/golden` writes them again; look at the difference as a user would. Every line of JSON is checked against
 * docs/command-output.schema.json.
 */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseArguments } from '../../src/cli/arguments.ts'
import { examples } from '../../src/cli/examples.ts'
import { labUnavailable } from '../lab/lab.ts'
import { complaintsAboutDiagnosis } from './diagnosis-schema.ts'
import { openGoldenHouse, type GoldenHouse, type RunOptions } from './golden-house.ts'
import { live, type Seen } from './golden-life.ts'
import { complaintsAboutOutput } from './output-schema.ts'
import { complaints } from './schema.ts'
import type { Line } from '../lab/json-process.ts'

const folder = join(import.meta.dirname, 'golden')
const isWriting = process.env['P2P_GOLDEN'] === 'write'
/** The page has to be built for `p2p web`, which has tests of its own. */
const names = Object.keys(examples)
  .filter((name) => name !== 'web')
  .toSorted()

/** Commands whose JSON is described elsewhere. */
const others: Readonly<Record<string, (line: Line) => readonly string[]>> = {
  serve: complaints,
  events: complaints,
  shell: complaints,
  doctor: complaintsAboutDiagnosis,
}

/** Transcripts by the name of their command. */
class Transcripts implements Seen {
  readonly house: GoldenHouse
  readonly #texts = new Map<string, string>()

  constructor(house: GoldenHouse) {
    this.house = house
  }

  see = async (name: string, line: string, options: RunOptions = {}): Promise<void> => {
    const told = await this.#run(name, line, options)
    this.#texts.set(name, `${this.#texts.get(name) ?? ''}\n${told}\n`)
  }

  both = async (name: string, line: string, options: RunOptions = {}): Promise<void> => {
    const told = await Promise.all([line, `${line} --json`].map((one) => this.#run(name, one, options)))
    this.#texts.set(name, `${this.#texts.get(name) ?? ''}\n${told.join('\n\n')}\n`)
  }

  twice = async (name: string, line: string, options: RunOptions = {}): Promise<void> => {
    await this.see(name, line, options)
    await this.see(name, `${line} --json`, options)
  }

  async #run(name: string, line: string, options: RunOptions): Promise<string> {
    const { status, out, err } = await this.house.run(line, options)
    const told = [
      `${options.person === 'kitchen' ? 'kitchen' : ''}$ ${line}`,
      shown(name, out),
      err.trimEnd().replaceAll(/^(?=.)/gm, 'stderr: '),
      status === 0 ? '' : `exit status ${status}`,
    ]
    return told.filter((part) => part !== '').join('\n')
  }

  /** With the help of the command before everything else. */
  async text(name: string): Promise<string> {
    const wish = await parseArguments([name, '--help'])
    const help = wish.kind === 'text' ? wish.text : ''
    return `$ p2p ${name} --help\n${help}${this.house.normalised(this.#texts.get(name) ?? '')}`
  }
}

/** JSON is checked, and laid out for eyes. */
function shown(name: string, out: string): string {
  return out
    .trimEnd()
    .split('\n')
    .map((text) => {
      if (!text.startsWith('{')) return text
      const line = JSON.parse(text) as Line
      assert.deepEqual((others[name] ?? complaintsAboutOutput)(line), [], text)
      return JSON.stringify(line, undefined, 2)
    })
    .join('\n')
}

test(
  'every command says what its golden transcript says, and its JSON is as the schema says',
  { skip: labUnavailable(), timeout: 600_000 },
  async () => {
    await using house = await openGoldenHouse()
    const transcripts = new Transcripts(house)
    await live(transcripts)
    if (isWriting) rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const differing: { readonly name: string; readonly text: string }[] = []
    for (const name of names) {
      const text = await transcripts.text(name)
      const file = join(folder, `${name}.txt`)
      if (isWriting) writeFileSync(file, text)
      else if (text !== readFileSync(file, 'utf8')) differing.push({ name, text })
    }
    assert.deepEqual(
      differing.map(({ name }) => name),
      [],
      `other than in ${folder}:\n${differing.map(({ text }) => text).join('\n')}`,
    )
  },
)

test('every command has a transcript, for people and for programs, and no transcript is of no command', () => {
  assert.deepEqual(readdirSync(folder).toSorted(), names.map((name) => `${name}.txt`).toSorted())
  for (const name of names) {
    const text = readFileSync(join(folder, `${name}.txt`), 'utf8')
    assert.match(text, new RegExp(`^\\$ p2p ${name} --help\\n`))
    assert.match(text, new RegExp(`^(?:kitchen)?\\$ .*p2p ${name}\\b(?!.*--(?:json|help)).*$`, 'm'), name)
    // These print a text, whoever asks.
    if (name === 'man' || name === 'completion') continue
    assert.match(text, new RegExp(`^(?:kitchen)?\\$ .*p2p ${name}\\b.* --json`, 'm'), name)
  }
})
