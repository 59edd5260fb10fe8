import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { sameBytes, scanMac, scanVerdictMac } from '../identity/short-code.ts'
import type { ProvedPeer } from '../transport/transport.ts'
import type { PairingChannel } from '../transport/channel.ts'
import type { Contact } from './node-event.ts'
import { PairingTalk } from './pairing-talk.ts'
import type { TrustBook } from './trust-book.ts'
import { endsOf, isScanVerdict } from './verification.ts'

/** A QR code that our user has scanned, and what is needed to tell of it. */
export interface Scan {
  readonly self: ProvedPeer
  readonly book: TrustBook
  /** Who shows the code, as the code says. */
  readonly peer: ProvedPeer
  readonly secret: Uint8Array
  readonly verifyMs: number
  readonly signal: AbortSignal
  /** Opens a connection for pairing with that peer. @throws like `P2PNode.connect` */
  readonly pair: () => Promise<PairingChannel>
}

/**
 * Proves to the shower of a QR code that we have scanned it, and waits for what its user says. It is verified here before that.
 *
 * @throws P2PError `identity-mismatch`, `verification-failed`, and like `Scan.pair` and `TrustBook.verified`
 */
export async function tellOfScan(scan: Scan): Promise<Contact> {
  const { self, book, peer, secret, verifyMs, signal } = scan
  const talk = new PairingTalk(await scan.pair())
  const giveUp = (): void => talk.close('failed')
  const timer = setTimeout(giveUp, verifyMs).unref()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    if (!sameBytes(talk.peer.key, peer.key)) throw otherKey(book.nameOf(peer.id))
    const contact = keepScanned(book, talk.peer)
    const ends = endsOf(talk, self)
    talk.send({ kind: 'scan', mac: scanMac(secret, ends) })
    const answer = await talk.next()
    signal.throwIfAborted()
    if (!isScanVerdict(answer, secret, ends) || !answer.same) throw notConfirmed(book.nameOf(peer.id))
    return contact
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
    talk.close('done')
  }
}

/** Answers who has scanned our QR code yes without asking: our user has scanned the code of that very key. */
export function answerScan(
  talk: PairingTalk,
  { self, book, secret }: Pick<Scan, 'self' | 'book' | 'secret'>,
): void {
  try {
    keepScanned(book, talk.peer)
    talk.send({ kind: 'verdict', same: true, mac: scanVerdictMac(secret, endsOf(talk, self), true) })
    talk.close('done')
  } catch {
    // Then our own scan cannot be kept either, which tells of it.
    talk.close('failed')
  }
}

/** Whether a peer with this very key was verified by a QR code as long ago as two people need to scan each other. */
export function isJustScanned(book: TrustBook, peer: ProvedPeer): boolean {
  const pin = book.pin(peer.id)
  const isRecent = pin !== undefined && Date.now() - pin.since.getTime() < limits.verifyMs
  return isRecent && pin.method === 'qr' && book.fits(peer)
}

/** When two scan each other, the connection of the other one may have been the first. */
function keepScanned(book: TrustBook, peer: ProvedPeer): Contact {
  const kept = isJustScanned(book, peer) ? book.find(peer.id) : undefined
  return kept ?? book.verified(peer, 'qr')
}

function otherKey(name: string): P2PError {
  return new P2PError(
    'identity-mismatch',
    `${name} has proved another key than the one in its QR code. Nothing was verified. Do not trust it, and ask the person.`,
  )
}

function notConfirmed(name: string): P2PError {
  return new P2PError(
    'verification-failed',
    `${name} is verified here, but the other side has not confirmed you: its code was used up or too old, its user said no, or it could not keep it, or was busy. Scan a new one.`,
  )
}
