import { P2PError, type P2PNode, type PeerId } from '../index.ts'
import { displayText } from '../face/display-text.ts'
import { shortId } from '../face/short-id.ts'

/** The command that shows what there is of each kind. */
const lists = {
  peer: 'list peers',
  session: 'list sessions',
  message: 'outbox',
  offer: 'offers',
  transfer: 'transfers',
} as const

/** What a person may choose from. */
export interface Choice<Id extends string> {
  readonly kind: keyof typeof lists
  /** Everything that exists now. */
  readonly ids: readonly Id[]
  /** What the last list showed, in its order. */
  readonly listed: readonly Id[]
  /** What our user calls some of them. */
  readonly aliases?: ReadonlyMap<string, Id>
  /** What some call themselves: no command takes that for them, but a person may have meant it. */
  readonly claims?: ReadonlyMap<string, Id>
}

const listNumber = /^#?([1-9]\d{0,3})$/
/** So short a number is meant as one of a list: beyond its end it must not hit whoever has an ID that begins so. */
const onlyListNumber = /^\d{1,3}$/
const idPrefix = /^[0-9a-f][0-9a-f-]{0,35}$/i

/**
 * The one ID that `text` means: its exact alias, its number in the last list, or any beginning of the ID, with or without
 * dashes; the first of these that fits wins. A number of at most three digits is never the beginning of an ID.
 * Undefined when nothing fits.
 *
 * @throws P2PError `usage` when it is neither, `ambiguous` when several IDs begin so
 */
export function pick<Id extends string>(text: string, choice: Choice<Id>): Id | undefined {
  const { ids, listed, aliases } = choice
  const byAlias = aliases?.get(text)
  if (byAlias !== undefined) return ids.includes(byAlias) ? byAlias : undefined
  const byNumber = listed[Number(listNumber.exec(text)?.[1] ?? 0) - 1]
  if (byNumber !== undefined) return ids.includes(byNumber) ? byNumber : undefined
  if (!idPrefix.test(text)) throw notUnderstood(text, choice)
  if (onlyListNumber.test(text)) return undefined
  const wanted = plain(text)
  const found = ids.filter((id) => plain(id).startsWith(wanted))
  if (found.length > 1) {
    const { kind } = choice
    const some = found.slice(0, 4).join(', ')
    throw new P2PError(
      'ambiguous',
      `${found.length} ${kind}s begin with ${text} (${some}). Write more of the ID.`,
    )
  }
  return found[0]
}

/** Whom our user calls what. */
export function aliasesOf({ trust }: P2PNode): ReadonlyMap<string, PeerId> {
  const named = trust.list().filter(({ alias }) => alias !== '')
  return new Map(named.map(({ alias, peerId }) => [alias, peerId]))
}

function notUnderstood<Id extends string>(text: string, choice: Choice<Id>): P2PError {
  const { kind, ids, aliases, claims } = choice
  const shown = displayText(text)
  const claimant = claims?.get(text)
  const short = claimant === undefined ? '' : shortId(claimant, ids)
  const what = `"${shown}" is no ${kind} ID${aliases === undefined ? '' : ' and no alias'}.`
  return new P2PError(
    'usage',
    claimant === undefined
      ? `${what} Give the beginning of one, or its number in the last "${lists[kind]}".`
      : `${what} ${short} calls itself so, as anybody could: write ${short}, or first "alias ${short} ${shown}".`,
  )
}

function plain(id: string): string {
  return id.toLowerCase().replaceAll('-', '')
}
