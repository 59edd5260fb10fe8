import assert from 'node:assert/strict'
import { createPublicKey, sign, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { limits } from '../base/limits.ts'
import { plainCertificate } from '../../test/identity/plain-certificate.ts'
import { identify } from './certificate.ts'
import { KeyPair } from './key-pair.ts'
import { peerIdOfKey, rawPublicKey } from './public-key.ts'

/** A certificate that openssl made; test/fixtures/certificates/ holds its key too. */
function fixture(name: string): X509Certificate {
  return new X509Certificate(
    readFileSync(new URL(`../../test/fixtures/certificates/${name}.pem`, import.meta.url)),
  )
}

const rawKeyOf = ({ publicKey }: X509Certificate): Uint8Array | undefined => rawPublicKey(publicKey)

test('our certificate identifies its key, and is the same bytes every time', () => {
  const keyPair = KeyPair.make()
  const certificate = new X509Certificate(keyPair.certificate)
  assert.deepEqual(identify(certificate), { id: keyPair.id, key: keyPair.key })
  assert.equal(keyPair.id[14], '8')
  assert.equal(certificate.raw.length, 204)
  assert.equal(certificate.subject, 'CN=p2p')
  assert.equal(certificate.issuer, 'CN=p2p')
  assert.equal(certificate.serialNumber, '01')
  assert.equal(certificate.validFrom, 'Jan  1 00:00:00 2020 GMT')
  assert.equal(certificate.validTo, 'Dec 31 23:59:59 9999 GMT')
})

test('one that was good is good again, and vouches for no other by a bit', () => {
  const good = new X509Certificate(KeyPair.make().certificate)
  const first = identify(good)
  assert.ok(first)
  assert.deepEqual(identify(new X509Certificate(good.raw)), first)
  const forged = Buffer.from(good.raw)
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
  assert.equal(identify(new X509Certificate(forged)), undefined)
})

test("openssl's certificate without extensions identifies its key too", () => {
  for (const name of ['plain', 'extra']) {
    const certificate = fixture(name)
    const key = rawKeyOf(certificate)
    assert.ok(key)
    assert.deepEqual(identify(certificate), { id: peerIdOfKey(key), key })
  }
})

test('T3: a key of another kind, or one under a foreign signature, identifies nobody', () => {
  for (const name of ['rsa', 'p-256', 'ed448', 'foreign', 'chain']) {
    assert.equal(identify(fixture(name)), undefined, name)
  }
})

test('T3: twin: without the look at the kind, the end of any key is somebody', () => {
  for (const name of ['rsa', 'p-256', 'ed448']) {
    const certificate = fixture(name)
    assert.ok(certificate.verify(certificate.publicKey), 'signed by its key, as it should be')
    const info = certificate.publicKey.export({ type: 'spki', format: 'der' })
    assert.equal(peerIdOfKey(info.subarray(-32))[14], '8')
  }
})

test('T3: twin: without the look at the signature, anybody shows the certificate of anybody', () => {
  const [plain, foreign] = [fixture('plain'), fixture('foreign')]
  assert.deepEqual(rawKeyOf(foreign), rawKeyOf(plain))
  assert.equal(foreign.verify(foreign.publicKey), false)
  assert.equal(foreign.verify(createPublicKey(KeyPair.make().privateKey)), false)
})

test('T4: a long certificate, and one with an extension, identify nobody', () => {
  for (const name of ['large', 'extension', 'usual']) {
    const certificate = fixture(name)
    assert.ok(certificate.verify(certificate.publicKey), 'else sound')
    assert.ok(rawKeyOf(certificate), 'of the right kind')
    assert.equal(identify(certificate), undefined, name)
  }
  assert.ok(fixture('large').raw.length > 60_000)
})

test(`T4: ${limits.certificateBytes} bytes are the most`, () => {
  const longest = plainCertificate({ bytes: limits.certificateBytes })
  assert.equal(longest.raw.length, limits.certificateBytes)
  assert.ok(identify(longest))
  const longer = plainCertificate({ bytes: limits.certificateBytes + 1 })
  assert.equal(longer.raw.length, limits.certificateBytes + 1)
  assert.equal(identify(longer), undefined)
})

test('T4: an algorithm of the key that nobody knows identifies nobody, and does not throw', () => {
  const certificate = plainCertificate({ keyAlgorithm: Buffer.from('2b6579', 'hex') })
  assert.throws(() => certificate.publicKey, 'what Node makes of it')
  assert.equal(identify(certificate), undefined)
})

test('T9: a certificate that has expired, or is not valid yet, identifies its key', () => {
  for (const name of ['expired', 'future']) {
    const certificate = fixture(name)
    const now = Date.now()
    const valid = Date.parse(certificate.validFrom) < now && now < Date.parse(certificate.validTo)
    assert.equal(valid, false, 'whoever looks at dates refuses it')
    assert.deepEqual(identify(certificate)?.key, rawKeyOf(certificate))
  }
})

test('no certificate with one bit changed identifies anybody', () => {
  const { raw } = new X509Certificate(KeyPair.make().certificate)
  for (let bit = 0; bit < raw.length * 8; bit++) {
    const changed = Uint8Array.from(raw)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    const certificate = readCertificate(changed)
    if (certificate !== undefined) assert.equal(identify(certificate), undefined, `bit ${bit}`)
  }
})

test('L7: neither inspection nor JSON nor a copy of a key pair shows its private key', async () => {
  const { inspect } = await import('node:util')
  const keyPair = KeyPair.make()
  const secret = keyPair.privateKey.split('\n')[1] ?? ''
  assert.equal(secret.length, 64)
  const shown = [
    inspect(keyPair, { showHidden: true, depth: 9 }),
    JSON.stringify(keyPair),
    inspect(Object.assign({}, keyPair)),
  ]
  for (const text of shown) assert.ok(!text.includes(secret))
  // The twin: what has it as a plain property shows it.
  assert.ok(inspect({ privateKey: keyPair.privateKey }).includes(secret))
})

test('what a key pair signs is signed by its key', () => {
  const keyPair = KeyPair.make()
  const bytes = Buffer.from('some bytes')
  assert.deepEqual(Buffer.from(keyPair.sign(bytes)), sign(null, bytes, keyPair.privateKey))
})

function readCertificate(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der)
  } catch {
    return undefined
  }
}
