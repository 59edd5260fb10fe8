import type { Message, NodeEvent, PeerId } from '../index.ts'
import { reduce, type Snapshot } from '../control/view-state.ts'
import { limits } from '../base/limits.ts'
import { made, type ByType, type EventOf } from './by-type.ts'
import { newsOf, type News } from './news.ts'
import type { Names } from './people-list.ts'
import { fragmentOf, type Place } from './place.ts'
import { withoutSpeed, withSpeed, type Speeds } from './speed.ts'
import { emptyTalk, withSaid, withState, type TalkWindow } from './talk-window.ts'

/** `code`: our user has to say a code first. `lost`: the node does not answer, and is called again and again. */
export type LinkState =
  | { readonly kind: 'opening' }
  | { readonly kind: 'open' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'code'; readonly why: string }

/** What goes together from this browser to the node. */
interface Upload {
  readonly id: number
  readonly peerId: PeerId
  /** Safe to show. */
  readonly name: string
  readonly bytes: number
  readonly totalBytes: number
}

/** Something that our user is told beside everything else. */
export interface Notice extends News {
  readonly id: number
}

/** Everything that the page shows, but what only one part of it knows, such as what is being typed into a field. */
export interface PageState {
  readonly link: LinkState
  readonly snapshot: Snapshot | undefined
  readonly place: Place
  readonly talk: TalkWindow | undefined
  readonly names: Names
  /** Who writes to us, and until when that is believed, in ms since 1970. */
  readonly typing: ReadonlyMap<PeerId, number>
  readonly notices: readonly Notice[]
  readonly uploads: readonly Upload[]
  readonly speeds: Speeds
  /** Verifications to which our user has said yes and the other one nothing yet. */
  readonly answered: ReadonlySet<PeerId>
  /** What was typed to others and not sent. */
  readonly drafts: ReadonlyMap<PeerId, string>
  /** How often the node has told its whole state: what was asked before may be old. */
  readonly tellings: number
  readonly noticeCount: number
}

export type Action =
  | { readonly type: 'link'; readonly link: LinkState }
  | { readonly type: 'state'; readonly snapshot: Snapshot }
  | { readonly type: 'event'; readonly event: NodeEvent }
  | { readonly type: 'place'; readonly place: Place }
  | { readonly type: 'talk'; readonly peerId: PeerId; readonly change: (talk: TalkWindow) => TalkWindow }
  | { readonly type: 'said'; readonly message: Message }
  | { readonly type: 'draft'; readonly peerId: PeerId; readonly text: string }
  | { readonly type: 'answered'; readonly peerId: PeerId }
  | { readonly type: 'notice'; readonly news: News }
  | { readonly type: 'notice-read'; readonly id: number }
  | { readonly type: 'upload'; readonly upload: Upload }
  | { readonly type: 'upload-ended'; readonly id: number }
  | { readonly type: 'tick'; readonly now: number }

export function initialState(place: Place): PageState {
  return {
    link: { kind: 'opening' },
    snapshot: undefined,
    place,
    talk: talkAt(place, undefined),
    names: new Map(),
    typing: new Map(),
    notices: [],
    uploads: [],
    speeds: new Map(),
    answered: new Set(),
    drafts: new Map(),
    tellings: 0,
    noticeCount: 0,
  }
}

/** The page after something has happened. Pure. */
export function next(state: PageState, action: Action): PageState {
  switch (action.type) {
    case 'link':
      return { ...state, link: action.link }
    case 'state':
      return told(state, action.snapshot)
    case 'event':
      return happened(state, action.event)
    case 'place':
      return { ...state, place: action.place, talk: talkAt(action.place, state.talk) }
    case 'talk':
      return state.talk?.peerId === action.peerId ? { ...state, talk: action.change(state.talk) } : state
    case 'said':
      return said(state, action.message)
    case 'draft':
      return { ...state, drafts: kept(state.drafts, [action.peerId, action.text], limits.pageDrafts) }
    case 'answered':
      return { ...state, answered: new Set(state.answered).add(action.peerId) }
    case 'notice':
      return noticed(state, action.news)
    case 'notice-read':
      return { ...state, notices: state.notices.filter(({ id }) => id !== action.id) }
    case 'upload':
      return { ...state, uploads: withUpload(state.uploads, action.upload) }
    case 'upload-ended':
      return { ...state, uploads: state.uploads.filter(({ id }) => id !== action.id) }
    case 'tick':
      return { ...state, typing: new Map([...state.typing].filter(([, until]) => until > action.now)) }
  }
}

/** The conversation that a place shows, as it stands when it is still the same. */
function talkAt(place: Place, talk: TalkWindow | undefined): TalkWindow | undefined {
  if (place.view !== 'person') return undefined
  return talk?.peerId === place.peerId ? talk : emptyTalk(place.peerId)
}

/** What has happened meanwhile is unknown: the open conversation is read again. */
function told(state: PageState, snapshot: Snapshot): PageState {
  const { talk, answered } = state
  const waiting = new Set(snapshot.verifications.map(({ peerId }) => peerId))
  return {
    ...state,
    snapshot,
    talk: talk && { ...talk, loading: 'last' },
    answered: new Set([...answered].filter((id) => waiting.has(id))),
    tellings: state.tellings + 1,
  }
}

function happened(state: PageState, event: NodeEvent): PageState {
  if (state.snapshot === undefined) return state
  const news = newsOf(event, state)
  const after = { ...(made(table, event, state) ?? state), snapshot: reduce(state.snapshot, event) }
  return news === undefined || isInSight(news, state.place) ? after : noticed(after, news)
}

/** Who looks at where it is to be seen needs not be told. */
function isInSight({ kind, place }: News, at: Place): boolean {
  return kind === 'news' && place !== undefined && fragmentOf(place) === fragmentOf(at)
}

/** What the lists of the node do not keep. */
const table: ByType<PageState, PageState> = {
  'message:received': ({ message }, state) =>
    said({ ...state, typing: withoutKey(state.typing, message.peerId) }, message),
  'message:sent': ({ message }, state) => said(state, message),
  'message:state': (event, state) => ({ ...state, talk: state.talk && withState(state.talk, event) }),
  'conversation:deleted': ({ peerId }, state) =>
    state.talk?.peerId === peerId ? { ...state, talk: emptyTalk(peerId) } : state,
  typing: (event, state) => ({ ...state, typing: typingAfter(state.typing, event) }),
  'peer:lost': ({ peer }, state) => ({
    ...state,
    names: kept(state.names, [peer.id, peer.name], limits.peers),
  }),
  'verify:code': ({ peerId }, state) => unanswered(state, peerId),
  'verify:done': ({ peerId }, state) => unanswered(state, peerId),
  'transfer:progress': ({ transfer: { id, bytesPerSecond } }, state) => ({
    ...state,
    speeds: withSpeed(state.speeds, id, bytesPerSecond),
  }),
  'transfer:done': ({ transfer }, state) => ({
    ...state,
    speeds: withoutSpeed(state.speeds, transfer.id),
  }),
  'transfer:failed': ({ transfer }, state) => ({
    ...state,
    speeds: withoutSpeed(state.speeds, transfer.id),
  }),
}

function unanswered(state: PageState, peerId: PeerId): PageState {
  const answered = new Set(state.answered)
  answered.delete(peerId)
  return { ...state, answered }
}

function said(state: PageState, message: Message): PageState {
  return { ...state, talk: state.talk && withSaid(state.talk, message) }
}

function typingAfter(
  typing: PageState['typing'],
  { peerId, typing: writes, at }: EventOf<'typing'>,
): PageState['typing'] {
  if (!writes) return withoutKey(typing, peerId)
  return kept(typing, [peerId, at.getTime() + 2 * limits.typingMs], limits.peers)
}

function noticed(state: PageState, news: News): PageState {
  const id = state.noticeCount + 1
  return { ...state, noticeCount: id, notices: mostUrgent([...state.notices, { ...news, id }]) }
}

/** When there are too many, the oldest goes, an alarm only for a newer one: what a stranger causes pushes no warning away. */
function mostUrgent(notices: PageState['notices']): PageState['notices'] {
  if (notices.length <= limits.pageNotices) return notices
  const oldestNews = notices.findIndex(({ kind }) => kind === 'news')
  return notices.toSpliced(Math.max(0, oldestNews), 1)
}

/** In its place, so that those that are read stand before those that wait. */
function withUpload(uploads: PageState['uploads'], upload: Upload): readonly Upload[] {
  const at = uploads.findIndex(({ id }) => id === upload.id)
  return at < 0 ? [...uploads, upload] : uploads.with(at, upload)
}

/** With one entry more, the newest last; the oldest go when there are too many. */
function kept<Key, Value>(
  map: ReadonlyMap<Key, Value>,
  [key, value]: readonly [Key, Value],
  most: number,
): ReadonlyMap<Key, Value> {
  const changed = new Map(map)
  changed.delete(key)
  changed.set(key, value)
  for (const oldest of changed.keys()) {
    if (changed.size <= most) break
    changed.delete(oldest)
  }
  return changed
}

function withoutKey<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): ReadonlyMap<Key, Value> {
  if (!map.has(key)) return map
  const changed = new Map(map)
  changed.delete(key)
  return changed
}
