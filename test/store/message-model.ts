/** What a message store has to do, told as simply as possible: an array and loops over it. */
import type { MessageId } from '../../src/protocol/message-id.ts'
import { isProvable, type PeerId } from '../../src/protocol/peer-id.ts'
import type {
  ConversationRecord,
  NewMessage,
  StoredMessage,
  Watermarks,
} from '../../src/store/message-store.ts'

type Marks = Record<'sent' | 'delivered' | 'read' | 'received' | 'seen' | 'lastPlace' | 'seenRow', number> & {
  stream: bigint
  peerStream: bigint
}

interface Load {
  readonly messages: number
  readonly answers: number
  readonly bytes: number
}

function weigh(messages: readonly StoredMessage[]): Load {
  return {
    messages: messages.length,
    answers: messages.filter((one) => one.content?.kind === 'answer').length,
    bytes: messages.reduce(
      (sum, one) => sum + Buffer.byteLength(one.text) + (one.content?.bytes.length ?? 0),
      0,
    ),
  }
}

export class MessageModel {
  messages: StoredMessage[] = []
  readonly #marks = new Map<PeerId, Marks>()
  #row = 0

  add(messages: readonly NewMessage[], storedAtMs: number): void {
    for (const message of messages) {
      const marks = this.#of(message.peerId)
      if (message.incoming) marks.received = Math.max(marks.received, message.place)
      else marks.lastPlace = Math.max(marks.lastPlace, message.place)
      const isKnown = this.messages.some(
        (one) => one.id === message.id && one.peerId === message.peerId && one.incoming === message.incoming,
      )
      if (!isKnown) this.messages.push({ ...message, storedAtMs, failure: undefined, row: ++this.#row })
    }
  }

  mark(peerId: PeerId, { stream, peerStream, ...rest }: Watermarks): void {
    const marks = this.#of(peerId)
    const isNew = stream !== undefined && stream !== marks.stream
    if (peerStream !== undefined && peerStream !== marks.peerStream)
      Object.assign(marks, { peerStream, received: 0, seen: 0 })
    if (stream !== undefined) marks.stream = stream
    for (const name of ['sent', 'delivered', 'read', 'received', 'seen'] as const) {
      const wanted = rest[name] ?? marks[name]
      const isOurs = name === 'sent' || name === 'delivered' || name === 'read'
      const moved = isOurs && isNew ? wanted : Math.max(wanted, marks[name])
      const most = isOurs ? marks.lastPlace : name === 'seen' ? marks.received : moved
      marks[name] = Math.min(moved, most)
    }
    if (rest.seen === undefined) return
    const isAll = marks.seen >= marks.received
    for (const one of this.of(peerId))
      if (isAll || (one.incoming && one.place <= marks.seen)) marks.seenRow = Math.max(marks.seenRow, one.row)
  }

  fail(id: MessageId, failure: string): boolean {
    const index = this.messages.findIndex(
      (one) => one.id === id && !one.incoming && one.content?.kind !== 'answer',
    )
    const one = this.messages[index]
    if (one === undefined || !this.#isPending(one)) return false
    this.messages[index] = { ...one, failure }
    return true
  }

  renameConversation(from: PeerId, to: PeerId): void {
    this.messages = this.messages.map((one) => (one.peerId === from ? { ...one, peerId: to } : one))
    const marks = this.#marks.get(from)
    this.#marks.delete(from)
    if (marks !== undefined) this.#marks.set(to, marks)
  }

  deleteConversation(peerId: PeerId): void {
    this.messages = this.messages.filter((one) => one.peerId !== peerId)
    this.#marks.delete(peerId)
  }

  deleteBefore(storedAtMs: number): number {
    const kept = this.messages.filter((one) => one.storedAtMs >= storedAtMs || this.#isPending(one))
    const count = this.messages.length - kept.length
    this.messages = kept
    return count
  }

  /** What people see. */
  get visible(): readonly StoredMessage[] {
    return this.messages.filter((one) => one.content?.kind !== 'answer')
  }

  /** Answers too. */
  of(peerId: PeerId): readonly StoredMessage[] {
    return this.messages.filter((one) => one.peerId === peerId)
  }

  visibleOf(peerId: PeerId): readonly StoredMessage[] {
    return this.visible.filter((one) => one.peerId === peerId)
  }

  heard(peerId: PeerId): { messages: number; bytes: number } {
    const { messages, bytes } = weigh(this.of(peerId).filter((one) => one.incoming))
    return { messages, bytes }
  }

  outgoing(peerId: PeerId, above: number): readonly StoredMessage[] {
    return this.of(peerId)
      .filter((one) => !one.incoming && one.failure === undefined && one.place > above)
      .toSorted((a, b) => a.place - b.place || a.row - b.row)
  }

  idAt(peerId: PeerId, incoming: boolean, place: number): MessageId | undefined {
    return this.of(peerId).findLast((one) => one.incoming === incoming && one.place === place)?.id
  }

  pending(peerId?: PeerId): Load {
    return weigh(
      this.messages.filter((one) => (peerId === undefined || one.peerId === peerId) && this.#isPending(one)),
    )
  }

  records(): readonly ConversationRecord[] {
    return [...this.#marks].map(([peerId, { seenRow, ...marks }]) => {
      const unread = this.visibleOf(peerId).filter(
        (one) => one.incoming && one.place > 0 && one.row > seenRow,
      ).length
      return Object.assign(marks, { peerId, unread, lastRow: this.visibleOf(peerId).at(-1)?.row ?? 0 })
    })
  }

  #isPending({ peerId, incoming, place, failure }: StoredMessage): boolean {
    const { sent, delivered } = this.#of(peerId)
    return !incoming && failure === undefined && place > (isProvable(peerId) ? delivered : sent)
  }

  #of(peerId: PeerId): Marks {
    const known = this.#marks.get(peerId)
    if (known !== undefined) return known
    const marks: Marks = {
      sent: 0,
      delivered: 0,
      read: 0,
      received: 0,
      seen: 0,
      lastPlace: 0,
      seenRow: 0,
      stream: 0n,
      peerStream: 0n,
    }
    this.#marks.set(peerId, marks)
    return marks
  }
}
