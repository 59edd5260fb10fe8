import { limits, type NodeEvent, type SessionInfo } from '../index.ts'
import { displayText } from './display-text.ts'
import type { ShellState } from './shell-state.ts'
import { trustLines } from './trust-narrator.ts'
import { clock, endpoint, type View } from './view.ts'

type EventOf<Type extends NodeEvent['type']> = Extract<NodeEvent, { type: Type }>

/** Nobody confirms messages: those that left into a network that had just failed are lost, and look sent. */
const connectionLost = 'connection lost; what was sent last may not have arrived'

/** Tells events to people, in as few lines as it takes. To be asked before `ShellState.note`. */
export class Narrator {
  readonly #state: ShellState
  readonly #view: View
  /** Sessions of which was told that messages wait in them. */
  readonly #waiting = new Set<string>()
  readonly #aboutPeers = new LineBudget('list peers')
  readonly #aboutSessions = new LineBudget('list sessions')
  /** Of their own, so that no flood of other lines hides that a person is waiting. */
  readonly #aboutVerifications = new LineBudget('trust')

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
      case 'verify:code':
        return this.#asked(event)
      case 'warning':
      case 'identity:made':
      case 'policy:changed':
      case 'trust:changed':
      case 'trust:succeeded':
      case 'verify:done':
        return trustLines(event, this.#state, this.#view)
      case 'node:started':
      case 'node:stopped':
      case 'peer:changed':
        return []
    }
  }

  #peer({ type, at, peer }: EventOf<'peer:found' | 'peer:lost'>): readonly string[] {
    const { dim } = this.#view.style
    const who = this.#view.peer(peer.id, peer)
    const found = `${dim('+')} ${who}  ${endpoint(peer)} ${dim(peer.via.join(', '))}`
    const line = type === 'peer:found' ? found : `${dim('-')} ${who} ${dim('is gone')}`
    return this.#unasked(line, at, this.#aboutPeers)
  }

  #opened({ at, session }: EventOf<'session:opened'>): readonly string[] {
    if (this.#isAttachedTo(session)) return this.#hasEnded() ? [this.#view.style.dim('Connected again.')] : []
    if (!session.incoming) return []
    const attach = this.#view.style.dim(`(attach ${this.#view.session(session.id)})`)
    return this.#unasked(
      `${this.#view.peer(session.peerId)} opened a session ${attach}`,
      at,
      this.#aboutSessions,
    )
  }

  #closed({ at, session, code, reason }: EventOf<'session:closed'>): readonly string[] {
    this.#waiting.delete(session.id)
    const { dim } = this.#view.style
    const why = displayText(reason) || (code === 1006 ? connectionLost : `code ${code}`)
    const line = `The session with ${this.#view.peer(session.peerId)} has ended ${dim(`(${why})`)}`
    if (this.#state.attached?.id !== session.id) return this.#unasked(line, at, this.#aboutSessions)
    return [`${line}.`, dim('The next line you send tries to open it again; /quit leaves.')]
  }

  #received({ at, message }: EventOf<'message:received'>): readonly string[] {
    if (this.#state.isAttachedTo(message.peerId)) return this.#view.message(message)
    const { dim } = this.#view.style
    const preview = displayText(message.text, { maxBytes: limits.shownPreviewBytes })
    const attach = dim(`(attach ${this.#view.session(message.sessionId)})`)
    const line = `${dim(clock(message.sentAt))} ${this.#view.peer(message.peerId)} says: ${preview} ${attach}`
    return this.#unasked(line, at, this.#aboutSessions)
  }

  #messagesWait({ sessionId, peerId, waiting }: EventOf<'message:waiting'>): readonly string[] {
    if (this.#waiting.has(sessionId)) return []
    this.#waiting.add(sessionId)
    const count = waiting === 1 ? '1 message waits' : `${waiting} messages wait`
    return [`${count} for ${this.#view.peer(peerId)}: it has not answered for long. They leave when it does.`]
  }

  #asked(event: EventOf<'verify:code'>): readonly string[] {
    const lines = trustLines(event, this.#state, this.#view)
    return lines.length === 0 ? [] : this.#unasked(lines.join('\n'), event.at, this.#aboutVerifications)
  }

  /** What somebody else caused; too much of it would leave no room for what one reads. */
  #unasked(text: string, at: Date, budget: LineBudget): readonly string[] {
    const untold = budget.take(at.getTime())
    if (untold === undefined) return []
    const lines = text.split('\n')
    return untold === 0 ? lines : [this.#view.style.dim(`… and ${untold} more (${budget.where})`), ...lines]
  }

  #isAttachedTo({ peerId }: SessionInfo): boolean {
    return this.#state.isAttachedTo(peerId)
  }

  #hasEnded(): boolean {
    const { attached, node } = this.#state
    return attached !== undefined && node.sessions.find(attached.id)?.open !== true
  }
}

/** How many lines of one kind may be shown; nothing is lost, as a command shows what became of them. */
class LineBudget {
  readonly where: string
  #left: number = limits.unaskedLineBurst
  #at = 0
  #untold = 0

  /** @param where the command that shows what was left out */
  constructor(where: string) {
    this.where = where
  }

  /** @returns how many lines were left out since the last one, or undefined when this one is to be left out too */
  take(atMs: number): number | undefined {
    const earned = (Math.max(0, atMs - this.#at) / 1_000) * limits.unaskedLinesPerSecond
    this.#left = Math.min(limits.unaskedLineBurst, this.#left + earned)
    this.#at = atMs
    if (this.#left < 1) {
      this.#untold++
      return undefined
    }
    this.#left--
    const untold = this.#untold
    this.#untold = 0
    return untold
  }
}
