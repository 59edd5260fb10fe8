import { randomBytes } from 'node:crypto'
import { P2PError } from '../base/errors.ts'
import { messageIdFromBytes, type MessageId } from '../protocol/message-id.ts'

const timeBytes = 6

/**
 * A new ID: the time in its first 6 bytes, the other 10 random. The time is for stores alone: IDs that grow keep the index
 * of them in few pages, which makes storing three times as fast (docs/decisions/0015-messages-in-sqlite.md). Nobody reads it.
 */
export function newMessageId(nowMs: number): MessageId {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(Math.min(Math.max(0, Math.trunc(nowMs)), 2 ** 48 - 1), 0, timeBytes)
  randomBytes(16 - timeBytes).copy(bytes, timeBytes)
  const id = messageIdFromBytes(bytes)
  if (id === undefined) throw new P2PError('internal', 'No ID was made for a message.')
  return id
}
