import { basename } from 'node:path'
import { isProvable, limits, P2PError, type PeerId, type Share, type Visibility } from '../index.ts'
import { countText, sizeText } from '../face/amounts.ts'
import { displayText } from '../face/display-text.ts'
import { shareState } from '../face/file-words.ts'
import { pathOf } from '../face/local-path.ts'
import type { Command, CommandContext, Outcome } from './command.ts'
import { shareLines, visibilityText } from './file-view.ts'
import { contactNamed } from './targets.ts'
import { quoting, splitOptions, splitWords } from './words.ts'

/** Commands about what others may have of ours, in the order in which `help` shows them. */
export const shareCommands: readonly Command[] = [
  {
    name: 'share',
    usage: 'share <path>',
    summary: 'Show a file or folder to others, read-only',
    details: [
      'They see it under its own name, or as --as says, from now on and after every start, until "unshare".',
      '--to all: every peer of ours, which is the default; --to verified: those you have verified; --to desk,kitchen: only these.',
      `Again with another --to: changes who sees it. Everywhere ${quoting}.`,
    ].join('\n'),
    argument: 'required',
    words: 'quoted',
    completes: 'local-path',
    run: share,
  },
  {
    name: 'unshare',
    usage: 'unshare <name>',
    summary: 'Stop showing it; what is under way of it is cut off',
    argument: 'required',
    words: 'quoted',
    completes: 'share',
    run: unshare,
  },
  {
    name: 'shares',
    usage: 'shares',
    summary: 'What you show to others, and to whom',
    details: 'What is still being hashed is seen already, and can be fetched as soon as that is done.',
    argument: 'none',
    run: shares,
  },
]

async function share(context: CommandContext, argument: string): Promise<Outcome> {
  const { state, signal } = context
  const { files } = state.node
  const { words, options } = splitOptions(splitWords(argument), ['as', 'to'])
  const [word, ...more] = words
  if (word === undefined || more.length > 0)
    throw new P2PError('usage', `Write "share <path>", and ${quoting}.`)
  const path = pathOf(word)
  const visibleTo = options.to === undefined ? undefined : visibilityNamed(context, options.to)
  const known = sharedAlready(files.shares(), path, options.as)
  if (known !== undefined) {
    if (visibleTo !== undefined) await files.setVisibility(known.name, visibleTo)
    return shareOutcome(context, { ...known, ...(visibleTo !== undefined && { visibleTo }) }, 'is shared')
  }
  const added = await files.share(path, {
    signal,
    ...(options.as !== undefined && { as: options.as }),
    ...(visibleTo !== undefined && { visibleTo }),
  })
  return shareOutcome(context, added, 'is shared from now on')
}

/** Whether it is the same as before: to share it again is no mistake, and says who sees it. */
function sharedAlready(all: readonly Share[], path: string, name = basename(path)): Share | undefined {
  return all.find((one) => one.path === path && one.name === name)
}

function shareOutcome({ view }: CommandContext, added: Share, told: string): Outcome {
  const { name, visibleTo, files, totalBytes, unhashedFiles } = added
  const size = files === 0 ? '' : ` (${countText(files, 'file')}, ${sizeText(totalBytes)})`
  const state = unhashedFiles === 0 ? '' : `; ${shareState(added)}`
  return {
    result: { share: added },
    lines: [`${displayText(name)}${size} ${told}, and seen by ${visibilityText(view, visibleTo)}${state}.`],
    lasts: true,
  }
}

function visibilityNamed(context: CommandContext, text: string): Visibility {
  if (text === 'all' || text === 'verified') return text
  const names = text.split(',').map((name) => name.trim())
  return [...new Set(names.map((name) => provableNamed(context, name)))]
}

function provableNamed(context: CommandContext, name: string): PeerId {
  const id = contactNamed(context, name)
  if (isProvable(id)) return id
  throw new P2PError(
    'peer-unprovable',
    `${context.view.plainPeer(id)} runs the reference client, which cannot prove who it is and gets no files.`,
  )
}

async function unshare({ state }: CommandContext, argument: string): Promise<Outcome> {
  const [name = '', ...more] = splitWords(argument)
  if (more.length > 0) throw new P2PError('usage', `Write "unshare <name>", and ${quoting}.`)
  const plain = name.replace(/\/$/, '')
  await state.node.files.unshare(plain)
  return { result: { name: plain }, lines: [`Nobody sees ${displayText(plain)} any more.`] }
}

function shares({ state, view }: CommandContext): Outcome {
  const all = state.node.files.shares()
  const shown = all.slice(0, limits.historyPage)
  const waiting = all.filter(({ unhashedFiles }) => unhashedFiles > 0)
  const bytes = waiting.reduce((sum, { unhashedBytes }) => sum + unhashedBytes, 0)
  return {
    result: { shares: all },
    lines:
      all.length === 0
        ? ['Nothing is shared. "share <path>" shows a file or folder to others.']
        : [
            ...shareLines(view, shown),
            ...(waiting.length === 0 ? [] : [view.style.dim(`${sizeText(bytes)} wait to be hashed.`)]),
          ],
  }
}
