import { limits, type NodeEvent, type SessionInfo } from '../index.ts'
import { displayText } from './display-text.ts'
import type { ShellState } from './shell-state.ts'
import { clock, endpoint, type View } from './view.ts'

type EventOf<Type extends NodeEvent['type']> = Extract<NodeEvent, { type: Type }>

/** Tells events to people, in as few lines as it takes. To be asked before `ShellState.note`. */
export class Narrator {
  readonly #state: ShellState
  readonly #view: View
  /** Sessions of which was told that messages wait in them. */
  readonly #waiting = new Set<string>()
  /** Lines about peers that may still be shown now (U15). */
  #peerLines: number = limits.peerLineBurst
  #peerLinesAt = 0
  #peersUntold = 0

  constructor(state: ShellState, view: View) {
    this.#state = state
    this.#view = view
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
        this.#waiting.delete(event.message.sessionId)
        return []
      case 'message:waiting':
        return this.#messagesWait(event)
      case 'warning':
        return [this.#view.style.alarm(displayText(event.error.message))]
      case 'node:started':
      case 'node:stopped':
      case 'peer:changed':
        return []
    }
  }

  #peer({ type, at, peer }: EventOf<'peer:found' | 'peer:lost'>): readonly string[] {
    this.#peerLines = Math.min(
      limits.peerLineBurst,
      this.#peerLines + (Math.max(0, at.getTime() - this.#peerLinesAt) / 1_000) * limits.peerLinesPerSecond,
    )
    this.#peerLinesAt = at.getTime()
    if (this.#peerLines < 1) {
      this.#peersUntold++
      return []
    }
    this.#peerLines--
    const { dim } = this.#view.style
    const untold =
      this.#peersUntold === 0 ? [] : [dim(`… and ${this.#peersUntold} more came or left (list peers)`)]
    this.#peersUntold = 0
    const who = this.#view.peer(peer.id, peer.name)
    const line =
      type === 'peer:found'
        ? `${dim('+')} ${who}  ${endpoint(peer)} ${dim(peer.via.join(', '))}`
        : `${dim('-')} ${who}  ${dim('is gone')}`
    return [...untold, line]
  }

  #opened({ session }: EventOf<'session:opened'>): readonly string[] {
    if (this.#isAttachedTo(session)) return this.#hasEnded() ? [this.#view.style.dim('Connected again.')] : []
    if (!session.incoming) return []
    const { dim } = this.#view.style
    return [
      `${this.#view.peer(session.peerId)} opened a session ${dim(`(attach ${this.#view.session(session.id)})`)}`,
    ]
  }

  #closed({ session, code, reason }: EventOf<'session:closed'>): readonly string[] {
    this.#waiting.delete(session.id)
    const { dim } = this.#view.style
    const why = reason === '' ? `code ${code}` : displayText(reason)
    const line = `The session with ${this.#view.peer(session.peerId)} has ended ${dim(`(${why})`)}`
    if (this.#state.attached?.id !== session.id) return [line]
    return [`${line}. ${dim('The next line you send opens it again; /quit leaves.')}`]
  }

  #received({ message }: EventOf<'message:received'>): readonly string[] {
    if (this.#state.isAttachedTo(message.peerId)) return this.#view.message(message)
    const { dim } = this.#view.style
    const preview = displayText(message.text, { maxBytes: limits.shownPreviewBytes })
    const attach = dim(`(attach ${this.#view.session(message.sessionId)})`)
    return [`${dim(clock(message.sentAt))} ${this.#view.peer(message.peerId)} says: ${preview} ${attach}`]
  }

  #messagesWait({ sessionId, peerId, waiting }: EventOf<'message:waiting'>): readonly string[] {
    if (this.#waiting.has(sessionId)) return []
    this.#waiting.add(sessionId)
    const count = waiting === 1 ? '1 message waits' : `${waiting} messages wait`
    return [
      `${count} for ${this.#view.peer(peerId)}: it has not answered for long, and its client ends a session in which too much is unread. They leave when it answers.`,
    ]
  }

  #isAttachedTo({ peerId }: SessionInfo): boolean {
    return this.#state.isAttachedTo(peerId)
  }

  #hasEnded(): boolean {
    const { attached, node } = this.#state
    return attached !== undefined && node.sessions.find(attached.id)?.open !== true
  }
}
