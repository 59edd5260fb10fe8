import { existsSync } from 'node:fs'
import type { PeerId } from '../protocol/peer-id.ts'
import type { DataDir } from './data-dir.ts'
import { loadFormerIdentities, writeFormerIdentity, type FormerIdentity } from './former-identities.ts'
import { invalidKeyFile, readKeyFile, writeKeyFile } from './key-file.ts'
import { KeyPair } from './key-pair.ts'
import { formatKeyText, parseKeyText, type KeyText } from './key-text.ts'
import { makeSuccession } from './succession.ts'

/** Who this node is, and how it proves it. */
export interface Identity {
  readonly id: PeerId
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  readonly credentials: KeyPair
  /** Whether this call wrote a new identity into the data directory. */
  readonly made: boolean
  /** Whether the data directory has a file `id`, of the reference or an earlier p2p. It is neither read nor changed. */
  readonly leavesIdFile: boolean
  /** Who it was before, oldest first: those whose successors are still to be told of. */
  readonly former: readonly FormerIdentity[]
}

const fileName = 'identity.pem'

/**
 * The identity in the file `identity.pem`; at the very first start it is made and written there. A file that is there and
 * cannot be used is never replaced: its owner would silently become somebody else (K2).
 *
 * @param nowMs wall clock, which decides how long former identities are kept
 * @throws P2PError `identity-invalid` with the file, what is wrong with it and what to do; `data-dir-unusable`
 */
export function loadIdentity(dataDir: DataDir, nowMs = Date.now()): Identity {
  const found = readCurrent(dataDir)
  const keyPair = found?.keyPair ?? KeyPair.make()
  if (found === undefined) writeKeyFile(dataDir.file(fileName), formatKeyText(keyPair))
  return {
    ...identityOf(keyPair),
    made: found === undefined,
    leavesIdFile: existsSync(dataDir.file('id')),
    former: loadFormerIdentities(dataDir, { keyPair, nowMs }),
  }
}

/**
 * Who the node of a data directory is, also while another process has that: reads `identity.pem` and changes nothing.
 * Undefined when there is none.
 *
 * @throws like {@link loadIdentity}
 */
export function peekIdentity(dataDir: Pick<DataDir, 'file'>): Pick<Identity, 'id' | 'publicKey'> | undefined {
  const found = readCurrent(dataDir)
  return found && { id: found.keyPair.id, publicKey: found.keyPair.key }
}

/** An identity that ends with the process. */
export function ephemeralIdentity(): Identity {
  return { ...identityOf(KeyPair.make()), made: false, leavesIdFile: false, former: [] }
}

/** What a rotation did. */
export interface Rotation {
  readonly identity: Identity
  readonly formerId: PeerId
}

/**
 * Gives the node a new key, and with it a new ID. The old key signs who succeeds it and is kept for
 * `limits.successionMs`, to tell those who knew it. Killed at any moment, either the old or the new identity is whole.
 *
 * @param nowMs wall clock
 * @throws like {@link loadIdentity}
 */
export function rotateIdentity(dataDir: DataDir, nowMs = Date.now()): Rotation {
  const current = readCurrent(dataDir)
  const from = current?.keyPair ?? loadIdentity(dataDir, nowMs).credentials
  const to = KeyPair.make()
  const counter = (current?.statement?.counter ?? 0) + 1
  const statement = makeSuccession({ from, to, counter, atMs: nowMs })
  // First the old key under its new name: until the second file is whole, it counts for nothing.
  writeFormerIdentity(dataDir, { keyPair: from, statement })
  writeKeyFile(dataDir.file(fileName), formatKeyText(to, statement))
  return { identity: loadIdentity(dataDir, nowMs), formerId: from.id }
}

function identityOf(keyPair: KeyPair): Pick<Identity, 'id' | 'publicKey' | 'credentials'> {
  return { id: keyPair.id, publicKey: keyPair.key, credentials: keyPair }
}

/** The key, and the statement that led to it; undefined when there is no file. */
function readCurrent(dataDir: Pick<DataDir, 'file'>): KeyText | undefined {
  const file = dataDir.file(fileName)
  const text = readKeyFile(file)
  if (text === undefined) return undefined
  const parsed = parseKeyText(text, 'newKey')
  if (typeof parsed !== 'string') return parsed
  throw invalidKeyFile(
    file,
    `${parsed} Put the right one back from a copy, or delete it to become a new peer, whom others have to verify anew.`,
  )
}
