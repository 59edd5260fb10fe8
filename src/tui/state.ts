import type {
  Message,
  NodeEvent,
  PeerId,
  Policy,
  SharedFile,
  Transfer,
  Verification,
  WaitingMessage,
} from '../index.ts'
import type { Snapshot } from '../control/view-state.ts'
import type { Field } from './field.ts'
import type { Key } from './key.ts'
import type { Person } from './people.ts'
import type { Page, Talk } from './talk.ts'

/** Columns and rows of a terminal. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

/** What the last thing that happened was, in one line. */
export interface Notice {
  readonly text: string
  readonly isAlarm: boolean
  /** An alarm about who somebody is, or who listens: others wait until it was read. */
  readonly isLoud?: boolean
}

/** A question that our user is asked by somebody else. */
export type Ask =
  | { readonly kind: 'offer'; readonly offerId: string; readonly peerId: PeerId }
  | { readonly kind: 'verification'; readonly peerId: PeerId }

/** Everything the screen shows. Plain data: the same inputs make the same screen. */
export interface State {
  readonly snapshot: Snapshot
  readonly size: Size
  readonly people: readonly Person[]
  readonly chosen: PeerId | undefined
  /** What the list of people is narrowed down to, while somebody looks for one. */
  readonly filter: Field | undefined
  readonly focus: 'people' | 'talk'
  readonly talk: Talk | undefined
  readonly draft: Field
  /** What was begun in conversations that are not open, the latest last. */
  readonly drafts: ReadonlyMap<PeerId, string>
  /** What stands in the place of the conversation. */
  readonly panel: Panel | undefined
  readonly notice: Notice | undefined
  /** Whether the notice is an alarm, and no key was pressed since: nothing but another alarm takes its place, and that of a loud one only a loud one. */
  readonly hasUnreadAlarm: boolean
  /** The last alarms, read or not: each is said to who listens, however many come at once. */
  readonly alarms: readonly Notice[]
  /** Who writes, and until when that is believed. */
  readonly typing: ReadonlyMap<PeerId, number>
}

/** Lists in panels. */
interface Chosen {
  readonly chosen: number
}

/** A list whose entries come and go by themselves: keys are about the one that was read, wherever it stands by then. */
interface ChosenEntry extends Chosen {
  /** Which is chosen, by the ID or name that nothing else in the list has; `chosen` is where it stood. */
  readonly entryId: string | undefined
}

export interface VerifyPanel {
  readonly kind: 'verify'
  readonly peerId: PeerId
  readonly stage: 'choose' | 'asking' | 'compare' | 'waiting' | 'number'
  /** Both screens show it; empty when our code was scanned. */
  readonly code: string
  readonly method: Verification['method']
  readonly safetyNumber: string
  readonly field: Field
}

export interface InvitePanel {
  readonly kind: 'invite'
  readonly text: string
  /** Rows of the QR code of `text`. */
  readonly code: readonly string[]
  readonly field: Field
}

export interface BrowsePanel extends Chosen {
  readonly kind: 'browse'
  readonly peerId: PeerId
  readonly path: string
  readonly entries: readonly SharedFile[]
  /** Where the next page begins; empty when everything is here. */
  readonly next: string
  readonly isLoading: boolean
}

export interface FindPanel extends Chosen {
  readonly kind: 'find'
  readonly field: Field
  readonly found: readonly SharedFile[]
  readonly isLooking: boolean
  /** Whether keys go to the field, or to what was found. */
  readonly isTyping: boolean
}

export interface SearchPanel extends Chosen {
  readonly kind: 'search'
  readonly field: Field
  readonly found: readonly Message[]
  readonly isLooking: boolean
  readonly isTyping: boolean
}

/** A line that is asked for. */
export interface LinePanel {
  readonly kind: 'send' | 'share' | 'alias'
  /** Whom it is about; of `share` nobody. */
  readonly peerId: PeerId | undefined
  readonly field: Field
  /** How a path could go on. */
  readonly choices: readonly string[]
}

export interface SurePanel {
  readonly kind: 'sure'
  readonly question: string
  readonly effect: Effect
}

export interface OutboxPanel extends ChosenEntry {
  readonly kind: 'outbox'
  readonly waiting: readonly WaitingMessage[] | undefined
}

export interface InfoPanel {
  readonly kind: 'info'
  readonly peerId: PeerId
  readonly safetyNumber: string
}

export interface EntriesPanel extends ChosenEntry {
  readonly kind: 'transfers' | 'offers' | 'shares'
}

export interface ListPanel extends Chosen {
  readonly kind: 'policy' | 'help'
}

export type Panel =
  | VerifyPanel
  | InvitePanel
  | BrowsePanel
  | FindPanel
  | SearchPanel
  | LinePanel
  | SurePanel
  | OutboxPanel
  | InfoPanel
  | EntriesPanel
  | ListPanel

/** What is to be done outside: the state itself does nothing. */
export type Effect =
  | { readonly do: 'history'; readonly peerId: PeerId; readonly place: Page['place']; readonly from?: string }
  | { readonly do: 'send'; readonly peerId: PeerId; readonly text: string }
  | { readonly do: 'typing'; readonly peerId: PeerId; readonly typing: boolean }
  | { readonly do: 'mark-read'; readonly peerId: PeerId }
  | { readonly do: 'browse'; readonly peerId: PeerId; readonly path: string; readonly after?: string }
  | { readonly do: 'fetch'; readonly peerId: PeerId; readonly path: string }
  | { readonly do: 'find'; readonly pattern: string }
  | { readonly do: 'search'; readonly words: string }
  | { readonly do: 'complete'; readonly path: string }
  | { readonly do: 'offer'; readonly peerId: PeerId; readonly path: string }
  | { readonly do: 'accept'; readonly offerId: string }
  | { readonly do: 'decline'; readonly offerId: string }
  | { readonly do: 'verify' | 'safety-number'; readonly peerId: PeerId }
  | { readonly do: 'confirm'; readonly peerId: PeerId; readonly same: boolean }
  | { readonly do: 'compare'; readonly peerId: PeerId; readonly digits: string }
  | { readonly do: 'invite' }
  | { readonly do: 'scan'; readonly text: string }
  | { readonly do: 'alias'; readonly peerId: PeerId; readonly alias: string }
  | { readonly do: 'block' | 'unblock'; readonly peerId: PeerId }
  | { readonly do: 'policy'; readonly policy: Policy }
  | { readonly do: 'outbox' }
  | { readonly do: 'withdraw'; readonly messageId: string }
  | { readonly do: 'pause' | 'resume' | 'cancel'; readonly transferId: string }
  | { readonly do: 'clear' }
  | { readonly do: 'share'; readonly path: string }
  | { readonly do: 'unshare'; readonly name: string }
  /** Gives up what was asked of others and has not come. */
  | { readonly do: 'give-up' }
  | { readonly do: 'quit' }

/** What an effect has brought. */
export type Told =
  | { readonly told: 'page'; readonly page: Page }
  | { readonly told: 'accepted'; readonly message: Message }
  | {
      readonly told: 'entries'
      readonly peerId: PeerId
      readonly path: string
      readonly entries: readonly SharedFile[]
      readonly next: string
      readonly isMore: boolean
    }
  | { readonly told: 'found'; readonly files: readonly SharedFile[]; readonly isOver: boolean }
  | { readonly told: 'messages'; readonly messages: readonly Message[] }
  | { readonly told: 'choices'; readonly path: string; readonly choices: readonly string[] }
  | {
      readonly told: 'code'
      readonly peerId: PeerId
      readonly code: string
      readonly method: Verification['method']
    }
  | { readonly told: 'safety-number'; readonly peerId: PeerId; readonly digits: string }
  | { readonly told: 'invitation'; readonly text: string; readonly code: readonly string[] }
  | { readonly told: 'outbox'; readonly waiting: readonly WaitingMessage[] }
  /** What was begun did not work; what waited for it is over. */
  | { readonly told: 'failed'; readonly effect: Effect['do']; readonly notice: Notice }
  | { readonly told: 'notice'; readonly notice: Notice }
  /** A message that was not accepted, to be written again. */
  | { readonly told: 'refused'; readonly peerId: PeerId; readonly text: string }
  /** Those that are left after some were removed, of which no event tells. */
  | { readonly told: 'transfers'; readonly transfers: readonly Transfer[] }

export type Input =
  /** What has happened, in order; drawn once. */
  | { readonly input: 'events'; readonly events: readonly NodeEvent[] }
  | { readonly input: 'key'; readonly key: Key }
  | { readonly input: 'resized'; readonly size: Size }
  | { readonly input: 'told'; readonly told: Told }
  | { readonly input: 'tick'; readonly now: number }

/** A state, and what is to be done for it. */
export interface Step {
  readonly state: State
  readonly effects: readonly Effect[]
}

export function only(state: State): Step {
  return { state, effects: [] }
}

export function doing(state: State, ...effects: readonly Effect[]): Step {
  return { state, effects }
}

export function personOf({ people }: Pick<State, 'people'>, id: PeerId | undefined): Person | undefined {
  return people.find((person) => person.id === id)
}

/** Questions that wait for our user: verifications first, as two people look at their screens. */
export function asksOf({ snapshot }: Pick<State, 'snapshot'>): readonly Ask[] {
  return [
    ...snapshot.verifications
      .filter(({ incoming, method }) => incoming || method === 'qr')
      .map(({ peerId }) => ({ kind: 'verification', peerId }) as const),
    ...snapshot.offers
      .filter(({ incoming, state }) => incoming && state === 'open')
      .map(({ id, peerId }) => ({ kind: 'offer', offerId: id, peerId }) as const),
  ]
}
