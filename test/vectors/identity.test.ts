/** What another implementation made of section 3 and 6 of docs/protocol.md (identity.json, written by identity.py). */
import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { formatInvitation, parseInvitation } from '../../src/identity/invitation.ts'
import { KeyPair } from '../../src/identity/key-pair.ts'
import { safetyNumber, safetyNumberHalf } from '../../src/identity/safety-number.ts'
import { scanMac, scanVerdictMac, shortCodeCrypto } from '../../src/identity/short-code.ts'
import { makeSuccession, verifySuccession } from '../../src/identity/succession.ts'
import { decodeSuccession, encodeSuccession, successionSignedBytes } from '../../src/protocol/pairing.ts'

interface PeerVector {
  readonly seed: string
  readonly key: string
  readonly id: string
  readonly certificate: string
  readonly safetyNumber: string
}

interface ShortCodeVector {
  readonly binding: string
  readonly nonceA: string
  readonly nonceB: string
  readonly commitment: string
  readonly code: string
  readonly verdicts: Readonly<Record<'A yes' | 'A no' | 'B yes' | 'B no', string>>
}

interface Vectors {
  readonly peers: Readonly<Record<'A' | 'B', PeerVector>>
  readonly safetyNumber: string
  readonly shortCodes: readonly ShortCodeVector[]
  readonly qrCode: {
    readonly binding: string
    readonly secret: string
    readonly text: string
    readonly textWithoutSecret: string
    readonly scan: string
    readonly verdicts: Readonly<Record<'yes' | 'no', string>>
  }
  readonly succession: {
    readonly counter: number
    readonly atMs: number
    readonly signedBytes: string
    readonly oldSignature: string
    readonly newSignature: string
    readonly statement: string
  }
}

const vectors = JSON.parse(readFileSync(new URL('identity.json', import.meta.url), 'utf8')) as Vectors
const { peers, shortCodes, qrCode, succession } = vectors

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))
const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex')

function keyPairOf({ seed }: PeerVector): KeyPair {
  // RFC 8410, 7.
  const der = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex')
  return new KeyPair(createPrivateKey({ key: der, type: 'pkcs8', format: 'der' }))
}

const [a, b] = [keyPairOf(peers.A), keyPairOf(peers.B)]
const ends = (binding: string) => ({ binding: bytes(binding), dialler: a.key, accepter: b.key })

test('keys give these IDs and, byte for byte, these certificates', () => {
  for (const [keyPair, vector] of [
    [a, peers.A],
    [b, peers.B],
  ] as const) {
    assert.equal(hex(keyPair.key), vector.key)
    assert.equal(keyPair.id, vector.id)
    assert.equal(hex(new X509Certificate(keyPair.certificate).raw), vector.certificate)
    assert.deepEqual(keyPair.identify(new X509Certificate(bytes(vector.certificate))), { id: vector.id, key: keyPair.key })
  }
})

test('T15: keys give these safety numbers', () => {
  assert.equal(safetyNumberHalf(a.key), peers.A.safetyNumber)
  assert.equal(safetyNumberHalf(b.key), peers.B.safetyNumber)
  assert.equal(safetyNumber(a.key, b.key), vectors.safetyNumber)
})

test('nonces give these codes and verdicts, also when a code begins with zeros', () => {
  assert.ok(shortCodes.some(({ code }) => code.startsWith('00')))
  for (const vector of shortCodes) {
    const crypto = shortCodeCrypto(ends(vector.binding))
    assert.equal(hex(crypto.commitment(bytes(vector.nonceA))), vector.commitment)
    const shared = crypto.derive(bytes(vector.nonceA), bytes(vector.nonceB))
    assert.equal(shared.code, vector.code)
    assert.equal(hex(shared.verdictMac('A', true)), vector.verdicts['A yes'])
    assert.equal(hex(shared.verdictMac('A', false)), vector.verdicts['A no'])
    assert.equal(hex(shared.verdictMac('B', true)), vector.verdicts['B yes'])
    assert.equal(hex(shared.verdictMac('B', false)), vector.verdicts['B no'])
  }
})

test('a QR code has this text, and a scan of it these proofs', () => {
  const secret = bytes(qrCode.secret)
  const invitation = { id: b.id, key: b.key, secret }
  assert.equal(formatInvitation(invitation), qrCode.text)
  assert.deepEqual(parseInvitation(qrCode.text), invitation)
  assert.equal(formatInvitation({ ...invitation, secret: undefined }), qrCode.textWithoutSecret)
  assert.equal(hex(scanMac(secret, ends(qrCode.binding))), qrCode.scan)
  assert.equal(hex(scanVerdictMac(secret, ends(qrCode.binding), true)), qrCode.verdicts.yes)
  assert.equal(hex(scanVerdictMac(secret, ends(qrCode.binding), false)), qrCode.verdicts.no)
})

test('T16: two keys sign these bytes, and their statement is these', () => {
  const statement = makeSuccession({ from: a, to: b, counter: succession.counter, atMs: succession.atMs })
  assert.equal(hex(successionSignedBytes(statement)), succession.signedBytes)
  assert.equal(hex(statement.oldSignature), succession.oldSignature)
  assert.equal(hex(statement.newSignature), succession.newSignature)
  assert.equal(hex(encodeSuccession(statement)), succession.statement)
  const read = decodeSuccession(bytes(succession.statement))
  assert.deepEqual(read, statement)
  assert.deepEqual(read && verifySuccession(read), { old: true, new: true })
})
