import { openDataDir } from '../identity/data-dir.ts'
import { ephemeralIdentity, loadIdentity, type Identity } from '../identity/identity.ts'
import { openTrustStore, type TrustStore } from '../store/trust-store.ts'

/** What belongs to one node alone: who it is, and what it knows of others. */
export interface Own {
  readonly identity: Identity
  readonly store: TrustStore
}

/**
 * Takes a data directory, or does without.
 *
 * @throws P2PError `data-dir-busy`, `data-dir-unusable`, `identity-invalid`
 */
export async function openOwn(dataDir: string | undefined, opened: AsyncDisposableStack): Promise<Own> {
  if (dataDir === undefined) {
    return { identity: ephemeralIdentity(), store: opened.use(await openTrustStore({ path: undefined })) }
  }
  const directory = opened.use(await openDataDir(dataDir))
  const identity = loadIdentity(directory)
  return { identity, store: opened.use(await openTrustStore({ path: directory.file('trust.db') })) }
}
