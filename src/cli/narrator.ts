import { isProvable, type NodeEvent, type PeerId, type SessionInfo } from '../index.ts'
import { displayText } from '../face/display-text.ts'
import { messageLines, preview, shownTime } from '../face/message-view.ts'
import { endpoint } from '../face/peer-words.ts'
import type { View } from '../face/view.ts'
import { DeliveryNarrator } from './delivery-narrator.ts'
import { FileNarrator } from './file-narrator.ts'
import { LineBudget } from './line-budget.ts'
import type { ShellState } from './shell-state.ts'
import { trustLines } from './trust-narrator.ts'

type EventOf<Type extends NodeEvent['type']> = Extract<NodeEvent, { type: Type }>

/** Tells events to people, in as few lines as it takes. To be asked before `ShellState.note`. */
export class Narrator {
  readonly #state: ShellState
  readonly #view: View
  /** Peers of which was told that messages wait in the session with them. */
  readonly #waiting = new Set<PeerId>()
  readonly #aboutPeers = new LineBudget('list peers')
  readonly #aboutSessions = new LineBudget('list sessions')
  /** Of their own, so that no flood of other lines hides that a person is waiting. */
  readonly #aboutVerifications = new LineBudget('trust')
  readonly #aboutPresence = new LineBudget('conversations')
  readonly #deliveries: DeliveryNarrator
  readonly #files: FileNarrator

  constructor(state: ShellState, view: View) {
    this.#state = state
    this.#view = view
    this.#deliveries = new DeliveryNarrator(state, view)
    this.#files = new FileNarrator(state, view)
  }

  lines(event: NodeEvent): readonly string[] {
    switch (event.type) {
      case 'peer:found':
      case 'peer:lost':
        return this.#peer(event)
      case 'session:opened':
        return this.#opened(event)
      case 'session:closed':
        return this.#closed(event)
      case 'message:received':
        return this.#received(event)
      case 'message:sent':
        this.#waiting.delete(event.message.peerId)
        return []
      case 'message:waiting':
        return this.#messagesWait(event)
      case 'message:state':
        return this.#deliveries.state(event)
      case 'conversation:changed':
        return this.#deliveries.changed(event)
      case 'presence:online':
      case 'presence:away':
        return this.#presence(event)
      case 'verify:code':
        return this.#asked(event)
      case 'warning':
      case 'identity:made':
      case 'policy:changed':
      case 'trust:changed':
      case 'trust:succeeded':
      case 'verify:done':
        return trustLines(event, this.#state, this.#view)
      case 'transfer:started':
      case 'transfer:done':
      case 'transfer:failed':
      case 'transfer:changed':
      case 'offer:received':
      case 'offer:changed':
      case 'share:changed':
        return this.#files.lines(event)
      case 'node:started':
      case 'node:stopped':
      case 'peer:changed':
      case 'conversation:deleted':
      case 'typing':
      case 'transfer:progress':
      case 'share:removed':
        return []
    }
  }

  #peer({ type, at, peer }: EventOf<'peer:found' | 'peer:lost'>): readonly string[] {
    if (this.#isFamiliar(peer.id)) return []
    if (this.#state.isAttachedTo(peer.id) && this.#state.hasEnded) return []
    const { dim } = this.#view.style
    const who = this.#view.peer(peer.id, peer)
    const found = `${dim('+')} ${who}  ${endpoint(peer)} ${dim(peer.via.join(', '))}`
    const line = type === 'peer:found' ? found : `${dim('-')} ${who} ${dim('is gone')}`
    return this.#unasked(line, at, this.#aboutPeers)
  }

  #opened({ at, session }: EventOf<'session:opened'>): readonly string[] {
    if (this.#isAttachedTo(session))
      return this.#state.hasEnded ? [this.#view.style.dim('Connected again.')] : []
    if (!session.incoming || this.#isFamiliar(session.peerId)) return []
    const attach = this.#view.style.dim(`(attach ${this.#view.session(session.id)})`)
    return this.#unasked(
      `${this.#view.peer(session.peerId)} opened a session ${attach}`,
      at,
      this.#aboutSessions,
    )
  }

  #closed({ at, session, code, reason }: EventOf<'session:closed'>): readonly string[] {
    this.#waiting.delete(session.peerId)
    const { dim } = this.#view.style
    const why = displayText(reason) || (code === 1006 ? connectionLost(session) : `code ${code}`)
    const line = `The session with ${this.#view.peer(session.peerId)} has ended ${dim(`(${why})`)}`
    if (this.#state.attached?.session?.id === session.id) {
      this.#state.underway.noteTold(session.peerId)
      return [`${line}.`, dim('What you write is delivered when you are connected again; /quit leaves.')]
    }
    return this.#isFamiliar(session.peerId) ? [] : this.#unasked(line, at, this.#aboutSessions)
  }

  #received({ at, message }: EventOf<'message:received'>): readonly string[] {
    // An offer is told by an event of its own, with what it offers.
    if (message.offer !== undefined) return []
    if (this.#state.isAttachedTo(message.peerId)) return messageLines(this.#view, message)
    const { dim } = this.#view.style
    const open = dim(`(open ${this.#view.handle(message.peerId)})`)
    const who = `${dim(shownTime(message))} ${this.#view.peer(message.peerId)}`
    const line = `${who} says: ${preview(this.#view, message)} ${open}`
    return this.#unasked(line, at, this.#aboutSessions)
  }

  /** That the session has ended says it already. */
  #presence({ type, at, peerId }: EventOf<'presence:online' | 'presence:away'>): readonly string[] {
    if (this.#state.isAttachedTo(peerId) && this.#state.hasEnded) return []
    const { dim } = this.#view.style
    const who = this.#view.peer(peerId)
    if (type === 'presence:online')
      return this.#unasked(`${dim('+')} ${who} is here`, at, this.#aboutPresence)
    const { pending } = this.#state.node.conversation(peerId).info
    const waiting = pending === 0 ? '' : ` ${dim(`(${pending} of your messages wait)`)}`
    return this.#unasked(`${dim('-')} ${who} is away${waiting}`, at, this.#aboutPresence)
  }

  #messagesWait({ peerId, waiting }: EventOf<'message:waiting'>): readonly string[] {
    if (this.#waiting.has(peerId)) return []
    this.#waiting.add(peerId)
    const count = waiting === 1 ? '1 message waits' : `${waiting} messages wait`
    return [`${count} for ${this.#view.peer(peerId)}: it has not answered for long. They leave when it does.`]
  }

  #asked(event: EventOf<'verify:code'>): readonly string[] {
    const lines = trustLines(event, this.#state, this.#view)
    return lines.length === 0 ? [] : this.#unasked(lines.join('\n'), event.at, this.#aboutVerifications)
  }

  /** What somebody else caused; too much of it would leave no room for what one reads. */
  #unasked(text: string, at: Date, budget: LineBudget): readonly string[] {
    return budget.lines(at, this.#view.style, () => text.split('\n'))
  }

  #isAttachedTo({ peerId }: SessionInfo): boolean {
    return this.#state.isAttachedTo(peerId)
  }

  /** Of somebody we talk with or know, it is told that he comes and goes, and not how. */
  #isFamiliar(id: PeerId): boolean {
    const { node } = this.#state
    const contact = node.trust.find(id)
    return (
      contact?.trust === 'verified' ||
      (contact !== undefined && contact.alias !== '') ||
      node.conversations.find(id) !== undefined
    )
  }
}

/** A reference peer confirms nothing: what left into a network that had just failed is lost, and looks sent. */
function connectionLost({ peerId }: SessionInfo): string {
  const lost = 'connection lost'
  return isProvable(peerId) ? lost : `${lost}; what was sent last may not have arrived`
}
