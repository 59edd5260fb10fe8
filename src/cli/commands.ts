import { nearest, P2PError } from '../index.ts'
import { displayText } from '../face/display-text.ts'
import { endpoint } from '../face/peer-words.ts'
import { browseCommands } from './browse-commands.ts'
import type { Command, CommandContext, Outcome } from './command.ts'
import { conversationCommands } from './conversation-commands.ts'
import { fetchCommands } from './fetch-commands.ts'
import { queueCommands } from './queue-commands.ts'
import { shareCommands } from './share-commands.ts'
import { attachCommand, sessionResult } from './talk.ts'
import { parseEndpoint, peerNamed, sessionNamed, whoIsKnown } from './targets.ts'
import { transferCommands } from './transfer-commands.ts'
import { trustCommands } from './trust-commands.ts'

/** Every command of the shell, in the order in which `help` shows them. */
export const commands: readonly Command[] = [
  {
    name: 'list peers',
    aliases: ['peers'],
    usage: 'list peers',
    summary: 'Who is here (short: peers)',
    argument: 'none',
    run: listPeers,
  },
  ...conversationCommands,
  {
    name: 'list sessions',
    aliases: ['sessions'],
    usage: 'list sessions',
    summary: 'Open sessions, also those others opened (short: sessions)',
    argument: 'none',
    run: listSessions,
  },
  attachCommand,
  {
    name: 'close',
    usage: 'close <session>',
    summary: 'End a session',
    details: '/quit only leaves a session, which stays open; this ends it for both sides.',
    argument: 'required',
    completes: 'session',
    run: close,
  },
  ...shareCommands,
  ...browseCommands,
  ...fetchCommands,
  ...queueCommands,
  ...trustCommands,
  ...transferCommands,
  {
    name: 'load-peers',
    usage: 'load-peers <peer>',
    summary: 'Ask a peer whom it knows',
    details: `What it tells is added to the list; ${whoIsKnown}.`,
    argument: 'required',
    completes: 'peer',
    run: loadPeers,
  },
  {
    name: 'emit',
    usage: 'emit [host:port]',
    summary: 'Announce now, or to one address and wait for its answer',
    details:
      'The port is the UDP port of discovery there, 8001 unless configured. Waits up to 5 seconds; a peer answers an address once in that time.',
    argument: 'optional',
    run: emit,
  },
  {
    name: 'help',
    usage: 'help [command]',
    summary: 'This list, or more about one command',
    argument: 'optional',
    completes: 'command',
    run: help,
  },
  {
    name: 'exit',
    aliases: ['quit'],
    usage: 'exit',
    summary: 'Leave p2p (also: quit)',
    argument: 'none',
    run: () => ({ ends: true }),
  },
]

async function listPeers({ state, view, signal }: CommandContext): Promise<Outcome> {
  await state.gathered(signal)
  const peers = state.node.peers.list()
  state.listedPeers = peers.map(({ id }) => id)
  return { result: { peers }, lines: peers.length === 0 ? ['Nobody here yet.'] : view.peers(peers) }
}

function listSessions({ state, view }: CommandContext): Outcome {
  const sessions = state.node.sessions.list()
  state.listedSessions = sessions.map(({ id }) => id)
  const lines = view.sessions(sessions)
  return {
    result: { sessions: sessions.map(sessionResult) },
    lines: sessions.length === 0 ? ['No session is open. connect <peer> opens one.'] : lines,
  }
}

async function close(context: CommandContext, argument: string): Promise<Outcome> {
  const session = sessionNamed(context, argument)
  await session.close()
  return { result: { session: sessionResult(session) } }
}

async function loadPeers(context: CommandContext, argument: string): Promise<Outcome> {
  const { state, view, signal } = context
  const peer = await peerNamed(context, argument)
  const added = await state.node.peers.load(peer.id, { signal })
  const count = added === 0 ? 'nobody new' : `${added} new ${added === 1 ? 'peer' : 'peers'}`
  return { result: { added }, lines: [`${view.peer(peer.id)} told of ${count}.`] }
}

async function emit({ state, view, signal }: CommandContext, argument: string): Promise<Outcome> {
  if (argument === '') {
    await state.node.announce()
    return { lines: ['Announced.'] }
  }
  const to = parseEndpoint(argument)
  const result = await state.node.emit(to, { signal })
  const where = `${to.host}:${to.port}`
  switch (result.kind) {
    case 'peer':
      return {
        result: { peer: result.peer },
        lines: [`${view.peer(result.peer.id)} answered from ${endpoint(result.peer)}.`],
      }
    case 'no-answer':
      throw new P2PError(
        'no-answer',
        `No answer came from ${where} within 5 seconds. Check the address, or try again.`,
      )
    case 'refused':
      throw new P2PError('peer-refused', `Nothing listens at ${where}. Check the port.`)
    case 'not-a-peer':
      throw new P2PError('not-a-peer', `What answered at ${where} is not a peer. Check the port.`)
  }
}

function help(context: CommandContext, argument: string): Outcome {
  const { bold, dim } = context.view.style
  if (argument !== '') {
    const { name, usage, summary, details } = findCommand(argument).command
    const lines = [bold(usage), summary, ...wrapped(details)]
    return { result: { command: { name, usage, summary, details } }, lines }
  }
  const width = Math.max(...commands.map(({ usage }) => usage.length))
  return {
    result: { commands: commands.map(({ name, usage, summary }) => ({ name, usage, summary })) },
    lines: [
      ...commands.map(({ usage, summary }) => `${bold(usage.padEnd(width))}  ${summary}`),
      dim(`In a session every line is a message; /quit leaves it, and it stays open.`),
    ],
  }
}

/** Rows of a text of ours, broken between words: a terminal breaks them anywhere. */
function wrapped(text = ''): readonly string[] {
  return (text.match(/\S.{0,77}(?= |$)/gm) ?? []).map((row) => row.trimEnd())
}

/**
 * The command that a line begins with, and the rest of the line.
 *
 * @throws P2PError `usage` when there is none
 */
export function findCommand(line: string): { readonly command: Command; readonly argument: string } {
  const words = oneSpace(line)
  for (const command of commands) {
    for (const name of [command.name, ...(command.aliases ?? [])]) {
      if (words !== name && !words.startsWith(`${name} `)) continue
      const rest = line.replace(new RegExp(`^\\s*${name.replaceAll(' ', '\\s+')}`), '').trim()
      return {
        command,
        argument: command.words === 'verbatim' || command.words === 'quoted' ? rest : oneSpace(rest),
      }
    }
  }
  throw new P2PError('usage', `There is no command "${displayText(words)}". ${advice(words)}`)
}

function oneSpace(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ')
}

function advice(words: string): string {
  const [first = ''] = words.split(' ')
  const names = commands.flatMap(({ name, aliases = [] }) => aliases.concat(name))
  const meant =
    names.find((name) => name.startsWith(`${words} `)) ??
    nearest(words, names) ??
    nearest(first, names) ??
    names.find((name) => name.startsWith(first))
  return meant === undefined ? '"help" lists them.' : `Did you mean "${meant}"?`
}
