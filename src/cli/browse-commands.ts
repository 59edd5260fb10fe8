import { isProvable, limits, P2PError, type FilePage, type SharedFile } from '../index.ts'
import { displayText } from '../face/display-text.ts'
import type { Command, CommandContext, Outcome } from './command.ts'
import { entryLines, foundLines } from './file-view.ts'
import { readPeerPath } from './peer-path.ts'
import { quoteWord, quoting, splitOptions, splitWords } from './words.ts'

/** Commands that look at what others share, in the order in which `help` shows them. */
export const browseCommands: readonly Command[] = [
  {
    name: 'ls',
    usage: 'ls [peer[:path]]',
    summary: 'What a peer shares, or everybody who is here',
    details: [
      `ls desk:photos shows what is in a folder, in the order of the names; ${quoting}.`,
      `Of a long list ${limits.listEntries} names are shown; --after and a name goes on behind it.`,
    ].join('\n'),
    argument: 'optional',
    words: 'quoted',
    completes: 'peer-path',
    run: ls,
  },
  {
    name: 'find',
    usage: 'find <pattern>',
    summary: 'Files and folders of everybody who is here, by name',
    details:
      'What contains the text in its path, or whose name fits a pattern with * and ?, such as *.jpg; upper and lower case are the same. What is found can be given to get.',
    argument: 'required',
    words: 'quoted',
    run: find,
  },
]

async function ls(context: CommandContext, argument: string): Promise<Outcome> {
  const { state, view, signal } = context
  const { words, options } = splitOptions(splitWords(argument), ['after'])
  const [word, ...more] = words
  if (more.length > 0) throw new P2PError('usage', `Write "ls <peer>:<path>", and ${quoting}.`)
  if (word === undefined) return await lsEverybody(context)
  const { peerId, path } = await readPeerPath(context, word)
  const page = await state.node.files.list(peerId, path, {
    signal,
    ...(options.after !== undefined && { after: options.after }),
  })
  return {
    result: pageResult(page),
    lines: [
      ...(page.entries.length === 0 ? [emptyText(path)] : entryLines(view, page.entries)),
      ...(page.next === '' ? [] : [view.style.dim(moreLine(word, page.next))]),
    ],
  }
}

function pageResult({ entries, next }: FilePage): Readonly<Record<string, unknown>> {
  return { entries, ...(next !== '' && { next }) }
}

function emptyText(path: string): string {
  return path === '' ? 'Nothing is shared with you there.' : 'The folder is empty.'
}

function moreLine(word: string, next: string): string {
  return `more: ${displayText(`ls ${quoteWord(word)} --after ${quoteWord(next)}`, { maxBytes: limits.filePathBytes })}`
}

/** What everybody who can prove who he is shows at the top; those that do not answer are left out. */
async function lsEverybody({ state, view, signal }: CommandContext): Promise<Outcome> {
  await state.gathered(signal)
  const { node } = state
  const ids = node.peers
    .list()
    .map(({ id }) => id)
    .filter(isProvable)
  const asked = await Promise.allSettled(ids.map((id) => node.files.list(id, '', { signal })))
  signal.throwIfAborted()
  const pages = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const entries = pages.flatMap((page) => page.entries)
  return {
    result: { entries },
    lines:
      entries.length === 0
        ? [
            ids.length === 0
              ? 'Nobody is here who could share anything.'
              : 'Nobody here shares anything with you.',
          ]
        : foundLines(view, entries),
  }
}

async function find({ state, view, signal }: CommandContext, argument: string): Promise<Outcome> {
  const [pattern = '', ...more] = splitWords(argument)
  if (pattern === '' || more.length > 0)
    throw new P2PError('usage', `Write "find <pattern>", and ${quoting}.`)
  await state.gathered(signal)
  const found: SharedFile[] = []
  for await (const file of state.node.files.find(pattern, { signal })) {
    // Others could name things without end.
    if (found.length === limits.listEntries) {
      return {
        result: { found },
        lines: [...foundLines(view, found), view.style.dim('… and more; a longer pattern finds less.')],
      }
    }
    found.push(file)
  }
  return { result: { found }, lines: found.length === 0 ? ['Nothing found.'] : foundLines(view, found) }
}
