import type { Session, SessionInfo, Verification } from '../index.ts'

/** A session as it travels. */
export interface SessionView extends SessionInfo {
  readonly openedAt: Date
}

/** A verification that waits for our user, as it travels. */
export type VerificationView = Pick<Verification, 'peerId' | 'code' | 'method' | 'incoming'>

export function sessionView({ id, peerId, incoming, protection, openedAt }: Session): SessionView {
  return { id, peerId, incoming, protection, openedAt }
}

export function verificationView({ peerId, code, method, incoming }: VerificationView): VerificationView {
  return { peerId, code, method, incoming }
}

const dateFields = new Set(['at', 'since', 'seenAt', 'sentAt', 'storedAt', 'openedAt', 'expiresAt'])
const rateFields = new Set(['download', 'upload', 'perPeer'])

/** For `JSON.parse` of what a node has said: times are dates again, and no limit is Infinity. */
function revive(this: unknown, name: string, value: unknown): unknown {
  if (typeof value === 'string' && dateFields.has(name)) return new Date(value)
  return value === null && rateFields.has(name) ? Infinity : value
}

/**
 * What our own node has said to us, as what it is: it checks its types itself, and it is the same version or refuses.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- whoever asks knows what is answered
export function parseTold<Told>(text: string): Told {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return JSON.parse(text, revive) as Told
}
