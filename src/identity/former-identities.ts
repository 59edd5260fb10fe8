import { readdirSync } from 'node:fs'
import { limits } from '../base/limits.ts'
import { encodeSuccession, type Succession } from '../protocol/pairing.ts'
import type { DataDir } from './data-dir.ts'
import { unusable } from './file-error.ts'
import { deleteKeyFile, invalidKeyFile, readKeyFile, writeKeyFile } from './key-file.ts'
import type { KeyPair } from './key-pair.ts'
import { formatKeyText, parseKeyText } from './key-text.ts'

/** Who this node was before, and the proof of who succeeds it. */
export interface FormerIdentity {
  readonly credentials: KeyPair
  /** Message `Succession`, as it goes over the wire. */
  readonly statement: Uint8Array
  /** Until when it is told. Wall clock. */
  readonly untilMs: number
}

/** A former key, and the statement that names its successor. */
interface Former {
  readonly file: string
  readonly keyPair: KeyPair
  readonly statement: Succession
}

interface LoadOptions {
  /** The key of now. */
  readonly keyPair: KeyPair
  readonly nowMs: number
}

const fileName = /^former-\d{1,15}\.pem$/
const leftover = /^(identity|former-\d{1,15})\.pem\.new$/

/** Keeps a key beside its successor's. @throws P2PError `data-dir-unusable` */
export function writeFormerIdentity(dataDir: DataDir, former: Omit<Former, 'file'>): void {
  const { keyPair, statement } = former
  writeKeyFile(dataDir.file(`former-${statement.counter}.pem`), formatKeyText(keyPair, statement))
}

/**
 * The former identities that lead to the key of now, oldest first. Deletes those whose time is over, those beyond
 * `limits.formerIdentities`, and whatever a killed start or rotation left behind.
 *
 * @throws P2PError `identity-invalid` when one cannot be used, `data-dir-unusable`
 */
export function loadFormerIdentities(
  dataDir: DataDir,
  { keyPair, nowMs }: LoadOptions,
): readonly FormerIdentity[] {
  const names = namesIn(dataDir)
  for (const name of names) if (leftover.test(name)) deleteKeyFile(dataDir.file(name))
  const formers = names.filter((name) => fileName.test(name)).map((name) => readFormer(dataDir.file(name)))
  formers.sort((a, b) => b.statement.counter - a.statement.counter)
  const kept: FormerIdentity[] = []
  let successor = keyPair.key
  for (const former of formers) {
    const untilMs = former.statement.atMs + limits.successionMs
    // A rotation that was killed half way has named a successor that never was.
    const leadsToUs = Buffer.compare(former.statement.newKey, successor) === 0
    if (leadsToUs && untilMs > nowMs && kept.length < limits.formerIdentities) {
      kept.unshift({ credentials: former.keyPair, statement: encodeSuccession(former.statement), untilMs })
      successor = former.keyPair.key
    } else deleteKeyFile(former.file)
  }
  return kept
}

function namesIn(dataDir: DataDir): readonly string[] {
  try {
    return readdirSync(dataDir.path)
  } catch (error) {
    throw unusable(dataDir.path, error)
  }
}

function readFormer(file: string): Former {
  const text = readKeyFile(file) ?? ''
  const parsed = parseKeyText(text, 'oldKey')
  const advice =
    'Put the right one back from a copy, or delete it: then nobody who knows that former key is told of yours.'
  if (typeof parsed === 'string') throw invalidKeyFile(file, `${parsed} ${advice}`)
  const { keyPair, statement } = parsed
  if (statement === undefined) throw invalidKeyFile(file, `it names no successor. ${advice}`)
  return { file, keyPair, statement }
}
