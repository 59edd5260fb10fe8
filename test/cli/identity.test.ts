/** `p2p id`: no network, the same answer at every start, and a rotation that the other side hears of. */
import assert from 'node:assert/strict'
import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { errorTable } from '../../src/base/errors.ts'
import { openPeer } from '../lab/peer.ts'
import { loopbackConfig } from './pair.ts'
import { assertValid } from './schema.ts'

const program = join(import.meta.dirname, '../../src/cli/main.ts')

interface Shown {
  readonly id: string
  readonly publicKey: string
  readonly safetyNumber: string
  readonly invitation: string
  readonly file: string
  readonly made: boolean
  readonly formerId?: string
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'p2p-id-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function run(dataDir: string, ...args: readonly string[]): SpawnSyncReturns<string> {
  const words = [program, 'id', '--data-dir', dataDir, ...args]
  return spawnSync(process.execPath, words, { encoding: 'utf8', timeout: 20_000 })
}

function shown(dataDir: string, ...args: readonly string[]): Shown {
  const { stdout, stderr, status } = run(dataDir, '--json', ...args)
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout) as Shown
}

test('id makes an identity once, and says the same of it at every start, also while p2p runs', async (t) => {
  const dataDir = folder(t)
  const first = shown(dataDir)
  assert.match(first.id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.equal(Buffer.from(first.publicKey, 'base64url').length, 32)
  assert.match(first.safetyNumber, /^\d{30}$/)
  assert.equal(first.invitation, `p2p:v1:${first.id}:${first.publicKey}`)
  assert.equal(first.file, join(dataDir, 'identity.pem'))
  assert.equal(first.made, true)
  assert.equal(statSync(first.file).mode & 0o777, 0o600)
  const again = { ...first, made: false }
  assert.deepEqual(shown(dataDir), again)

  writeFileSync(join(dataDir, 'config.yaml'), loopbackConfig())
  await using peer = await openPeer({ args: ['--data-dir', dataDir, '--port', '0'] })
  assert.equal(peer.id, first.id)
  assert.deepEqual(shown(dataDir), again)
  const { identity } = (await peer.command('id')) as { identity: object }
  const { id, publicKey, safetyNumber } = first
  assert.deepEqual(identity, { id, publicKey, safetyNumber })
  const refused = run(dataDir, '--rotate')
  assert.equal(refused.status, errorTable['data-dir-busy'].exit)
  assert.match(refused.stderr, /^p2p: Another p2p \(process \d+\) uses the data directory/)
  assert.deepEqual(shown(dataDir), again)
})

test('for people id is a few lines, with a QR code that fits a screen', (t) => {
  const dataDir = folder(t)
  const { stdout } = run(dataDir)
  assert.match(
    stdout,
    /^ID {13}[0-9a-f-]{36}\nkey {12}[\w-]{43}\nsafety number {2}(\d{5} ){5}\d{5}\nfile {11}\//,
  )
  const rows = run(dataDir, '--qr').stdout.split('\n').slice(4, -1)
  assert.ok(rows.length <= 22, String(rows.length))
  for (const row of rows) assert.match(row, /^[█▀▄ ]{30,60}$/)
})

test('L7: nothing that id prints has the private key in it', (t) => {
  const dataDir = folder(t)
  const printed = [run(dataDir), run(dataDir, '--json'), run(dataDir, '--qr'), run(dataDir, '--rotate')]
  const secrets = ['identity.pem', 'former-1.pem'].flatMap((name) => {
    const text = readFileSync(join(dataDir, name), 'utf8')
    return [/PRIVATE KEY-----\n([\w+/=]+)/.exec(text)?.[1] ?? '']
  })
  for (const secret of secrets) {
    assert.ok(secret.length > 40)
    const seed = Buffer.from(secret, 'base64').subarray(-32)
    for (const { stdout, stderr } of printed) {
      for (const encoding of ['base64', 'base64url', 'hex'] as const) {
        assert.ok(!`${stdout}${stderr}`.includes(seed.toString(encoding).slice(0, 40)))
      }
    }
  }
})

test('a file of an earlier ID is neither read nor changed, and the first start says so once', async (t) => {
  const dataDir = folder(t)
  const old = 'b9e4d7d2-2f0f-4b1e-8c39-5f2d9f3d9a10\n'
  writeFileSync(join(dataDir, 'id'), old)
  writeFileSync(join(dataDir, 'config.yaml'), loopbackConfig())
  const args = ['--data-dir', dataDir, '--port', '0']
  await using first = await openPeer({ args })
  const made = await first.event('identity:made')
  assert.deepEqual([made['peerId'], made['leavesIdFile']], [first.id, true])
  assertValid(first.lines)
  first.kill('SIGTERM')
  await first.ended
  assert.equal(readFileSync(join(dataDir, 'id'), 'utf8'), old)
  await using second = await openPeer({ args })
  assert.equal(second.id, first.id)
  await second.command('peers')
  assert.ok(second.lines.every(({ type }) => type !== 'identity:made'))
})

test('a new key is told to a contact, who keeps the alias and trusts it one step less', async (t) => {
  const config = loopbackConfig()
  const dataDir = folder(t)
  writeFileSync(join(dataDir, 'config.yaml'), config)
  const args = ['--data-dir', dataDir, '--port', '0']
  await using desk = await openPeer({ config, args: ['--port', '0'], stay: true })
  await using before = await openPeer({ args, stay: true })
  await desk.found(before.id)
  await before.found(desk.id)
  await before.command(`connect ${desk.id}`)
  await desk.command(`alias ${before.id} alice`)
  before.kill('SIGTERM')
  await before.ended

  const rotated = shown(dataDir, '--rotate')
  assert.equal(rotated.formerId, before.id)
  assert.notEqual(rotated.id, before.id)
  assert.equal(existsSync(join(dataDir, 'former-1.pem')), true)

  await using after = await openPeer({ args, stay: true })
  assert.equal(after.id, rotated.id)
  const succeeded = await desk.event('trust:succeeded')
  assert.equal(succeeded['formerId'], before.id)
  const { contact } = (await desk.command('trust alice')) as { contact: { peerId: string; trust: string } }
  assert.deepEqual([contact.peerId, contact.trust], [after.id, 'seen'])
  const old = (await desk.command(`trust ${before.id}`)) as { contact: { trust: string; alias: string } }
  assert.deepEqual([old.contact.trust, old.contact.alias], ['replaced', ''])
  assertValid(desk.lines)
  assertValid(after.lines)
})
