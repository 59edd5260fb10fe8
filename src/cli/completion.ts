import { policies } from '../index.ts'
import type { Command, Completes } from './command.ts'
import { commands } from './commands.ts'
import { localPaths } from '../face/local-paths.ts'
import { peerPaths } from './path-completion.ts'
import type { ShellState } from './shell-state.ts'
import { aliasesOf } from './names.ts'
import { quoteWord, scanWords, type Word } from './words.ts'

/** What Tab offers, and the part of the line that it would replace. */
export type Completion = [offers: string[], replaced: string]

/** What Tab offers for a line: commands, then whatever the command takes. Names of remote files are asked for. */
export async function complete(state: ShellState, line: string): Promise<Completion> {
  if (state.attached !== undefined)
    return [['/quit', '/help'].filter((word) => line !== '' && word.startsWith(line)), line]
  const typed = line.trimStart()
  for (const command of commands) {
    const name = namesOf(command).find((candidate) => typed.startsWith(`${candidate} `))
    if (name === undefined) continue
    const argument = typed.slice(name.length + 1).trimStart()
    if (command.words === 'quoted') return await completeWord(command, state, argument)
    const [kind] = kindsOf(command)
    return [beginningWith(await offersFor(kind, state, argument), argument), argument]
  }
  return [commands.filter(({ name }) => name.startsWith(typed)).map(withSpace), typed]
}

/** Only the last of several words is completed, in the quote that it has begun. */
async function completeWord(command: Command, state: ShellState, argument: string): Promise<Completion> {
  const words = scanWords(argument)
  const last = /(?:^|\s)$/.test(argument) && words.at(-1)?.quote !== "'" ? undefined : words.at(-1)
  const word: Word = last ?? { text: '', start: argument.length, quote: '' }
  const before = words.filter(({ start }) => start < word.start)
  const kinds = kindsOf(command)
  const option = before.at(-1)?.text
  const kind =
    option === '--to' && command.name !== 'share'
      ? 'local-path'
      : kinds[Math.min(before.length, kinds.length - 1)]
  const offers = beginningWith(await offersFor(kind, state, word.text), word.text)
  return [offers.map((offer) => typedAs(offer, word.quote)), argument.slice(word.start)]
}

/** A text as it has to be typed, in the quote that was begun; the quote of a folder stays open, as its path may go on. */
function typedAs(text: string, quote: Word['quote']): string {
  const quoted =
    quote === '' || text.includes(quote) || text.includes('\\') ? quoteWord(text) : quote + text + quote
  return quoted !== text && /[/:]$/.test(text) ? quoted.slice(0, -1) : quoted
}

function beginningWith(offers: readonly string[], typed: string): string[] {
  const lower = typed.toLowerCase()
  return offers.filter((offer) => offer.toLowerCase().startsWith(lower))
}

async function offersFor(
  kind: Completes | undefined,
  state: ShellState,
  typed: string,
): Promise<readonly string[]> {
  const { node } = state
  switch (kind) {
    case 'peer':
      return peerNames(state)
    case 'peer-path':
      return typed.includes(':') ? await peerPaths(state, typed) : peerNames(state).map((name) => `${name}:`)
    case 'local-path':
      return await localPaths(typed)
    case 'session':
      return node.sessions.list().map(({ id }) => id)
    case 'policy':
      return policies
    case 'command':
      return commands.map(({ name }) => name)
    case 'share':
      return node.files.shares().map(({ name }) => name)
    case 'offer':
      return node.files.offers().map(({ id }) => id)
    case 'transfer':
      return node.files.transfers().map(({ id }) => id)
    case 'limit':
      return ['download ', 'upload ', 'peer ', 'active ']
    case undefined:
      return []
  }
}

function peerNames({ node }: ShellState): readonly string[] {
  return [...aliasesOf(node).keys(), ...node.peers.list().map(({ id }) => id)]
}

function kindsOf({ completes }: Command): readonly Completes[] {
  return completes === undefined || typeof completes === 'string' ? [completes ?? []].flat() : completes
}

function namesOf({ name, aliases = [] }: Command): readonly string[] {
  return [name, ...aliases]
}

function withSpace({ name, argument }: Command): string {
  return argument === 'none' ? name : `${name} `
}
