import { openDataDir } from '../identity/data-dir.ts'
import { ephemeralIdentity, loadIdentity, type Identity } from '../identity/identity.ts'
import { openMessageStore, type MessageStore } from '../store/message-store.ts'
import { openShareStore, type ShareStore } from '../store/share-store.ts'
import { openTransferStore, type TransferStore } from '../store/transfer-store.ts'
import { openTrustStore, type TrustStore } from '../store/trust-store.ts'

/** What belongs to one node alone: who it is, what it knows of others, what was said, and what of its files is shared and on its way. */
export interface Own {
  readonly identity: Identity
  readonly store: TrustStore
  readonly messages: MessageStore
  readonly shares: ShareStore
  readonly transfers: TransferStore
}

/**
 * Takes a data directory, or does without.
 *
 * @throws P2PError `data-dir-busy`, `data-dir-unusable`, `identity-invalid`
 */
export async function openOwn(dataDir: string | undefined, opened: AsyncDisposableStack): Promise<Own> {
  if (dataDir === undefined) {
    return { identity: ephemeralIdentity(), ...(await openStores(() => undefined, opened)) }
  }
  const directory = opened.use(await openDataDir(dataDir))
  const identity = loadIdentity(directory)
  return { identity, ...(await openStores((name) => directory.file(name), opened)) }
}

async function openStores(
  file: (name: string) => string | undefined,
  opened: AsyncDisposableStack,
): Promise<Omit<Own, 'identity'>> {
  const store = opened.use(await openTrustStore({ path: file('trust.db') }))
  return {
    store,
    messages: opened.use(await openMessageStore({ path: file('messages.db') })),
    shares: opened.use(await openShareStore({ path: file('shares.db') })),
    transfers: opened.use(await openTransferStore({ path: file('transfers.db') })),
  }
}
