import { basename } from 'node:path'
import { isProvable, P2PError, type ExistingPolicy, type OfferInfo, type Transfer } from '../index.ts'
import { countText, sizeText } from '../face/amounts.ts'
import { displayText } from '../face/display-text.ts'
import { pathOf } from '../face/local-path.ts'
import { offeredText } from '../face/offer-text.ts'
import { addressIn, refuseAddress } from './addresses.ts'
import type { Command, CommandContext, Outcome } from './command.ts'
import { offerLines } from './file-view.ts'
import { pick } from './names.ts'
import { readWholePeerPath } from './peer-path.ts'
import { pageSize } from './shell-state.ts'
import { personNamed } from './targets.ts'
import { quoting, splitOptions, splitWords } from './words.ts'

const existingPolicies = ['rename', 'skip', 'ask'] as const satisfies readonly ExistingPolicy[]

/** Commands that bring files from peer to peer, in the order in which `help` shows them. */
export const fetchCommands: readonly Command[] = [
  {
    name: 'get',
    usage: 'get <peer>:<path> …',
    summary: 'Take files or folders of a peer',
    details: [
      'They go into the folder for downloads, or the one that --to DIR names; everything is checked, and nothing is ever written over.',
      '--existing rename: where the name is taken, the next free one is used (the default); skip: what is there stays; ask: nothing is fetched.',
      `It goes on after an interruption, also when p2p was ended; ${quoting}.`,
      'On the command line, --to - writes a file to standard output.',
    ].join('\n'),
    argument: 'required',
    words: 'quoted',
    completes: 'peer-path',
    run: get,
  },
  {
    name: 'send',
    usage: 'send <peer> <path> …',
    summary: 'Offer files or folders to a peer, who accepts or declines',
    details: [
      'Who is away is asked when he is here. The files stay where they are, and are fetched from there.',
      `Everywhere ${quoting}. On the command line, - is standard input, and --as its name.`,
    ].join('\n'),
    argument: 'required',
    words: 'quoted',
    completes: ['peer', 'local-path'],
    run: send,
  },
  {
    name: 'offers',
    usage: 'offers',
    summary: 'What others offer you, and you them, with the answers',
    argument: 'none',
    run: offers,
  },
  {
    name: 'accept',
    usage: 'accept <offer>',
    summary: 'Take what a peer offers',
    details:
      'An offer is named by its number in the last list, or by any beginning of its ID. --to DIR and --existing are those of get.',
    argument: 'required',
    words: 'quoted',
    completes: 'offer',
    run: accept,
  },
  {
    name: 'decline',
    usage: 'decline <offer>',
    summary: 'Refuse what a peer offers, or take back what you offer',
    argument: 'required',
    completes: 'offer',
    run: decline,
  },
]

async function get(context: CommandContext, argument: string): Promise<Outcome> {
  const { state, signal } = context
  const { words, options } = splitOptions(splitWords(argument), ['to', 'existing'])
  if (words.length === 0) throw new P2PError('usage', `Write "get <peer>:<path>", and ${quoting}.`)
  if (options.to === '-') return await pour(context, words)
  const target = { ...targetOf(options), signal }
  const transfers: Transfer[] = []
  const lines: string[] = []
  const ongoing = []
  for (const word of words) {
    const { peerId, path } = await readWholePeerPath(context, word)
    const one = await state.ongoing.begin(state.node.files.get(peerId, path, target), transferOngoing)
    transfers.push(one.begun)
    lines.push(takingLine(context, one.begun))
    ongoing.push(one.ongoing)
  }
  return { result: { transfers }, lines, ongoing }
}

function transferOngoing({ id }: Transfer): { readonly kind: 'transfer'; readonly id: string } {
  return { kind: 'transfer', id }
}

/** @throws P2PError `usage` */
function targetOf(options: { readonly to?: string; readonly existing?: string }): {
  readonly to?: string
  readonly existing?: ExistingPolicy
} {
  const existing = existingPolicies.find((one) => one === options.existing)
  if (options.existing !== undefined && existing === undefined) {
    throw new P2PError(
      'usage',
      `"${displayText(options.existing)}" is no way to treat what is there. Write --existing rename, skip or ask.`,
    )
  }
  return {
    ...(options.to !== undefined && { to: pathOf(options.to) }),
    ...(existing !== undefined && { existing }),
  }
}

function takingLine({ view }: CommandContext, { path, peerId, totalBytes, totalFiles }: Transfer): string {
  const files = totalFiles > 1 ? `${countText(totalFiles, 'file')}, ` : ''
  const size = totalBytes === 0 ? '' : ` (${files}${sizeText(totalBytes)})`
  return `Taking ${displayText(path)}${size} from ${view.peer(peerId)}.`
}

/** Writes one file to standard output, where there is one for it. */
async function pour(context: CommandContext, words: readonly string[]): Promise<Outcome> {
  const { state, pipes, signal } = context
  const [word = '', ...more] = words
  if (pipes === undefined || more.length > 0) {
    throw new P2PError(
      'usage',
      'Only "p2p get <peer>:<file> --to -" on the command line writes to standard output, without --json, and one file.',
    )
  }
  const { peerId, path } = await readWholePeerPath(context, word)
  for await (const piece of state.node.files.read(peerId, path, { signal })) await pipes.write(piece)
  return {}
}

async function send(context: CommandContext, argument: string): Promise<Outcome> {
  const { state, view } = context
  const { words, options } = splitOptions(splitWords(argument), ['as'])
  const [target, ...paths] = words
  if (target === undefined || paths.length === 0)
    throw new P2PError('usage', `Write "send <peer> <path>", and ${quoting}.`)
  if (options.as !== undefined && paths.length > 1)
    throw new P2PError('usage', '--as names one file or folder. Send others with a command of their own.')
  const where = addressIn(state.node, target)
  // What leaves this machine goes to somebody, not to a place.
  if (where !== undefined) throw refuseAddress(context, where)
  const peerId = await personNamed(context, target)
  if (!isProvable(peerId)) {
    throw new P2PError(
      'peer-unprovable',
      `${view.plainPeer(peerId)} runs the reference client, which cannot prove who it is and gets no files.`,
    )
  }
  const wish = { peerId, paths, as: options.as }
  const offering = paths.includes('-') ? sendInput(context, wish) : sendPaths(context, wish)
  const { begun: offer, ongoing } = await state.ongoing.begin(offering, ({ id }) => ({ kind: 'offer', id }))
  return { result: { offer }, lines: [sentLine(context, offer)], ongoing: [ongoing] }
}

interface SendWish {
  readonly peerId: OfferInfo['peerId']
  readonly paths: readonly string[]
  readonly as: string | undefined
}

function sendPaths({ state, signal }: CommandContext, { peerId, paths, as }: SendWish): Promise<OfferInfo> {
  const names = as === undefined ? {} : { as: [as] }
  return state.node.files.send(peerId, paths.map(pathOf), { signal, ...names })
}

async function sendInput(context: CommandContext, { peerId, paths, as }: SendWish): Promise<OfferInfo> {
  const { state, pipes, signal } = context
  if (pipes === undefined || paths.length > 1) {
    throw new P2PError(
      'usage',
      'Only "p2p send <peer> - --as NAME" on the command line sends standard input, and nothing else with it.',
    )
  }
  if (as === undefined) throw new P2PError('usage', 'Standard input has no name. Say one: --as backup.tar.')
  return await state.node.files.sendStream(peerId, basename(as), pipes.input, { signal })
}

function sentLine({ state, view }: CommandContext, { peerId, entries, totalBytes }: OfferInfo): string {
  const what = `${offeredText(entries)} (${sizeText(totalBytes)})`
  const isAway = state.node.conversation(peerId).info.presence.state === 'away'
  const when = isAway ? ', who is not here and is asked when both of you are' : '; you are told the answer'
  return `Offered ${what} to ${view.peer(peerId)}${when}.`
}

function offers({ state, view }: CommandContext): Outcome {
  const all = state.node.files.offers()
  // Those that wait for our answer come first, so that "accept 1" means the same in a command of its own.
  const waiting = all.filter(waitsForUs).slice(0, pageSize)
  const others = all.filter((one) => !waitsForUs(one))
  const shown = [...waiting, ...others.slice(Math.max(0, others.length + waiting.length - pageSize))]
  state.listedOffers = shown.map(({ id }) => id)
  const more = all.length - shown.length
  return {
    result: { offers: all },
    lines:
      all.length === 0
        ? ['Nothing is offered. "send <peer> <path>" offers something.']
        : [...(more > 0 ? [`… ${more} older`] : []), ...offerLines(view, shown)],
  }
}

async function accept(context: CommandContext, argument: string): Promise<Outcome> {
  const { state, view } = context
  const { words, options } = splitOptions(splitWords(argument), ['to', 'existing'])
  const [word, ...more] = words
  if (word === undefined || more.length > 0)
    throw new P2PError('usage', 'Write "accept <offer>"; "offers" shows what there is.')
  const offer = offerNamed(context, word)
  const accepting = state.node.files.accept(offer.id, targetOf(options))
  const { begun: transfer, ongoing } = await state.ongoing.begin(accepting, transferOngoing)
  const line = `Taking ${offeredText(offer.entries)} (${sizeText(offer.totalBytes)}) from ${view.peer(offer.peerId)}.`
  return { result: { transfer }, lines: [line], ongoing: [ongoing] }
}

async function decline(context: CommandContext, argument: string): Promise<Outcome> {
  const { state, view } = context
  const offer = offerNamed(context, argument)
  await state.decide(() => state.node.files.decline(offer.id))
  const after = state.node.files.offers().find(({ id }) => id === offer.id)
  const who = view.peer(offer.peerId)
  const what = offeredText(offer.entries)
  return {
    result: { offer: after ?? offer },
    lines: [offer.incoming ? `Declined ${what} of ${who}.` : `${who} is no longer offered ${what}.`],
  }
}

function waitsForUs({ state, incoming }: OfferInfo): boolean {
  return incoming && state === 'open'
}

function offerNamed({ state }: CommandContext, text: string): OfferInfo {
  const all = state.node.files.offers()
  const ids = all.map(({ id }): string => id)
  const waiting = all.filter(waitsForUs).map(({ id }): string => id)
  const listed = state.listedOffers.length > 0 ? state.listedOffers : waiting
  const id = pick(text, { kind: 'offer', ids, listed })
  const offer = all.find((one) => one.id === id)
  if (offer !== undefined) return offer
  throw new P2PError('offer-unknown', `No offer ${displayText(text)} is here. "offers" shows those that are.`)
}
