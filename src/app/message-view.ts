import { limits } from '../base/limits.ts'
import { decodeOffer } from '../protocol/file-messages.ts'
import { stateOf, type Progress } from '../rules/outbox.ts'
import type { StoredMessage } from '../store/message-store.ts'
import type { Message, MessageState } from './node-event.ts'

/** What besides the message itself decides how it is shown. */
export interface MessageSetting {
  /** How far ours have come, and up to which place of theirs our user has read. */
  readonly progress: Progress & { readonly seen: number }
  /** When our message at this place was stored, by our clock; undefined when it is not there. */
  readonly writtenAtMs: (place: number) => number | undefined
  readonly sessionId?: string
}

/** A stored message as faces see it. */
export function toMessage(stored: StoredMessage, setting: MessageSetting): Message {
  const { id, peerId, incoming, text, sentAtMs, storedAtMs, failure = '', content } = stored
  const offer = content?.kind === 'offer' ? decodeOffer(content.bytes) : undefined
  return {
    id,
    peerId,
    sessionId: setting.sessionId ?? '',
    text,
    sentAt: new Date(sentAtMs),
    storedAt: new Date(storedAtMs),
    incoming,
    state: stateNow(stored, setting),
    reason: failure,
    oddClock: incoming && hasOddClock(stored, setting),
    ...(offer && { offer: offer.id }),
  }
}

function stateNow(stored: StoredMessage, { progress }: MessageSetting): MessageState {
  // What was imported has no place: it has left long ago.
  if (!stored.incoming && stored.place === 0 && stored.failure === undefined) return 'sent'
  if (!stored.incoming) return stateOf(stored, progress)
  return stored.place <= progress.seen ? 'read' : 'received'
}

/**
 * A message may have waited for days, so an early time proves nothing, unless it was written before the message of ours that
 * its author had already read. A time that is still to come is always odd.
 */
function hasOddClock({ sentAtMs, storedAtMs, after }: StoredMessage, setting: MessageSetting): boolean {
  if (sentAtMs > storedAtMs + limits.oddClockMs) return true
  if (after === 0 || sentAtMs >= storedAtMs - limits.oddClockMs) return false
  const writtenAtMs = setting.writtenAtMs(after)
  return writtenAtMs !== undefined && sentAtMs < writtenAtMs - limits.oddClockMs
}
