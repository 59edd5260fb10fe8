import { limits, P2PError, type Message } from '../index.ts'
import type { Command, CommandContext, Outcome } from './command.ts'
import { displayText } from './display-text.ts'
import { conversationLines, messageLines, outboxLines, preview } from './message-view.ts'
import { pick } from './names.ts'
import { pageSize, type ShellState } from './shell-state.ts'
import { talkCommands } from './talk.ts'
import { contactNamed, whoIsKnown } from './targets.ts'

/** Commands about what is said, in the order in which `help` shows them. */
export const conversationCommands: readonly Command[] = [
  {
    name: 'conversations',
    usage: 'conversations',
    summary: 'With whom you talk, what was said last, what is unread',
    argument: 'none',
    run: conversations,
  },
  ...talkCommands,
  {
    name: 'history',
    usage: 'history [peer] [--search words] [--before message]',
    summary: 'What was said, newest last',
    details: [
      `With one peer, or with all; ${whoIsKnown}.`,
      'history <peer> --search lunch soup: messages with all these words, or words that begin so.',
      'history <peer> --before <message>: the page before; the first line of a page says how.',
    ].join('\n'),
    argument: 'optional',
    words: 'many',
    completes: 'peer',
    run: history,
  },
  {
    name: 'outbox',
    usage: 'outbox [cancel <message>]',
    summary: 'What waits to be delivered, for whom and why',
    details: 'A message is named by its number in the last list, or by any beginning of its ID.',
    argument: 'optional',
    words: 'many',
    run: outbox,
  },
]

function conversations({ state, view }: CommandContext): Outcome {
  const list = state.node.conversations.list()
  state.listedPeers = list.map(({ peerId }) => peerId)
  const lines =
    list.length === 0 ? ['Nothing was said yet. tell <peer> <text> begins.'] : conversationLines(view, list)
  return { result: { conversations: list }, lines }
}

function history(context: CommandContext, argument: string): Outcome {
  const { state, view } = context
  const wish = parseHistory(argument)
  const messages = read(context, wish)
  const [first] = messages
  state.pageTop = first?.id ?? state.pageTop
  const isPage = messages.length === pageSize && (wish.target !== '' || wish.search !== '')
  const earlier =
    isPage && first !== undefined ? [view.style.dim(earlierLine(wish, first.id.slice(0, 8)))] : []
  const lines = messages.flatMap((message) => messageLines(view, message))
  return {
    result: { messages },
    lines:
      messages.length === 0
        ? [wish.search === '' ? 'Nothing was said.' : 'Nothing found.']
        : [...earlier, ...lines],
  }
}

/** What somebody wants to see; empty where nothing is said. */
interface HistoryWish {
  readonly target: string
  readonly search: string
  readonly before: string
}

/** @throws P2PError `usage` */
function parseHistory(argument: string): HistoryWish {
  const [target = '', ...options] = argument.split(/(?:^| )--(?=\S)/)
  const wish = { target, search: '', before: '' }
  for (const option of options) {
    const [name = '', ...words] = option.split(' ')
    if ((name !== 'search' && name !== 'before') || words.length === 0) {
      throw new P2PError(
        'usage',
        `"--${displayText(option)}" is not understood. Write --search and words, or --before and a message.`,
      )
    }
    wish[name] = words.join(' ')
  }
  return wish
}

function read(context: CommandContext, { target, search, before }: HistoryWish): readonly Message[] {
  const { state } = context
  const { node } = state
  const where = before === '' ? {} : { before: messageNamed(state, before) }
  if (target !== '') {
    const words = search === '' ? {} : { search }
    const conversation = node.conversation(contactNamed(context, target))
    return conversation.history({ ...where, ...words, limit: pageSize })
  }
  if (search !== '') return node.conversations.search(search, { ...where, limit: pageSize })
  if (before === '') return lastOfAll(state)
  throw new P2PError('usage', 'What is before it? Write "history <peer> --before <message>".')
}

/** The last page of all conversations together. */
function lastOfAll({ node }: ShellState): readonly Message[] {
  let newest: readonly Message[] = []
  for (const { peerId, lastMessage } of node.conversations.list()) {
    const oldest = newest[0]
    // The list has the newest conversation first: those that follow have nothing newer.
    if (newest.length === pageSize && oldest && lastMessage && lastMessage.storedAt < oldest.storedAt) break
    newest = [...newest, ...node.conversation(peerId).history({ limit: pageSize })]
      .toSorted((a, b) => a.storedAt.getTime() - b.storedAt.getTime())
      .slice(-pageSize)
  }
  return newest
}

function messageNamed({ pageTop }: ShellState, text: string): string {
  const id = text.toLowerCase()
  if (id.length >= 4 && pageTop?.startsWith(id)) return pageTop
  if (/^[0-9a-f]{32}$/.test(id)) return id
  throw new P2PError(
    'usage',
    `"${displayText(text)}" is no message ID. The first line of the last page of history says what to write.`,
  )
}

function earlierLine({ target, search }: HistoryWish, id: string): string {
  const words = ['history', target, search === '' ? '' : `--search ${search}`, `--before ${id}`]
  return `earlier: ${displayText(words.filter((word) => word !== '').join(' '))}`
}

async function outbox(context: CommandContext, argument: string): Promise<Outcome> {
  if (argument !== '') return await cancel(context, argument)
  const { state, view } = context
  const all = state.node.outbox.list()
  const shown = all.slice(0, limits.historyPage)
  state.listedMessages = shown.map(({ message }) => message.id)
  const more = all.length - pageSize
  return {
    result: { outbox: shown, waiting: all.length },
    lines:
      all.length === 0
        ? ['Nothing waits.']
        : [...outboxLines(view, shown.slice(0, pageSize)), ...(more > 0 ? [`… and ${more} more`] : [])],
  }
}

async function cancel({ state, view }: CommandContext, argument: string): Promise<Outcome> {
  const [, text] = /^cancel (\S+)$/.exec(argument) ?? []
  if (text === undefined) {
    throw new P2PError(
      'usage',
      'Write "outbox" to see what waits, or "outbox cancel <number>" to withdraw a message.',
    )
  }
  const waiting = state.node.outbox.list().map(({ message }) => message)
  const ids = waiting.map(({ id }) => id)
  const listed = state.listedMessages.length > 0 ? state.listedMessages : ids
  const id = pick(text, { kind: 'message', ids, listed })
  const message = waiting.find((one) => one.id === id)
  if (message === undefined) {
    throw new P2PError(
      'message-unknown',
      `No message ${displayText(text)} waits. "outbox" shows those that do.`,
    )
  }
  await state.decide(() => state.node.outbox.cancel(message.id))
  return {
    result: { messageId: message.id },
    lines: [`Withdrawn, and never sent to ${view.peer(message.peerId)}: ${preview(message)}`],
  }
}
