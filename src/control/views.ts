import { errorTable, P2PError, type ErrorCode } from '../base/errors.ts'
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

/** What a node is asked, as JSON, which has no number for no limit. */
export function tellable(input: object): string {
  return JSON.stringify(input, (_name, value: unknown) => (value === Infinity ? null : value))
}

/** An error that the node has told, as it would have thrown it here. */
export function toldError(text: string): P2PError {
  const { error } = parseTold<{ readonly error?: { readonly code?: unknown; readonly message?: unknown } }>(
    text,
  )
  const { code, message } = error ?? {}
  const known = typeof code === 'string' && isCode(code) ? code : 'internal'
  return new P2PError(known, typeof message === 'string' ? message : 'The running p2p has failed.')
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code)
}
