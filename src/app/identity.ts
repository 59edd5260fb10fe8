import { join, resolve } from 'node:path'
import { isP2PError } from '../base/errors.ts'
import { openDataDir, type DataDir } from '../identity/data-dir.ts'
import { loadIdentity, peekIdentity, rotateIdentity as rotate, type Identity } from '../identity/identity.ts'
import { formatInvitation } from '../identity/invitation.ts'
import { safetyNumberHalf } from '../identity/safety-number.ts'
import type { PeerId } from '../protocol/peer-id.ts'

/** What one may show of an identity: all but the private key. */
export interface IdentityCard {
  readonly id: PeerId
  /** Ed25519, 32 bytes in base64url. */
  readonly publicKey: string
  /** Thirty digits: this key's half of every safety number. */
  readonly safetyNumber: string
  /** `p2p:v1:<peer ID>:<key>`: what `node.trust.acceptInvitation` of somebody else takes, without a secret. */
  readonly invitation: string
}

/** The identity in a data directory. */
export interface StoredIdentity extends IdentityCard {
  /** The file with the private key, absolute. */
  readonly file: string
  /** Whether this call made it: there was none. */
  readonly made: boolean
}

const fileName = 'identity.pem'

export function identityCard({ id, publicKey: key }: Pick<Identity, 'id' | 'publicKey'>): IdentityCard {
  return {
    id,
    publicKey: Buffer.from(key).toString('base64url'),
    safetyNumber: safetyNumberHalf(key),
    invitation: formatInvitation({ id, key, secret: undefined }),
  }
}

/**
 * The identity of a data directory, also while a node runs on it; made when there is none.
 *
 * @throws P2PError `identity-invalid`, `data-dir-unusable`; `data-dir-busy` when another process is making it just now
 */
export async function readIdentity(dataDir: string): Promise<StoredIdentity> {
  try {
    await using opened = await openDataDir(dataDir)
    return stored(opened, loadIdentity(opened))
  } catch (error) {
    if (!isP2PError(error, 'data-dir-busy')) throw error
    // Loading would also clean up, and so get in the way of whoever holds the directory.
    const held = { file: (name: string) => join(resolve(dataDir), name) }
    const found = peekIdentity(held)
    if (found === undefined) throw error
    return { ...identityCard(found), file: held.file(fileName), made: false }
  }
}

/**
 * Gives a data directory a new key, and so a new ID. Nodes that start there tell contacts for `limits.successionMs` that
 * the old key named this one as its successor.
 *
 * @throws P2PError `data-dir-busy` while a node runs on it, `identity-invalid`, `data-dir-unusable`
 */
export async function rotateIdentity(
  dataDir: string,
): Promise<{ readonly identity: StoredIdentity; readonly formerId: PeerId }> {
  await using opened = await openDataDir(dataDir)
  const { identity, formerId } = rotate(opened)
  return { identity: stored(opened, identity), formerId }
}

function stored(dataDir: DataDir, identity: Identity): StoredIdentity {
  return { ...identityCard(identity), file: dataDir.file(fileName), made: identity.made }
}
