import { isP2PError, type ErrorCode, type P2PError } from '../../base/errors.ts'

/** Codes of what passes by itself. A host that ends hangs up in the middle of a handshake, and its address may be another's for a while. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'peer-unreachable',
  'peer-unknown',
  'too-many',
  'timeout',
  'insecure-connection',
  'identity-mismatch',
  'not-a-peer',
])

/** Whether somebody only has to come, or to have time: another attempt may succeed. After other errors it will not. */
export function isPassing(error: unknown): error is P2PError {
  return isP2PError(error) && passing.has(error.code)
}
