import { errorTable, isP2PError, messageOf, P2PError } from '../index.ts'
import type { Command, CommandContext, Outcome } from './command.ts'
import { commands, findCommand } from './commands.ts'
import type { Attached } from './shell-state.ts'
import { leave, say } from './talk.ts'

/** Runs one line: a command, or, in a session, a message. @throws what the command throws */
export async function runLine(context: CommandContext, line: string): Promise<Outcome> {
  const { attached } = context.state
  if (attached !== undefined) return await runTalkLine(context, attached, line)
  const { command, argument } = parseCommand(line)
  return await command.run(context, argument)
}

/** In a talk every line is a message, as in the reference; only these two words are not. */
async function runTalkLine(
  context: CommandContext,
  { peerId, session }: Attached,
  line: string,
): Promise<Outcome> {
  switch (line.trim()) {
    case '/quit':
      return leave(context, peerId, session)
    case '/help':
      return {
        lines: ['Every line is sent as a message. /quit or Ctrl-D leaves the talk; a session stays open.'],
      }
    default: {
      const said = await say(context, peerId, line)
      return isCommandAlone(line) ? { ...said, lines: [...(said.lines ?? []), sentAnyway(line)] } : said
    }
  }
}

/** Whether a person who typed this may have meant a command: it is nothing but the name of one. */
function isCommandAlone(line: string): boolean {
  const words = line.trim().replaceAll(/\s+/g, ' ')
  return commands.some(({ name, aliases = [] }) => name === words || aliases.includes(words))
}

function sentAnyway(line: string): string {
  return `"${line.trim()}" was sent as a message: commands work after /quit.`
}

/**
 * The command of a line, and its argument.
 *
 * @throws P2PError `usage` for an unknown command, and for an argument too few or too many
 */
export function parseCommand(line: string): { readonly command: Command; readonly argument: string } {
  const { command, argument } = findCommand(line)
  if (command.argument === 'none' && argument !== '') throw misuse(command, 'takes nothing after it')
  if (command.argument === 'required' && argument === '') throw misuse(command, 'needs one thing more')
  if (/\s/.test(argument) && !mayHaveWords(command)) throw misuse(command, 'takes only one thing')
  return { command, argument }
}

/** An alias may have words, and so have the names of commands. */
function mayHaveWords({ completes, words }: Command): boolean {
  return words !== undefined || completes === 'command' || completes === 'peer'
}

function misuse({ name, usage }: Command, what: string): P2PError {
  return new P2PError('usage', `"${name}" ${what}. Write "${usage}".`)
}

/** An error as `command:done` and the shell tell it; `internal`, and logged, when nobody foresaw it. */
export function tellError(error: unknown, { signal, log }: CommandContext): P2PError {
  if (isP2PError(error)) return error
  if (signal.aborted)
    return new P2PError('node-stopped', 'p2p stopped before this was finished. Start it again and repeat it.')
  log.error('A command broke.', { error: error instanceof Error ? error.stack : String(error) })
  return new P2PError(
    'internal',
    `${errorTable.internal.sentence} The log file says where: ${messageOf(error)}.`,
  )
}
