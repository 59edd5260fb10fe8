import type { OfferEntry } from '../../protocol/file-messages.ts'
import type { StoredOffer } from '../../store/transfer-store.ts'
import type { OfferInfo, Transfer, TransferState } from './types.ts'

/** An offer as faces see it. */
export function toOfferInfo(offer: StoredOffer): OfferInfo {
  const { id, peerId, incoming, atMs, entries, state, reason } = offer
  return { id, peerId, incoming, at: new Date(atMs), entries, totalBytes: bytesIn(entries), state, reason }
}

/** Bytes of everything that is offered. */
export function bytesIn(entries: readonly OfferEntry[]): number {
  return entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

/** What is offered, in a few words. */
export function nameOf([first, ...others]: readonly OfferEntry[]): string {
  const name = first?.name ?? ''
  return others.length > 0 ? `${name} and ${others.length} more` : name
}

const states: Readonly<Record<StoredOffer['state'], TransferState>> = {
  open: 'waiting',
  accepted: 'active',
  received: 'done',
  failed: 'failed',
  declined: 'failed',
  withdrawn: 'cancelled',
}

const reasons: Readonly<Partial<Record<StoredOffer['state'], string>>> = {
  open: 'It was not answered yet.',
  declined: 'It was declined.',
}

/** An offer of ours as a transfer; it has the same ID. */
export function toOutgoing(
  offer: StoredOffer,
  { bytes, bytesPerSecond }: { readonly bytes: number; readonly bytesPerSecond: number },
): Transfer {
  const { id, peerId, entries, state, reason } = offer
  const totalBytes = bytesIn(entries)
  const totalFiles = entries.reduce((sum, { files }) => sum + files, 0)
  return {
    id,
    direction: 'out',
    peerId,
    path: nameOf(entries),
    state: states[state],
    reason: reason === '' ? (reasons[state] ?? '') : reason,
    // What the receiver had already, or got from others, was never asked of us.
    bytes: state === 'received' ? totalBytes : Math.min(bytes, totalBytes),
    totalBytes,
    files: state === 'received' ? totalFiles : 0,
    totalFiles,
    bytesPerSecond: state === 'accepted' ? bytesPerSecond : 0,
    sources: [],
    offerId: id,
  }
}
