import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** One frame of a pairing connection: message `Pairing` of proto/p2p.proto, one field each. */
export type PairingMessage =
  /** The dialler's commitment to its nonce: SHA-256, 32 bytes. */
  | { readonly kind: 'commit'; readonly commitment: Uint8Array }
  /** The accepter's nonce, 32 bytes. */
  | { readonly kind: 'nonce'; readonly nonce: Uint8Array }
  /** The dialler's nonce, 32 bytes. */
  | { readonly kind: 'reveal'; readonly nonce: Uint8Array }
  /** What a user said, and a MAC (32 bytes) that binds it to this exchange and side. */
  | { readonly kind: 'verdict'; readonly same: boolean; readonly mac: Uint8Array }
  /** The dialler has scanned the accepter's QR code: HMAC with its secret, 32 bytes. */
  | { readonly kind: 'scan'; readonly mac: Uint8Array }
  | { readonly kind: 'succession'; readonly statement: Uint8Array }
  /** A `succession` was taken, or is known already. */
  | { readonly kind: 'taken' }

/** A key names its successor: message `Succession` of proto/p2p.proto. */
export interface Succession {
  /** Raw Ed25519 keys, 32 bytes. */
  readonly oldKey: Uint8Array
  readonly newKey: Uint8Array
  /** Grows with every change of key of one person. */
  readonly counter: number
  /** By the clock of who signs; for people. */
  readonly atMs: number
  /** Ed25519, 64 bytes each, of the same bytes. */
  readonly oldSignature: Uint8Array
  readonly newSignature: Uint8Array
}

/** Bytes of what stands in these messages: hashes, MACs, nonces and keys; and signatures. */
const shortBytes = 32
const signatureBytes = 64

/** Tags of `Pairing`, `Verdict` and `Succession` in proto/p2p.proto: field number << 3 | wire type. */
const tags = {
  commit: 0x0a,
  nonce: 0x12,
  reveal: 0x1a,
  verdict: 0x22,
  scan: 0x2a,
  succession: 0x32,
  taken: 0x38,
  verdicts: { same: 0x08, mac: 0x12 },
  successions: {
    oldKey: 0x0a,
    newKey: 0x12,
    counter: 0x18,
    atMs: 0x20,
    oldSignature: 0x2a,
    newSignature: 0x32,
  },
} as const

/**
 * The bytes of one frame.
 *
 * @throws P2PError `internal` when something in it has not the length it must have
 */
export function encodePairing(message: PairingMessage): Uint8Array {
  const writer = new WireWriter(new Uint8Array(limits.pairingFrameBytes))
  writePairing(writer, message)
  const bytes = writer.finish()
  if (bytes === undefined) throw new P2PError('internal', 'A frame for pairing is longer than it may be.')
  return bytes.slice()
}

/**
 * The message in one frame. Undefined unless there is exactly one, whole and of the right lengths, in at most
 * `limits.pairingFrameBytes`; that ends the connection. Never throws.
 */
export function decodePairing(bytes: Uint8Array): PairingMessage | undefined {
  if (bytes.length > limits.pairingFrameBytes) return undefined
  const reader = new WireReader(bytes)
  const messages: (PairingMessage | undefined)[] = []
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    const read = readers.get(tag)
    if (read === undefined) reader.skip(tag)
    else messages.push(read(reader))
  }
  return reader.failed || messages.length !== 1 ? undefined : messages[0]
}

/** What each field of `Pairing` means. */
const readers: ReadonlyMap<number, (reader: WireReader) => PairingMessage | undefined> = new Map([
  [tags.commit, (reader: WireReader) => withShort(reader, (commitment) => ({ kind: 'commit', commitment }))],
  [tags.nonce, (reader: WireReader) => withShort(reader, (nonce) => ({ kind: 'nonce', nonce }))],
  [tags.reveal, (reader: WireReader) => withShort(reader, (nonce) => ({ kind: 'reveal', nonce }))],
  [tags.verdict, readVerdict],
  [tags.scan, (reader: WireReader) => withShort(reader, (mac) => ({ kind: 'scan', mac }))],
  [tags.succession, (reader: WireReader) => ({ kind: 'succession', statement: reader.bytes().slice() })],
  [tags.taken, (reader: WireReader) => (reader.bool() ? { kind: 'taken' } : undefined)],
])

function withShort(
  reader: WireReader,
  make: (bytes: Uint8Array) => PairingMessage,
): PairingMessage | undefined {
  const bytes = reader.bytes().slice()
  return bytes.length === shortBytes ? make(bytes) : undefined
}

function readVerdict(reader: WireReader): PairingMessage | undefined {
  let same = false
  let mac = nothing
  const outerEnd = reader.enter()
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === tags.verdicts.same) same = reader.bool()
    else if (tag === tags.verdicts.mac) mac = reader.bytes().slice()
    else reader.skip(tag)
  }
  reader.leave(outerEnd)
  return mac.length === shortBytes ? { kind: 'verdict', same, mac } : undefined
}

function writePairing(writer: WireWriter, message: PairingMessage): void {
  if (message.kind === 'commit') writeBytes(writer, tags.commit, exactly(shortBytes, message.commitment))
  else if (message.kind === 'nonce') writeBytes(writer, tags.nonce, exactly(shortBytes, message.nonce))
  else if (message.kind === 'reveal') writeBytes(writer, tags.reveal, exactly(shortBytes, message.nonce))
  else if (message.kind === 'scan') writeBytes(writer, tags.scan, exactly(shortBytes, message.mac))
  else if (message.kind === 'succession') writeBytes(writer, tags.succession, message.statement)
  else if (message.kind === 'taken') writeFlag(writer, tags.taken)
  else writeVerdict(writer, message)
}

function writeVerdict(writer: WireWriter, { same, mac }: Extract<PairingMessage, { kind: 'verdict' }>): void {
  writer.varint(tags.verdict)
  const start = writer.enter()
  if (same) writeFlag(writer, tags.verdicts.same)
  writeBytes(writer, tags.verdicts.mac, exactly(shortBytes, mac))
  writer.leave(start)
}

function writeFlag(writer: WireWriter, tag: number): void {
  writer.varint(tag)
  writer.varint(1)
}

function writeBytes(writer: WireWriter, tag: number, bytes: Uint8Array): void {
  writer.varint(tag)
  writer.bytes(bytes)
}

/** The same bytes. @throws P2PError `internal` when they are not as many as they must be */
function exactly(length: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length === length) return bytes
  throw new P2PError('internal', `Pairing needs ${length} bytes where ${bytes.length} were given.`)
}

const nothing = new Uint8Array(0)

/** Bytes of a statement that we write: about 210. */
const statementBytes = 256

/**
 * The bytes of a statement.
 *
 * @throws P2PError `internal` when a key, signature or number in it is none
 */
export function encodeSuccession(statement: Succession): Uint8Array {
  const { oldKey, newKey, counter, atMs, oldSignature, newSignature } = statement
  const writer = new WireWriter(new Uint8Array(statementBytes))
  writeBytes(writer, tags.successions.oldKey, exactly(shortBytes, oldKey))
  writeBytes(writer, tags.successions.newKey, exactly(shortBytes, newKey))
  writeNumber(writer, tags.successions.counter, counter)
  writeNumber(writer, tags.successions.atMs, atMs)
  writeBytes(writer, tags.successions.oldSignature, exactly(signatureBytes, oldSignature))
  writeBytes(writer, tags.successions.newSignature, exactly(signatureBytes, newSignature))
  const bytes = writer.finish()
  if (bytes === undefined)
    throw new P2PError('internal', 'A statement of succession is longer than it may be.')
  return bytes.slice()
}

/** The statement in these bytes; undefined when there is none, whole and of the right lengths. Nothing is verified. Never throws. */
export function decodeSuccession(bytes: Uint8Array): Succession | undefined {
  if (bytes.length > limits.pairingFrameBytes) return undefined
  const reader = new WireReader(bytes)
  let [oldKey, newKey, oldSignature, newSignature] = [nothing, nothing, nothing, nothing]
  let [counter, atMs] = [0, 0]
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === tags.successions.oldKey) oldKey = reader.bytes().slice()
    else if (tag === tags.successions.newKey) newKey = reader.bytes().slice()
    else if (tag === tags.successions.counter) counter = reader.int64()
    else if (tag === tags.successions.atMs) atMs = reader.int64()
    else if (tag === tags.successions.oldSignature) oldSignature = reader.bytes().slice()
    else if (tag === tags.successions.newSignature) newSignature = reader.bytes().slice()
    else reader.skip(tag)
  }
  const statement = { oldKey, newKey, counter, atMs, oldSignature, newSignature }
  return !reader.failed && isWhole(statement) ? statement : undefined
}

function isWhole({ oldKey, newKey, counter, atMs, oldSignature, newSignature }: Succession): boolean {
  const keys = oldKey.length === shortBytes && newKey.length === shortBytes
  const signatures = oldSignature.length === signatureBytes && newSignature.length === signatureBytes
  return keys && signatures && isCount(counter) && isCount(atMs)
}

/** Beyond 2⁵³ a number is not exact any more, so that it would not be what was signed. */
function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function writeNumber(writer: WireWriter, tag: number, value: number): void {
  if (!isCount(value))
    throw new P2PError(
      'internal',
      `${value} cannot stand in a statement of succession: it is no whole number.`,
    )
  if (value === 0) return
  writer.varint(tag)
  writer.varint(value)
}

const signedPrefix = new TextEncoder().encode('p2p/succession/v1\0')

/** The bytes that both keys sign: `p2p/succession/v1`, a zero byte, both keys, and both numbers as 8 bytes, high first. */
export function successionSignedBytes(
  statement: Omit<Succession, 'oldSignature' | 'newSignature'>,
): Uint8Array {
  const { oldKey, newKey, counter, atMs } = statement
  const bytes = new Uint8Array(signedPrefix.length + oldKey.length + newKey.length + 16)
  bytes.set(signedPrefix)
  bytes.set(oldKey, signedPrefix.length)
  bytes.set(newKey, signedPrefix.length + oldKey.length)
  const numbers = new DataView(bytes.buffer, bytes.length - 16)
  numbers.setBigUint64(0, BigInt(counter))
  numbers.setBigUint64(8, BigInt(atMs))
  return bytes
}
