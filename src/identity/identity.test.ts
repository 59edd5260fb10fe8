import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryDataDir } from '../../test/identity/data-dirs.ts'
import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { openDataDir, type DataDir } from './data-dir.ts'
import { ephemeralIdentity, loadIdentity, peekIdentity } from './identity.ts'
import { KeyPair } from './key-pair.ts'
import { parseKeyText } from './key-text.ts'

const onWindows = process.platform === 'win32' && 'Windows has no modes and owners'

/** Loading fails with `identity-invalid`, names file and reason, says nothing of the key, and leaves everything as it is. */
function assertRefused(dataDir: DataDir, reason: RegExp): void {
  const file = dataDir.file('identity.pem')
  const before = contentOf(file)
  assert.throws(
    () => loadIdentity(dataDir),
    (error) => {
      assert.ok(isP2PError(error, 'identity-invalid'), String(error))
      assert.ok(error.message.startsWith(`${file} cannot be used: `), error.message)
      assert.match(error.message, reason)
      assert.match(error.message, /\. [A-Z].*\.$/, 'it says what to do next')
      const said = `${error.message} ${error.stack} ${String(error.cause)}`
      for (const line of before?.split('\n') ?? [])
        if (line.length > 20) assert.ok(!said.includes(line), 'L7')
      return true
    },
  )
  assert.equal(contentOf(file), before)
  assert.deepEqual(
    readdirSync(dataDir.path).filter((name) => name.endsWith('.new')),
    [],
  )
}

function contentOf(file: string): string | undefined {
  return lstatSync(file).isFile() ? readFileSync(file, 'latin1') : undefined
}

test('the first start makes a key for its owner only, and later ones keep it', async (t) => {
  const dataDir = await temporaryDataDir(t)
  const first = loadIdentity(dataDir)
  assert.equal(first.made, true)
  assert.equal(first.id[14], '8')
  assert.equal(first.publicKey.length, 32)
  assert.deepEqual(first.former, [])
  const names = readdirSync(dataDir.path).filter((name) => !name.startsWith('lock'))
  assert.deepEqual(names, ['identity.pem'])
  if (onWindows === false) assert.equal(statSync(dataDir.file('identity.pem')).mode & 0o777, 0o600)
  const second = loadIdentity(dataDir)
  assert.equal(second.made, false)
  assert.equal(second.id, first.id)
  assert.deepEqual(second.publicKey, first.publicKey)
  assert.equal(second.credentials.certificate, first.credentials.certificate)
  assert.equal(second.credentials.privateKey, first.credentials.privateKey)
})

test('K3: a thousand restarts keep the ID', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-identity-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const ids = new Set<string>()
  for (let start = 0; start < 1_000; start++) {
    await using dataDir = await openDataDir(folder)
    ids.add(loadIdentity(dataDir).id)
  }
  assert.equal(ids.size, 1)
})

test('the file id of the reference is told of, and neither read nor changed', async (t) => {
  const dataDir = await temporaryDataDir(t)
  assert.equal(loadIdentity(dataDir).leavesIdFile, false)
  writeFileSync(dataDir.file('id'), '0d0d51af-cafa-4311-8d9b-92f421e8a8cb', { mode: 0o444 })
  const before = statSync(dataDir.file('id'))
  const identity = loadIdentity(dataDir)
  assert.equal(identity.leavesIdFile, true)
  assert.notEqual(identity.id, '0d0d51af-cafa-4311-8d9b-92f421e8a8cb')
  const { mtimeMs, ino, mode } = statSync(dataDir.file('id'))
  assert.deepEqual({ mtimeMs, ino, mode }, { mtimeMs: before.mtimeMs, ino: before.ino, mode: before.mode })
})

test('a look at the identity of a data directory makes and changes nothing', async (t) => {
  const dataDir = await temporaryDataDir(t)
  assert.equal(peekIdentity(dataDir), undefined)
  const { id, publicKey } = loadIdentity(dataDir)
  // What another process is writing just now.
  writeFileSync(dataDir.file('identity.pem.new'), 'half')
  const before = readdirSync(dataDir.path)
  assert.equal(peekIdentity(dataDir)?.id, id)
  assert.deepEqual(peekIdentity(dataDir)?.publicKey, publicKey)
  assert.deepEqual(readdirSync(dataDir.path), before)
  writeFileSync(dataDir.file('identity.pem'), '')
  assert.throws(() => peekIdentity(dataDir), { code: 'identity-invalid' })
})

test('an identity without a data directory is another one every time', () => {
  const [one, two] = [ephemeralIdentity(), ephemeralIdentity()]
  assert.notEqual(one.id, two.id)
  assert.equal(one.made, false)
})

/** What each case of K1 does to a sound file, and what is said of it. */
const exposures: Readonly<Record<string, { readonly spoil: (file: string) => void; readonly said: RegExp }>> =
  {
    'a file that others may read': {
      spoil: (file) => chmodSync(file, 0o644),
      said: /other users may use it \(mode 0644\)/,
    },
    'a file that a group may write': { spoil: (file) => chmodSync(file, 0o620), said: /mode 0620/ },
    'a symbolic link': {
      spoil: (file) => {
        renameSync(file, `${file}.elsewhere`)
        symlinkSync(`${file}.elsewhere`, file)
      },
      said: /it is a symbolic link/,
    },
  }

for (const [name, { spoil, said }] of Object.entries(exposures)) {
  test(`K1: ${name} is refused`, { skip: onWindows }, async (t) => {
    const dataDir = await temporaryDataDir(t)
    loadIdentity(dataDir)
    spoil(dataDir.file('identity.pem'))
    assertRefused(dataDir, said)
  })

  test(`K1: twin: without the look at it, ${name} is taken`, { skip: onWindows }, async (t) => {
    const dataDir = await temporaryDataDir(t)
    const { id } = loadIdentity(dataDir)
    spoil(dataDir.file('identity.pem'))
    const taken = parseKeyText(readFileSync(dataDir.file('identity.pem'), 'latin1'), 'newKey')
    assert.ok(typeof taken !== 'string' && taken.keyPair.id === id)
  })
}

test(
  'K1: a file of another user is refused',
  { skip: process.getuid?.() !== 0 && 'only root can make one' },
  async (t) => {
    const dataDir = await temporaryDataDir(t)
    const { id } = loadIdentity(dataDir)
    chownSync(dataDir.file('identity.pem'), 12_345, 12_345)
    assertRefused(dataDir, /it belongs to another user \(12345\)/)
    // The twin: it is the owner alone that is wrong with it.
    chownSync(dataDir.file('identity.pem'), 0, 0)
    assert.equal(loadIdentity(dataDir).id, id)
  },
)

test(
  'K1: a directory, a pipe and a dangling link are refused, and nothing waits for them',
  { skip: onWindows },
  async (t) => {
    const dataDir = await temporaryDataDir(t)
    const file = dataDir.file('identity.pem')
    mkdirSync(file)
    assertRefused(dataDir, /it is not a regular file/)
    rmSync(file, { recursive: true })
    execFileSync('mkfifo', ['-m', '600', file])
    assertRefused(dataDir, /it is not a regular file/)
    rmSync(file)
    symlinkSync(dataDir.file('nowhere'), file)
    assertRefused(dataDir, /it is a symbolic link/)
    assert.equal(existsSync(dataDir.file('nowhere')), false)
  },
)

const sound = KeyPair.make().privateKey
const lines = sound.split('\n')
const body = lines[1] ?? ''
const foreignKey = (pair: { readonly privateKey: KeyObject }): string =>
  pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const withBody = (base64: string): string =>
  ['-----BEGIN PRIVATE KEY-----', base64, '-----END PRIVATE KEY-----', ''].join('\n')

/** Row K2: what stands in the file, and what is said of it. */
const damages: Readonly<Record<string, readonly [text: string, said: RegExp]>> = {
  'no bytes': ['', /it is empty/],
  'ten bytes': [sound.slice(0, 10), /does not hold a whole private key/],
  'white space': ['\n \n', /it is empty/],
  garbage: ['\u0000\u00ff'.repeat(60), /does not hold a whole private key/],
  'a byte order mark': [`\u00ef\u00bb\u00bf${sound}`, /does not hold a whole private key/],
  'the first half': [sound.slice(0, 60), /does not hold a whole private key/],
  'no last line': [lines.slice(0, 2).join('\n'), /does not hold a whole private key/],
  'two keys': [sound + KeyPair.make().privateKey, /does not hold a whole private key/],
  'a public key': [sound.replaceAll('PRIVATE', 'PUBLIC'), /does not hold a whole private key/],
  'text before it': [`my key\n${sound}`, /does not hold a whole private key/],
  'three characters less': [withBody(body.slice(0, -4)), /its private key is damaged/],
  'three bytes more': [withBody(`${body}AAAA`), /its private key is damaged/],
  zeros: [withBody('A'.repeat(64)), /its private key is damaged/],
  'an RSA key': [foreignKey(generateKeyPairSync('rsa', { modulusLength: 2048 })), /at most 1024/],
  'a short RSA key': [
    foreignKey(generateKeyPairSync('rsa', { modulusLength: 1024 })),
    /is not an Ed25519 key/,
  ],
  'a P-256 key': [foreignKey(generateKeyPairSync('ec', { namedCurve: 'P-256' })), /is not an Ed25519 key/],
  'an Ed448 key': [foreignKey(generateKeyPairSync('ed448')), /is not an Ed25519 key/],
  'an X25519 key': [foreignKey(generateKeyPairSync('x25519')), /is not an Ed25519 key/],
  'a damaged statement': [
    `${sound}-----BEGIN P2P SUCCESSION-----\nAAAA\n-----END P2P SUCCESSION-----\n`,
    /statement of succession is damaged/,
  ],
}

test('K2: a damaged key is told, and never replaced by a new one', async (t) => {
  const dataDir = await temporaryDataDir(t)
  for (const [text, said] of Object.values(damages)) {
    writeFileSync(dataDir.file('identity.pem'), Buffer.from(text, 'latin1'), { mode: 0o600 })
    assertRefused(dataDir, said)
  }
})

test('K2: twin: who makes a key when there is none to be read becomes somebody else', async (t) => {
  const dataDir = await temporaryDataDir(t)
  const { id } = loadIdentity(dataDir)
  writeFileSync(dataDir.file('identity.pem'), '')
  assertRefused(dataDir, /it is empty/)
  rmSync(dataDir.file('identity.pem'))
  assert.notEqual(loadIdentity(dataDir).id, id)
})

test('a key is read as an editor or another system leaves it, up to the limit', async (t) => {
  const dataDir = await temporaryDataDir(t)
  const { id } = loadIdentity(dataDir)
  const text = readFileSync(dataDir.file('identity.pem'), 'latin1')
  const longest = text.padEnd(limits.identityFileBytes, '\n')
  for (const left of [text.trimEnd(), text.replaceAll('\n', '\r\n'), `${text}  \n\n`, longest]) {
    writeFileSync(dataDir.file('identity.pem'), left)
    assert.equal(loadIdentity(dataDir).id, id)
  }
  writeFileSync(dataDir.file('identity.pem'), `${longest}\n`)
  assertRefused(dataDir, /it has 1025 bytes, and a key has at most 1024/)
})
