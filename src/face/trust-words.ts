import type { ErrorInfo, Policy } from '../index.ts'

/** What each policy means, for people. */
export const policyMeanings: Readonly<Record<Policy, string>> = {
  open: 'everybody; talk with reference peers is not protected',
  encrypted: 'only peers that prove who they are, and always encrypted',
  trusted: 'only peers that you have verified; with others you can only verify',
}

/** That nobody can be sure who answers is said first, and never quietly (T11). */
export function loudPrefix(code: ErrorInfo['code']): string {
  return code === 'insecure-connection' || code === 'identity-mismatch' ? 'SECURE CONNECTION FAILED: ' : ''
}
