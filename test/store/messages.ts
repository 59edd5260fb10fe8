/** Messages and files for the tests of src/store. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { messageIdFromBytes, type MessageId } from '../../src/protocol/message-id.ts'
import { parsePeerId, type PeerId } from '../../src/protocol/peer-id.ts'
import type { NewMessage } from '../../src/store/message-store.ts'
import { peer } from './pins.ts'

/** The ID of a message; the same for the same name. */
export function messageId(name: string | number): MessageId {
  const id = messageIdFromBytes(createHash('sha256').update(`message ${name}`).digest().subarray(0, 16))
  if (id === undefined) throw new Error('not an ID')
  return id
}

export const ann: PeerId = peer(1).id
export const bo: PeerId = peer(2).id
/** A peer that confirms nothing. */
export const reference: PeerId = (() => {
  const id = parsePeerId('00000000-0000-4000-8000-000000000007')
  if (id === undefined) throw new Error('not an ID')
  return id
})()

/** What we say to `ann` at a place, unless `changes` say otherwise. */
export function message(place: number, changes: Partial<NewMessage> = {}): NewMessage {
  const { incoming = false, peerId = ann } = changes
  return {
    id: messageId(`${peerId} ${incoming} ${place}`),
    peerId,
    incoming,
    place,
    after: 0,
    text: `text ${place}`,
    sentAtMs: 1_700_000_000_000 + place,
    ...changes,
  }
}

/** What `ann` says to us. */
export function theirs(place: number, changes: Partial<NewMessage> = {}): NewMessage {
  return message(place, { incoming: true, ...changes })
}

/** The path of a file in a new directory of its own. */
export function messagesPath(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-messages-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'messages.db')
}

/** Source for a program of its own: imports what the tests here use. */
export const messagesPrelude = `
  import { openMessageStore } from ${JSON.stringify(import.meta.resolve('../../src/store/message-store.ts'))}
  import { ann, message, theirs } from ${JSON.stringify(import.meta.url)}`
