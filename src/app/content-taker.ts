import type { PeerId } from '../protocol/peer-id.ts'
import type { MessageContent } from '../protocol/message.ts'
import type { NewMessage, StoredMessage } from '../store/message-store.ts'

/** A message that carries something instead of a text. */
export type Carrier<Kind extends NewMessage | StoredMessage = StoredMessage> = Kind & {
  readonly content: MessageContent
}

/** Takes what messages carry instead of a text: offers, and answers to them. */
export interface ContentTaker {
  /**
   * Keeps what the peer has said before the message itself is stored and confirmed, so that nothing of it can get lost. The same may come
   * again, when the peer has not heard that it is here.
   *
   * @throws (by rejection) P2PError `store-unwritable`
   */
  keep(messages: readonly Carrier<NewMessage>[]): Promise<void>
  /** A message of the peer is on the disk. */
  arrived(message: Carrier): void
  /** Our user has withdrawn one of ours before it left. */
  withdrawn(message: Carrier): void
  /** What was said with a peer is deleted; nothing of it leaves any more. */
  deleted(peerId: PeerId): void
  /** What was said with a peer goes on under its new ID. @throws (by rejection) P2PError `store-unwritable` */
  moved(from: PeerId, to: PeerId): Promise<void>
}

export function isCarrier<Kind extends NewMessage | StoredMessage>(message: Kind): message is Carrier<Kind> {
  return message.content !== undefined
}

/** Whether people see a message; answers are for nodes alone. */
export function isVisible({ content }: Pick<NewMessage, 'content'>): boolean {
  return content?.kind !== 'answer'
}
