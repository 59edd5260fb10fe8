/** Rows about keys and secrets that only whole programs show: real commands on loopback, with data directories of their own. */
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { loopbackConfig } from '../cli/pair.ts'
import { allMeet, openPeer, verifyEachOther, type PeerProcess } from '../lab/peer.ts'

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-rows-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Ends a command in good order. @returns its status, that of the first line that failed */
async function leave(peer: PeerProcess): Promise<number | null> {
  peer.write('exit')
  return await peer.exit()
}

interface ContactView {
  readonly peerId: string
  readonly alias: string
  readonly trust: string
}

async function contact(of: PeerProcess, peerId: string): Promise<ContactView | undefined> {
  const { contacts } = (await of.command('trust')) as { contacts: readonly ContactView[] }
  return contacts.find((one) => one.peerId === peerId)
}

test('K7: a machine and its clone both warn, once, and neither loses its key or what it knows', async (t) => {
  const [first, second] = [temporaryFolder(t), temporaryFolder(t)]
  const config = loopbackConfig()
  const open = (name: string, args: readonly string[] = []): Promise<PeerProcess> =>
    openPeer({ config, stay: true, args: ['--port', '0', '--name', name, ...args] })
  const openIn = async (folder: string): Promise<PeerProcess> => {
    writeFileSync(join(folder, 'config.yaml'), config)
    return await open('desk', ['--data-dir', folder])
  }
  await using kitchen = await open('kitchen')
  let key: Buffer
  {
    await using original = await openIn(first)
    key = readFileSync(join(first, 'identity.pem'))
    await allMeet([original, kitchen])
    await original.command(`alias ${kitchen.id} kate`)
    await verifyEachOther(original, kitchen)
    for (const file of ['identity.pem', 'trust.db']) copyFileSync(join(first, file), join(second, file))
    await using clone = await openIn(second)
    assert.equal(clone.id, original.id)
    await Promise.all([original, clone].map((peer) => peer.warned('identity-duplicate')))
    for (let round = 0; round < 3; round++) {
      for (const peer of [original, clone]) await peer.command('emit')
    }
    for (const peer of [original, clone]) {
      assert.equal(peer.lines.filter(({ type }) => type === 'warning').length, 1, 'more than one warning')
      assert.equal(await leave(peer), 0)
    }
  }
  for (const folder of [first, second]) {
    assert.deepEqual(readFileSync(join(folder, 'identity.pem')), key)
    await using again = await openIn(folder)
    const { alias, trust } = (await contact(again, kitchen.id)) ?? {}
    assert.deepEqual([alias, trust], ['kate', 'verified'])
  }
})

/** A module that writes down, in hexadecimal, every random value from which a secret is made. */
function recorder(file: string): string {
  return `
    import crypto from 'node:crypto'
    import { appendFileSync } from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    const { randomBytes } = crypto
    crypto.randomBytes = (size, ...rest) => {
      const bytes = randomBytes(size, ...rest)
      if (size >= 16) appendFileSync(${JSON.stringify(file)}, bytes.toString('hex') + '\\n')
      return bytes
    }
    syncBuiltinESMExports()`
}

/** How a secret could be written down. */
function notations(secret: Buffer): readonly Buffer[] {
  const hex = secret.toString('hex')
  const texts = [
    hex,
    hex.toUpperCase(),
    secret.toString('base64').replace(/=+$/, ''),
    secret.toString('base64url'),
  ]
  return [secret, ...texts.map((text) => Buffer.from(text)), Buffer.from([...secret].join(','))]
}

/** Everything that the commands leave where others may read it, by name; two files are where the key and the token of the control API belong. */
function traces(peers: readonly PeerProcess[]): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>()
  for (const { dataDir, child } of peers) {
    for (const file of readdirSync(dataDir, { recursive: true, encoding: 'utf8' })) {
      const path = join(dataDir, file)
      const isHome = file === 'identity.pem' || file === 'control.json'
      if (!isHome && statSync(path).isFile()) found.set(path, readFileSync(path))
    }
    for (const file of ['cmdline', 'environ', 'comm']) {
      const path = `/proc/${child.pid}/${file}`
      if (existsSync(path)) found.set(path, readFileSync(path))
    }
  }
  return found
}

/** Where any of `needles` is. */
function hits(places: ReadonlyMap<string, Buffer>, needles: readonly Buffer[]): readonly string[] {
  return [...places].flatMap(([name, content]) =>
    needles.some((needle) => content.includes(needle)) ? [name] : [],
  )
}

/** {@link traces} without the file that keeps what was said, which only its owner may read. */
function tracesBesideMessages(peers: readonly PeerProcess[]): ReadonlyMap<string, Buffer> {
  const found = [...traces(peers)]
  for (const [name] of found) {
    if (name.includes('messages.db') && process.platform !== 'win32')
      assert.equal(statSync(name).mode & 0o077, 0, name)
  }
  return new Map(found.filter(([name]) => !name.includes('messages.db')))
}

function keySecrets(dataDir: string): readonly Buffer[] {
  const pem = readFileSync(join(dataDir, 'identity.pem'), 'utf8')
  const { d } = createPrivateKey(pem).export({ format: 'jwk' })
  const [, body = ''] = /-----\n(.+)\n-----/.exec(pem) ?? []
  assert.ok(d !== undefined && body !== '')
  return [...notations(Buffer.from(d, 'base64url')), Buffer.from(body), Buffer.from('PRIVATE KEY')]
}

test('L7: keys, nonces, codes, secrets of invitations and messages are in no log, no file and no command line', async (t) => {
  const folder = temporaryFolder(t)
  const recorded = join(folder, 'secrets')
  const preload = join(folder, 'recorder.mjs')
  writeFileSync(preload, recorder(recorded))
  const env = { NODE_OPTIONS: `--import=${pathToFileURL(preload).href}` }
  const config = loopbackConfig()
  const open = (name: string): Promise<PeerProcess> =>
    openPeer({ config, env, stay: true, args: ['--port', '0', '--name', name, '--log-level', 'DEBUG'] })
  await using desk = await open('desk')
  await using kitchen = await open('kitchen')
  const both = [desk, kitchen]
  await allMeet(both)

  await desk.command(`connect ${kitchen.id}`)
  await desk.command('canary of a message')
  await kitchen.received('canary of a message')
  await desk.command('/quit')
  const code = await verifyEachOther(desk, kitchen)
  const { invitation } = (await desk.command('verify')) as { invitation: { text: string } }
  const { text } = invitation
  const scanned = kitchen.attempt(`verify ${text}`)
  await desk.event('verify:code', ({ method }) => method === 'qr')
  await desk.command(`verify ${kitchen.id} yes`)
  await scanned
  // What goes wrong is what gets logged.
  desk.write(`verify ${kitchen.id}`)
  await kitchen.event('verify:code', undefined, { since: kitchen.mark })
  await kitchen.attempt(`verify ${desk.id} no`)
  await kitchen.attempt(`verify ${text}x`)

  const random = readFileSync(recorded, 'utf8').trim().split('\n')
  const secret = Buffer.from(text.split(':').at(-1) ?? '', 'base64url')
  assert.ok(random.includes(secret.toString('hex')), 'the recorder has missed a secret')
  assert.ok(random.filter((hex) => hex.length === 64).length >= 4, 'the recorder has missed nonces')
  const needles = [
    ...both.flatMap(({ dataDir }) => keySecrets(dataDir)),
    ...random.flatMap((hex) => notations(Buffer.from(hex, 'hex'))),
    ...[code, code.replace(' ', '')].map((canary) => Buffer.from(canary)),
  ]
  const said = [Buffer.from('canary of a message')]
  assert.deepEqual(hits(traces(both), needles), [])
  assert.deepEqual(hits(tracesBesideMessages(both), said), [])

  // Twin: the same search finds what is there, in the log and on the command line, and a secret as soon as it is.
  const log = join(desk.dataDir, 'log.log')
  assert.ok(hits(traces(both), [Buffer.from(desk.id)]).includes(log))
  if (process.platform === 'linux')
    assert.ok(hits(traces(both), [Buffer.from('DEBUG')]).includes(`/proc/${desk.child.pid}/cmdline`))
  for (const needle of [...needles, ...said]) {
    writeFileSync(
      join(desk.dataDir, 'planted.log'),
      Buffer.concat([Buffer.from('{"error":"'), needle, Buffer.from('"}')]),
    )
    assert.deepEqual(hits(tracesBesideMessages([desk]), [needle]), [join(desk.dataDir, 'planted.log')])
  }
  rmSync(join(desk.dataDir, 'planted.log'))

  for (const peer of both) await leave(peer)
  assert.deepEqual(hits(traces(both), needles), [], 'after the end')
  assert.deepEqual(hits(tracesBesideMessages(both), said), [], 'after the end')
  for (const { errors } of both) assert.equal(errors, '')
})
