import { policies } from '../index.ts'
import type { Command } from './command.ts'
import { commands } from './commands.ts'
import type { ShellState } from './shell-state.ts'
import { aliasesOf } from './targets.ts'

/** What Tab offers, and the part of the line that it would replace. */
export type Completion = [offers: string[], replaced: string]

/** What Tab offers for a line: commands, then whatever the command takes. */
export function complete(state: ShellState, line: string): Completion {
  if (state.attached !== undefined)
    return [['/quit', '/help'].filter((word) => line !== '' && word.startsWith(line)), line]
  const typed = line.trimStart()
  for (const command of commands) {
    const name = namesOf(command).find((candidate) => typed.startsWith(`${candidate} `))
    if (name === undefined) continue
    const argument = typed.slice(name.length + 1).trimStart()
    const lower = argument.toLowerCase()
    return [offersFor(command, state).filter((offer) => offer.toLowerCase().startsWith(lower)), argument]
  }
  return [commands.filter(({ name }) => name.startsWith(typed)).map(withSpace), typed]
}

function offersFor({ completes }: Command, { node }: ShellState): readonly string[] {
  if (completes === 'peer') return [...aliasesOf(node).keys(), ...node.peers.list().map(({ id }) => id)]
  if (completes === 'session') return node.sessions.list().map(({ id }) => id)
  if (completes === 'policy') return policies
  return completes === 'command' ? commands.map(({ name }) => name) : []
}

function namesOf({ name, aliases = [] }: Command): readonly string[] {
  return [name, ...aliases]
}

function withSpace({ name, argument }: Command): string {
  return argument === 'none' ? name : `${name} `
}
