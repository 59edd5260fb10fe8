/** States for tests: what a screen may have to show. */
import type { Snapshot } from '../../src/control/view-state.ts'
import type {
  FileId,
  Message,
  OfferId,
  OfferInfo,
  Peer,
  PeerId,
  SharedFile,
  Transfer,
} from '../../src/index.ts'
import type { Size, State } from '../../src/tui/state.ts'
import { initialState } from '../../src/tui/step.ts'

export const alice = '7c21ab90-0000-8000-8000-000000000001' as PeerId
export const bob = '8d32bc01-0000-8000-8000-000000000002' as PeerId
/** An ID that is cut from no key. */
export const reference = '1e000000-0000-4000-8000-000000000003' as PeerId

const now = new Date()

export function peerOf(id: PeerId, name: string, more: Partial<Peer> = {}): Peer {
  const isReference = id === reference
  return {
    id,
    name,
    address: '10.0.0.1',
    port: 8001,
    kind: isReference ? 'reference' : 'p2p',
    protection: isReference ? 'none' : 'encrypted',
    trust: 'seen',
    alias: '',
    via: ['multicast'],
    paths: [],
    seenAt: now,
    ...more,
  }
}

let messages = 0

export function messageOf(peerId: PeerId, text: string, more: Partial<Message> = {}): Message {
  const id = String(messages++).padStart(32, '0')
  const rest = { sessionId: '', sentAt: now, storedAt: now, reason: '', oddClock: false }
  return { id, peerId, text, incoming: true, state: 'received', ...rest, ...more }
}

export function offerFrom(peerId: PeerId, name = 'photos'): OfferInfo {
  return {
    id: 'ab'.repeat(16) as OfferId,
    peerId,
    incoming: true,
    at: now,
    entries: [{ name, kind: 'folder', sizeBytes: 0, files: 12, id: undefined }],
    totalBytes: 1_000_000,
    state: 'open',
    reason: '',
  }
}

export function sharedFile(peerId: PeerId, path: string, kind: SharedFile['kind']): SharedFile {
  const id = kind === 'file' ? ('cd'.repeat(32) as FileId) : undefined
  return { peerId, path, kind, sizeBytes: 1_000, modifiedAtMs: 0, id }
}

export function transferOf(peerId: PeerId, more: Partial<Transfer> = {}): Transfer {
  return {
    id: 'transfer',
    direction: 'in',
    peerId,
    path: 'film.mp4',
    state: 'active',
    reason: '',
    bytes: 500_000,
    totalBytes: 1_000_000,
    files: 0,
    totalFiles: 1,
    bytesPerSecond: 100_000,
    sources: [],
    ...more,
  }
}

export function stateOf(more: Partial<Snapshot>, size: Size = { columns: 80, rows: 24 }): State {
  const snapshot: Snapshot = {
    version: '0.0.0',
    node: { id: bob, name: 'desk', port: 8001, addresses: ['10.0.0.2'], policy: 'open' },
    identity: { id: bob, publicKey: '', safetyNumber: '' } as Snapshot['identity'],
    peers: [],
    sessions: [],
    contacts: [],
    conversations: [],
    verifications: [],
    shares: [],
    offers: [],
    transfers: [],
    limits: { download: Infinity, upload: Infinity, perPeer: Infinity, active: 3 },
    ...more,
  }
  return initialState(snapshot, size)
}
