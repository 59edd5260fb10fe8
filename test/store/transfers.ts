/** Transfers and offers for the tests of src/store. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileIdFromRoot, type FileId } from '../../src/protocol/file-id.ts'
import { parseOfferId, type OfferId } from '../../src/protocol/offer-id.ts'
import type { StoredOffer, StoredTransfer, TransferFile } from '../../src/store/transfer-store.ts'
import { ann } from './messages.ts'

/** The ID of a content; the same for the same name. */
export function fileId(name: string | number): FileId {
  const id = fileIdFromRoot(createHash('sha256').update(`file ${name}`).digest())
  if (id === undefined) throw new Error('not an ID')
  return id
}

export function offerId(number: number): OfferId {
  const id = parseOfferId(number.toString(16).padStart(32, '0'))
  if (id === undefined) throw new Error('not an ID')
  return id
}

export function transferId(number: number): string {
  return (number + 256).toString(16).padStart(32, '0')
}

export function transfer(number: number, changes: Partial<StoredTransfer> = {}): StoredTransfer {
  return {
    id: transferId(number),
    peerId: ann,
    offer: undefined,
    path: `photos/${number}`,
    into: '/home/user/Downloads',
    existing: 'rename',
    state: 'queued',
    reason: '',
    savedAs: undefined,
    bytes: 0,
    totalBytes: 0,
    files: 0,
    totalFiles: 0,
    listedAfter: '',
    askedAtMs: 1_700_000_000_000 + number,
    endedAtMs: undefined,
    ...changes,
  }
}

export function transferFile(number: number, changes: Partial<TransferFile> = {}): TransferFile {
  return {
    number,
    path: `folder/${number}.jpg`,
    sizeBytes: 1000 + number,
    modifiedAtMs: 1_600_000_000_000.25,
    id: fileId(number),
    target: undefined,
    state: 'open',
    reason: '',
    ...changes,
  }
}

export function offer(number: number, changes: Partial<StoredOffer> = {}): StoredOffer {
  return {
    id: offerId(number),
    peerId: ann,
    incoming: true,
    entries: [
      { name: 'ä\u{1F600}.txt', kind: 'file', sizeBytes: 5, files: 1, id: fileId(number) },
      { name: 'folder', kind: 'folder', sizeBytes: 2 ** 52, files: 7, id: undefined },
    ],
    state: 'open',
    reason: '',
    atMs: 1_700_000_000_000 + number,
    sentBytes: 0,
    ...changes,
  }
}

/** The path of a file in a new directory of its own. */
export function storePath(t: TestContext, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-store-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, name)
}
