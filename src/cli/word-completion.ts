import { connectNode } from '../control/client.ts'
import { loadConfig } from '../config/load.ts'
import { displayText } from '../face/display-text.ts'
import type { Flags } from './arguments.ts'
import { complete } from './completion.ts'
import { findCommand } from './commands.ts'
import { examples } from './examples.ts'
import { ShellState } from './shell-state.ts'
import { standaloneNames } from './standalone.ts'
import { quoteWord, scanWords } from './words.ts'

const valued = new Set([
  '--config',
  '--data-dir',
  '--port',
  '--name',
  '--policy',
  '--log-level',
  '--wait',
  '--timeout',
])
const flagNames = [...valued, '--json', '--stay', '--help', '--version']
/** What some commands take besides. */
const ownFlags: Readonly<Record<string, readonly string[]>> = {
  share: ['--as', '--to'],
  ls: ['--after'],
  get: ['--to', '--existing'],
  send: ['--as'],
  accept: ['--to', '--existing'],
  history: ['--search', '--before'],
  serve: ['--control-port', '--web'],
  web: ['--code'],
  events: ['--exec'],
  id: ['--qr', '--rotate'],
  doctor: ['--peer'],
  service: ['--user', '--print'],
}
const names = Object.keys(examples)

/**
 * What the last word of a command line may become. Peers and their files are asked of the running node, and of nobody when none runs:
 * a press of Tab starts nothing. Only what a terminal can show as it is comes back (L1).
 */
export async function completeWords(typed: readonly string[], flags: Flags): Promise<readonly string[]> {
  const { words, dataDir } = withoutOptions(typed)
  const current = typed.at(-1) ?? ''
  if (current.startsWith('-'))
    return [...(ownFlags[words[0] ?? ''] ?? []), ...flagNames].filter((name) => name.startsWith(current))
  if (words.length <= 1) return names.filter((name) => name.startsWith(current))
  const offers = await offersFor(words, { ...flags, ...(dataDir !== undefined && { dataDir }) })
  return offers.filter((offer) => displayText(offer) === offer && !offer.includes('\n'))
}

async function offersFor(words: readonly string[], flags: Flags): Promise<readonly string[]> {
  const [name = '', ...rest] = words
  if (name === 'completion')
    return ['bash', 'zsh', 'fish'].filter((shell) => shell.startsWith(rest.at(-1) ?? ''))
  if (name === 'service') return ['install', 'print'].filter((what) => what.startsWith(rest.at(-1) ?? ''))
  if (!standaloneNames.some((one) => one === name)) return []
  const { dataDir } = await loadConfig({ env: process.env, flags })
  const node = await connectNode(dataDir)
  if (node === undefined) return []
  try {
    const isQuoted = findCommand(name).command.words === 'quoted'
    const before = rest.slice(0, -1).map((word) => (isQuoted ? quoteWord(word) : word))
    const line = [name, ...before, openQuote(rest.at(-1) ?? '', isQuoted)].join(' ')
    const [offers] = await complete(new ShellState(node), line)
    return offers.map((offer) => (isQuoted ? (scanWords(offer)[0]?.text ?? '') : offer.trimEnd()))
  } finally {
    await node.close()
  }
}

/** A word that may go on: what ends a quote would end the word. */
function openQuote(word: string, isQuoted: boolean): string {
  const quoted = isQuoted && word !== '' ? quoteWord(word) : word
  return quoted === word ? word : quoted.slice(0, -1)
}

/** The command and its words, without the options that any command may have. */
function withoutOptions(typed: readonly string[]): {
  readonly words: readonly string[]
  readonly dataDir: string | undefined
} {
  const words: string[] = []
  let dataDir: string | undefined
  for (let index = 0; index < typed.length; index++) {
    const word = typed[index] ?? ''
    if (index < typed.length - 1 && valued.has(word)) {
      index++
      if (word === '--data-dir') dataDir = typed[index]
    } else if (index === typed.length - 1 || !flagNames.includes(word)) words.push(word)
  }
  return { words, dataDir }
}
