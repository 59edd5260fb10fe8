import { limits, P2PError, type Message } from '../index.ts'
import { displayText } from '../face/display-text.ts'
import { conversationLines, messageLines, outboxLines, preview } from '../face/message-view.ts'
import type { Command, CommandContext, Outcome } from './command.ts'
import { pick } from './names.ts'
import { pageSize, type ShellState } from './shell-state.ts'
import { talkCommands } from './talk.ts'
import { contactLookedAt, whoIsKnown } from './targets.ts'

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
    usage: 'history [peer]',
    summary: 'What was said, newest last; also --search <words>',
    details: [
      `With one peer, or with all; ${whoIsKnown}.`,
      'history <peer> --search lunch soup: messages with all these words, or words that begin so.',
      'history <peer> --before: the page before the one that was shown last, or before a message, named by its ID.',
    ].join('\n'),
    argument: 'optional',
    words: 'many',
    completes: 'peer',
    run: history,
  },
  {
    name: 'outbox',
    usage: 'outbox [cancel n]',
    summary: 'What waits to be delivered, for whom and why',
    details:
      'outbox cancel 2: withdraws a message, named by its number in the last list, or by any beginning of its ID.',
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

async function history(context: CommandContext, argument: string): Promise<Outcome> {
  const { state, view } = context
  const wish = parseHistory(argument)
  const messages = await read(context, wish)
  const [first] = messages
  state.pageTop = first?.id ?? state.pageTop
  // All conversations together have only a last page.
  const isPage = messages.length === pageSize && (wish.target !== '' || wish.search !== undefined)
  return {
    result: { messages },
    lines: [
      ...(isPage ? [view.style.dim(earlierLine(wish))] : []),
      ...messages.flatMap((message) => messageLines(view, message)),
      ...(messages.length === 0 ? [wish.search === undefined ? 'Nothing was said.' : 'Nothing found.'] : []),
    ],
  }
}

interface HistoryWish {
  /** Empty for everybody. */
  readonly target: string
  readonly search?: string
  /** Empty: before the page that was shown last. */
  readonly before?: string
}

/** @throws P2PError `usage` */
function parseHistory(argument: string): HistoryWish {
  const [target = '', ...options] = argument.split(/(?:^| )--(?=\S)/)
  const wish: { search?: string; before?: string } = {}
  for (const option of options) {
    const [name = '', ...words] = option.split(' ')
    const value = words.join(' ')
    if (name === 'before') wish.before = value
    else if (name === 'search' && value !== '') wish.search = value
    else
      throw new P2PError(
        'usage',
        `"--${displayText(option)}" is not understood. Write --search and words, or --before and a message.`,
      )
  }
  return { target, ...wish }
}

async function read(
  context: CommandContext,
  { target, search, before }: HistoryWish,
): Promise<readonly Message[]> {
  const { state } = context
  const { node } = state
  const page = { limit: pageSize, ...(before !== undefined && { before: messageNamed(state, before) }) }
  if (target !== '') {
    const conversation = node.conversation(await contactLookedAt(context, target))
    return await conversation.history({ ...page, ...(search !== undefined && { search }) })
  }
  if (search !== undefined) return await node.conversations.search(search, page)
  if (before === undefined) return await lastOfAll(state)
  throw new P2PError(
    'usage',
    'A page of all conversations has none before it. Write "history <peer> --before".',
  )
}

/** The last page of all conversations together. */
async function lastOfAll({ node }: ShellState): Promise<readonly Message[]> {
  let newest: readonly Message[] = []
  for (const { peerId, lastMessage } of node.conversations.list()) {
    const [oldest] = newest
    // The list has the newest conversation first: those that follow have nothing newer.
    if (newest.length === pageSize && oldest && lastMessage && lastMessage.storedAt < oldest.storedAt) break
    newest = [...newest, ...(await node.conversation(peerId).history({ limit: pageSize }))]
      .toSorted((a, b) => a.storedAt.getTime() - b.storedAt.getTime())
      .slice(-pageSize)
  }
  return newest
}

function messageNamed({ pageTop }: ShellState, text: string): string {
  const id = text === '' ? pageTop : text.toLowerCase()
  if (id !== undefined && /^[0-9a-f]{32}$/.test(id)) return id
  throw new P2PError(
    'usage',
    text === ''
      ? 'No page was shown yet. "history <peer>" shows the last one.'
      : `"${displayText(text)}" is no message ID, which has 32 digits. Without one, --before means the last page.`,
  )
}

function earlierLine({ target, search }: HistoryWish): string {
  const words = ['history', target, search === undefined ? '' : `--search ${search}`, '--before']
  return `earlier: ${displayText(words.filter((word) => word !== '').join(' '))}`
}

async function outbox(context: CommandContext, argument: string): Promise<Outcome> {
  if (argument !== '') return await cancel(context, argument)
  const { state, view } = context
  const all = await state.node.outbox.list()
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
  const waiting = (await state.node.outbox.list()).map(({ message }) => message)
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
    lines: [`Withdrawn, and never sent to ${view.peer(message.peerId)}: ${preview(view, message)}`],
  }
}
