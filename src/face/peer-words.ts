import type { Contact, Peer, PeerId, Protection, TrustState } from '../index.ts'
import { isProvable } from '../protocol/peer-id.ts'
import { displayText } from './display-text.ts'

/** What is said beside a name that a peer has given itself. */
export const trustWords = {
  unknown: 'unverified',
  seen: 'unverified',
  succeeded: 'unverified',
  verified: 'verified',
  replaced: 'replaced',
  blocked: 'blocked',
} as const satisfies Readonly<Record<TrustState, string>>

/** How talk with a peer is protected. */
export const protectionWords = {
  none: 'not protected',
  encrypted: 'encrypted',
  verified: 'verified',
} as const satisfies Readonly<Record<Protection, string>>

/** What talk with somebody is protected by: of a peer that is here, as it is; else, as it will be. */
export function protectionOf(
  peerId: PeerId,
  peer: Pick<Peer, 'protection'> | undefined,
  contact: Pick<Contact, 'trust'> | undefined,
): Protection {
  if (peer !== undefined) return peer.protection
  if (!isProvable(peerId)) return 'none'
  return contact?.trust === 'verified' ? 'verified' : 'encrypted'
}

/** What somebody says of itself, in quotes that it cannot close. */
export function claim(name: string): string {
  return `"${displayText(name).replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

/** An address and a port, as they are typed. */
export function endpoint({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
