/** Bytes that look like protobuf, right and wrong in every way that a decoder must tell apart. */
import * as fc from 'fast-check'

const fieldNumbers = [
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  16,
  1001,
  1002,
  1005,
  1006,
  1007,
  1015,
  1016,
  1017,
  1018,
  2 ** 29 - 1,
]
const small = fc.uint8Array({ maxLength: 12 })
const text = fc.string({ unit: 'grapheme', maxLength: 20 }).map((given) => new TextEncoder().encode(given))

/** Any varint of up to 64 bits, sometimes in more bytes than it needs, sometimes in more than there may be. */
const varint = fc
  .record({
    value: fc.oneof(
      fc.bigInt({ min: 0n, max: 200n }),
      fc.constantFrom(8001n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 62n, 2n ** 64n - 1n),
      fc.bigInt({ min: 0n, max: 2n ** 65n }),
    ),
    padding: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(10) }),
  })
  .map(({ value, padding }) => varintBytes(value, padding))

function varintBytes(value: bigint, padding = 0): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  bytes.push(Number(rest))
  for (let i = 0; i < padding; i++) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 0x80
    bytes.push(0)
  }
  return Uint8Array.from(bytes)
}

function tag(number: number, type: number): Uint8Array {
  return varintBytes(BigInt(number * 8 + type))
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => Array.from(part)))
}

/** How far a length is from the truth; mostly not at all. */
const lengthError = fc.oneof(
  { weight: 12, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: -2, max: 3 }) },
)

const { fields } = fc.letrec<{ fields: Uint8Array; field: Uint8Array }>((tie) => ({
  fields: fc.array(tie('field'), { maxLength: 6, depthIdentifier: 'wire' }).map((parts) => concat(...parts)),
  field: fc.oneof(
    { depthIdentifier: 'wire', depthSize: 'small' },
    fc
      .tuple(fc.constantFrom(...fieldNumbers), varint)
      .map(([number, value]) => concat(tag(number, 0), value)),
    fc.tuple(fc.constantFrom(...fieldNumbers), text).map(([number, value]) => delimited(number, value, 0)),
    fc
      .tuple(fc.constantFrom(...fieldNumbers), fixed(8))
      .map(([number, value]) => concat(tag(number, 1), value)),
    fc
      .tuple(fc.constantFrom(...fieldNumbers), fixed(4))
      .map(([number, value]) => concat(tag(number, 5), value)),
    fc
      .tuple(fc.constantFrom(...fieldNumbers), fc.oneof(small, tie('fields'), tie('fields')), lengthError)
      .map(([number, value, error]) => delimited(number, value, error)),
    fc
      .tuple(fc.constantFrom(...fieldNumbers), tie('fields'), lengthError)
      .map(([number, value, error]) => concat(tag(number, 3), value, tag(Math.max(1, number + error), 4))),
  ),
}))

function fixed(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length })
}

function delimited(number: number, value: Uint8Array, error: number): Uint8Array {
  return concat(tag(number, 2), varintBytes(BigInt(Math.max(0, value.length + error))), value)
}

/** One wrong byte, or one too many or too few. */
const damaged = fc
  .tuple(fields, fc.nat(), fc.nat(1), fc.uint8Array({ maxLength: 1 }))
  .map(([bytes, at, gone, put]) => {
    const start = bytes.length === 0 ? 0 : at % bytes.length
    return concat(bytes.subarray(0, start), put, bytes.subarray(start + gone))
  })

/** Mostly fields, some of them damaged, some bytes of no shape at all. */
const anyBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 5, arbitrary: fields },
  { weight: 2, arbitrary: damaged },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }) },
)

const idBytes = fixed(16).map((id) => delimited(1, delimited(1, id, 0), 0))
const portBytes = fc.nat(70_000).map((port) => concat(tag(2, 0), varintBytes(BigInt(port))))

export const messageBytes = anyBytes
/** Announcements that would be valid, but for what stands in the middle. */
export const announcementBytes = fc.tuple(idBytes, anyBytes, portBytes).map((parts) => concat(...parts))
export const peerListBytes = fc.oneof(
  anyBytes,
  fc
    .array(announcementBytes, { maxLength: 3 })
    .map((peers) => concat(...peers.map((peer) => delimited(1, peer, 0)))),
)

const place = fc.oneof(
  { weight: 8, arbitrary: fc.nat(300).map(BigInt) },
  { weight: 1, arbitrary: fc.constantFrom(2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n) },
)
const placeField = (field: number) => place.map((value) => concat(tag(field, 0), varintBytes(value)))

/** Messages that say which one they are, mostly as they must, and among other fields. */
const deliveredMessage = fc
  .tuple(
    fc.oneof({ weight: 8, arbitrary: fixed(16) }, { weight: 1, arbitrary: small }),
    fc.tuple(placeField(1002), placeField(1003)),
    fc.oneof(fc.constant(new Uint8Array(0)), fc.tuple(placeField(1004), placeField(1005)).map(joined)),
    fc.oneof(
      { weight: 3, arbitrary: text.map((given) => delimited(2, given, 0)) },
      { weight: 1, arbitrary: fc.tuple(fc.nat(3), small).map(([kind, bytes]) => carried(kind, bytes)) },
      fields,
    ),
  )
  .map(([id, numbers, parts, rest]) => concat(delimited(1001, id, 0), ...numbers, parts, rest))

function carried(kind: number, bytes: Uint8Array): Uint8Array {
  return concat(tag(1006, 0), varintBytes(BigInt(kind)), delimited(1007, bytes, 0))
}

/** Several fields, some of them missing. */
function someOf(...parts: readonly fc.Arbitrary<Uint8Array>[]): fc.Arbitrary<Uint8Array> {
  return fc.tuple(...parts.map((part) => fc.option(part, { nil: new Uint8Array(0) }))).map(joined)
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return concat(...parts)
}

const receiptFields = someOf(
  placeField(1),
  placeField(2),
  small.map((given) => delimited(3, given, 0)),
)
const streamField = (field: number) => fixed(8).map((value) => concat(tag(field, 1), value))
const idField = fc.oneof(fixed(16), small).map((id) => delimited(7, id, 0))
const greetingPlaces = fc.tuple(...[3, 4, 5, 6, 8].map(placeField)).map(joined)
const greetingFields = someOf(streamField(1), streamField(2), greetingPlaces, idField)
const batchField = fc.oneof(
  deliveredMessage.map((message) => delimited(1015, message, 0)),
  receiptFields.map((receipt) => delimited(1016, receipt, 0)),
  varint.map((value) => concat(tag(1017, 0), value)),
  greetingFields.map((greeting) => delimited(1018, greeting, 0)),
)

/** Single messages and batches of all that there is, and sometimes of what there is not. */
export const frameBytes = fc.oneof(
  { weight: 2, arbitrary: deliveredMessage },
  { weight: 4, arbitrary: fc.array(batchField, { maxLength: 5 }).map(joined) },
  { weight: 3, arbitrary: anyBytes },
)

const shortBytes = fc.oneof({ weight: 6, arbitrary: fixed(32) }, { weight: 1, arbitrary: small })
const signatureBytes = fc.oneof({ weight: 12, arbitrary: fixed(64) }, { weight: 1, arbitrary: small })
const count = fc.oneof(fc.nat().map(BigInt), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))

const verdictBytes = fc
  .tuple(fc.nat(1), shortBytes)
  .map(([same, mac]) => concat(tag(1, 0), varintBytes(BigInt(same)), delimited(2, mac, 0)))
const pairingField = fc.oneof(
  fc.tuple(fc.constantFrom(1, 2, 3, 5), shortBytes).map(([number, value]) => delimited(number, value, 0)),
  verdictBytes.map((verdict) => delimited(4, verdict, 0)),
  small.map((statement) => delimited(6, statement, 0)),
  fc.nat(1).map((taken) => concat(tag(7, 0), varintBytes(BigInt(taken)))),
)

/** Mostly one field, sometimes more, or among others. */
export const pairingBytes = fc.oneof(
  { weight: 3, arbitrary: pairingField },
  { weight: 1, arbitrary: fc.array(pairingField, { maxLength: 3 }).map((parts) => concat(...parts)) },
  { weight: 1, arbitrary: fc.tuple(pairingField, anyBytes).map((parts) => concat(...parts)) },
)

/** Statements with every field, sometimes of a wrong length, and sometimes more behind them. */
export const successionBytes = fc
  .tuple(
    fc.tuple(shortBytes, shortBytes, signatureBytes, signatureBytes),
    fc.tuple(count, count),
    fc.oneof({ weight: 2, arbitrary: fc.constant(new Uint8Array(0)) }, { weight: 1, arbitrary: anyBytes }),
  )
  .map(([[oldKey, newKey, oldSignature, newSignature], [counter, atMs], rest]) =>
    concat(
      concat(delimited(1, oldKey, 0), delimited(2, newKey, 0)),
      concat(tag(3, 0), varintBytes(counter), tag(4, 0), varintBytes(atMs)),
      concat(delimited(5, oldSignature, 0), delimited(6, newSignature, 0), rest),
    ),
  )

const sizeField = (field: number) =>
  fc
    .oneof(
      { weight: 12, arbitrary: fc.nat().map(BigInt) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(2n ** 44n, 2n ** 44n + 1n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 64n - 1n),
      },
    )
    .map((value) => concat(tag(field, 0), varintBytes(value)))
const flagField = (field: number) => fc.nat(1).map((value) => concat(tag(field, 0), Uint8Array.of(value)))
const nameField = fc
  .oneof(
    { weight: 6, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }) },
    { weight: 1, arbitrary: fc.constantFrom('', 'a/b', 'x'.repeat(255), 'x'.repeat(256)) },
  )
  .map((name) => delimited(1, new TextEncoder().encode(name), 0))
const rootField = fc
  .oneof({ weight: 9, arbitrary: fixed(32) }, { weight: 1, arbitrary: small })
  .map((root) => delimited(5, root, 0))
const oneFile = fc.constant(concat(tag(4, 0), Uint8Array.of(1)))
const fileEntry = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(nameField, sizeField(3), oneFile, rootField).map(joined) },
  { weight: 3, arbitrary: fc.tuple(nameField, flagField(2), sizeField(3), oneFile).map(joined) },
  { weight: 1, arbitrary: fields },
)
const entriesOf = (field: number, minLength: number) =>
  fc
    .array(fileEntry, { minLength, maxLength: 3 })
    .map((entries) => concat(...entries.map((entry) => delimited(field, entry, 0))))

const offerIdField = fc
  .oneof({ weight: 9, arbitrary: fixed(16) }, { weight: 1, arbitrary: small })
  .map((id) => delimited(1, id, 0))
const provableId = fixed(16).map((id) => id.with(6, 0x80 | ((id[6] ?? 0) & 0x0f)))
const fellowField = fc
  .oneof(
    { weight: 9, arbitrary: provableId },
    { weight: 1, arbitrary: fixed(16) },
    { weight: 1, arbitrary: small },
  )
  .map((id) => delimited(4, id, 0))
const chunksField = fc.uint8Array({ maxLength: 3 }).map((chunks) => delimited(3, chunks, 0))

/** Messages about files with what they have, and sometimes with more behind it. */
export const fileListBytes = withMore(
  fc.tuple(entriesOf(1, 0), someOf(text.map((next) => delimited(2, next, 0)))).map(joined),
)
export const availabilityBytes = withMore(
  fc
    .tuple(sizeField(1), someOf(flagField(2), flagField(5)), someOf(chunksField, fellowField, fellowField))
    .map(joined),
)
export const offerBytes = withMore(fc.tuple(offerIdField, entriesOf(2, 1)).map(joined))
export const offerAnswerBytes = withMore(
  fc
    .tuple(
      offerIdField,
      fc.nat(6).map((state) => concat(tag(2, 0), Uint8Array.of(state))),
      someOf(text.map((reason) => delimited(3, reason, 0))),
    )
    .map(joined),
)

function withMore(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  return fc.oneof(
    { weight: 4, arbitrary: bytes },
    { weight: 1, arbitrary: fc.tuple(bytes, anyBytes).map(joined) },
    { weight: 1, arbitrary: anyBytes },
  )
}
