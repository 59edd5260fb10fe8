/** Pins and files for the tests of src/store. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { parsePeerId, peerIdFromDigest, peerIdPreimage, type PeerId } from '../../src/protocol/peer-id.ts'
import type { Pin } from '../../src/store/trust-store.ts'

function sha256(bytes: Uint8Array | string): Buffer {
  return createHash('sha256').update(bytes).digest()
}

/** A key and its ID; the same for the same number. */
export function peer(number: number): { readonly id: PeerId; readonly key: Uint8Array } {
  const key = Uint8Array.from(sha256(`peer ${number}`))
  return { id: peerIdFromDigest(sha256(peerIdPreimage(key))), key }
}

/** A peer that was met once at a time that its number tells. */
export function pin(number: number, changes: Partial<Pin> = {}): Pin {
  return {
    ...peer(number),
    trust: 'seen',
    alias: '',
    method: undefined,
    since: new Date(1_700_000_000_000 + number),
    metAt: new Date(1_700_000_000_000 + number),
    protocol: 1,
    counter: 0,
    successor: undefined,
    ...changes,
  }
}

export const verified = { trust: 'verified', method: 'code' } as const

export function referencePin(): Pin {
  const id = parsePeerId('00000000-0000-4000-8000-000000000001')
  if (id === undefined) throw new Error('not an ID')
  return { ...pin(0), id, key: undefined, trust: 'blocked' }
}

/** The path of a file in a new directory of its own. */
export function trustPath(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-store-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'trust.db')
}

/** Source for a program of its own: imports what the tests here use. */
export const childPrelude = `
  import { openTrustStore } from ${JSON.stringify(import.meta.resolve('../../src/store/trust-store.ts'))}
  import { pin, verified } from ${JSON.stringify(import.meta.url)}`
