import { limits } from '../base/limits.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { ConversationRecord, MessageStore, StoredMessage } from '../store/message-store.ts'

/**
 * Carries a conversation on under the new ID of the same person. Both ends keep their streams, as a new key changes nothing
 * about what is stored. If something was said under the new ID already, it comes behind the rest.
 *
 * Everything is written in this tick, and so in one piece.
 *
 * @throws P2PError `store-unwritable`; nothing has changed then
 */
export async function moveConversation(store: MessageStore, from: PeerId, to: PeerId): Promise<void> {
  const [old, next] = [store.conversation(from), store.conversation(to)]
  if (old === undefined) return
  const behind = next === undefined ? [] : everythingWith(store, to)
  const writes: Promise<unknown>[] = []
  if (next !== undefined) writes.push(store.deleteConversation(to))
  writes.push(store.renameConversation(from, to))
  if (next !== undefined) writes.push(...append({ store, behind, next, lastPlace: old.lastPlace }))
  const done = await Promise.allSettled(writes)
  for (const write of done) if (write.status === 'rejected') throw write.reason
}

function everythingWith(store: MessageStore, peerId: PeerId): readonly StoredMessage[] {
  const found: StoredMessage[] = []
  for (;;) {
    const afterRow = found.at(-1)?.row ?? 0
    const page = store.history({ peerId, afterRow, limit: limits.historyPage, answers: true })
    if (page.length === 0) return found
    found.push(...page)
  }
}

interface Appended {
  readonly store: MessageStore
  readonly behind: readonly StoredMessage[]
  /** Where the conversation stood that they were in. */
  readonly next: ConversationRecord
  /** Place of our last message in the one that they come to. */
  readonly lastPlace: number
}

/** What is settled takes no place any more; the rest of ours gets the next ones, and of theirs keeps them. */
function append({ store, behind, next, lastPlace }: Appended): readonly Promise<unknown>[] {
  const { peerId, peerStream, received, seen, delivered } = next
  const writes: Promise<unknown>[] = []
  if (peerStream !== 0n) writes.push(store.mark(peerId, { peerStream, received }))
  let place = lastPlace
  for (const message of behind) {
    const isOpen = message.incoming
      ? message.place > seen
      : message.place > delivered && message.failure === undefined
    if (!isOpen) writes.push(store.restore([message]))
    else writes.push(store.add([message.incoming ? message : { ...message, place: ++place }]))
  }
  return writes
}
