import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { parseMessageId } from '../../protocol/message-id.ts'
import { isProvable, parsePeerId } from '../../protocol/peer-id.ts'
import type { ConversationRecord, MessageStore, StoredMessage } from '../message-store.ts'

/** What {@link MessageStore.restore} takes. */
type Restored = Omit<StoredMessage, 'row' | 'place' | 'after'>

/** Version of the lines. One that reads a higher number refuses it. */
const version = 1
/** Messages that are read or stored at once: few, since each may have `limits.textBytes`. */
const pageMessages = 64
/** What becomes of one of ours that was not known to have arrived: it is not sent again from here. */
const unconfirmed = 'its arrival was not confirmed before it was exported'

/**
 * All texts, oldest first, without offers and their answers, which nobody could accept elsewhere: one JSON object a line without its line break: `v` 1, `id`, `peer`, `incoming`, `text`, `sentAt`
 * and `storedAt` (ISO 8601), and, when one of ours did not arrive, `failure`. Messages that come in meanwhile may be missing.
 */
export async function* exportMessages(store: MessageStore): AsyncGenerator<string> {
  const lastRow = store.history({ limit: 1 })[0]?.row ?? 0
  let row = 0
  while (row < lastRow) {
    const page = store.history({ afterRow: row, limit: pageMessages })
    for (const message of page) {
      if (message.row <= lastRow && message.content === undefined)
        yield lineOf(message, store.conversation(message.peerId))
    }
    row = page.at(-1)?.row ?? lastRow
  }
}

/**
 * Stores what {@link exportMessages} wrote, behind what is there; never sends any of it. Known IDs are left out, so that the
 * same lines can be imported again when this ends early: what stands before the mistake is stored by then.
 *
 * @throws (by rejection) P2PError `usage` with the number of the line, `store-unwritable`
 */
export async function importMessages(
  store: MessageStore,
  lines: AsyncIterable<string> | Iterable<string>,
): Promise<{ readonly added: number; readonly skipped: number }> {
  let number = 0
  let added = 0
  let waiting: Restored[] = []
  const storeWaiting = async () => {
    added += (await store.restore(waiting)).length
    waiting = []
  }
  let read = 0
  for await (const line of lines) {
    number++
    if (line.trim() === '') continue
    const message = messageIn(line)
    if (typeof message === 'string') {
      await storeWaiting()
      throw new P2PError(
        'usage',
        `Line ${number} cannot be imported: ${message}. Correct or remove it, and import again.`,
      )
    }
    read++
    waiting.push(message)
    if (waiting.length >= pageMessages) await storeWaiting()
  }
  await storeWaiting()
  return { added, skipped: read - added }
}

function lineOf(message: StoredMessage, record: ConversationRecord | undefined): string {
  const { id, peerId, incoming, text, sentAtMs, storedAtMs, failure } = message
  return JSON.stringify({
    v: version,
    id,
    peer: peerId,
    incoming,
    text,
    sentAt: new Date(sentAtMs).toISOString(),
    storedAt: new Date(storedAtMs).toISOString(),
    failure: failure ?? (hasArrived(message, record) ? undefined : unconfirmed),
  })
}

function hasArrived(
  { peerId, incoming, place }: StoredMessage,
  record: ConversationRecord | undefined,
): boolean {
  if (incoming || record === undefined) return true
  return place <= (isProvable(peerId) ? record.delivered : record.sent)
}

/** The message in a line, or what is wrong with it. */
function messageIn(line: string): Restored | string {
  if (line.length > limits.importLineBytes) return 'it is too long'
  const fields = fieldsIn(line)
  if (fields === undefined) return 'it is no JSON object'
  if (fields['v'] !== version) return `"v" must be ${version}. Perhaps a newer p2p wrote it`
  const { incoming, text, failure } = fields
  const id = textIn(fields, 'id', parseMessageId)
  const peerId = textIn(fields, 'peer', parsePeerId)
  const sentAtMs = textIn(fields, 'sentAt', timeIn)
  const storedAtMs = textIn(fields, 'storedAt', timeIn)
  if (id === undefined) return '"id" must be 32 hexadecimal digits'
  if (peerId === undefined) return '"peer" must be the ID of a peer'
  if (typeof incoming !== 'boolean') return '"incoming" must be true or false'
  if (typeof text !== 'string' || Buffer.byteLength(text) > limits.textBytes)
    return `"text" must be a text of at most ${limits.textBytes} bytes`
  if (sentAtMs === undefined) return '"sentAt" must be a time such as 2026-01-31T12:00:00.000Z'
  if (storedAtMs === undefined) return '"storedAt" must be a time such as 2026-01-31T12:00:00.000Z'
  if (
    failure !== undefined &&
    (typeof failure !== 'string' || incoming || failure.length > limits.shownTextBytes)
  )
    return `"failure" must be a text of at most ${limits.shownTextBytes} characters, of a message of yours`
  return { id, peerId, incoming, text, sentAtMs, storedAtMs, failure }
}

function fieldsIn(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function textIn<Result>(
  fields: Readonly<Record<string, unknown>>,
  name: string,
  parse: (text: string) => Result | undefined,
): Result | undefined {
  const value = fields[name]
  return typeof value === 'string' ? parse(value) : undefined
}

/** Only the form that an export has: others mean different times in different places. */
function timeIn(text: string): number | undefined {
  const ms = Date.parse(text)
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text ? ms : undefined
}
