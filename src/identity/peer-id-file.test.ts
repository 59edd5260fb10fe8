import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { parsePeerId } from '../protocol/peer-id.ts'
import { openDataDir, type DataDir } from './data-dir.ts'
import { loadPeerId } from './peer-id-file.ts'

const someId = '0d0d51af-cafa-4311-8d9b-92f421e8a8cb'

async function temporaryDataDir(t: TestContext): Promise<DataDir> {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-identity-'))
  const dataDir = await openDataDir(folder)
  t.after(async () => {
    await dataDir[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })
  return dataDir
}

test('the first start draws a UUIDv4 and keeps it in 36 characters, for the owner only', async (t) => {
  const dataDir = await temporaryDataDir(t)
  const id = loadPeerId(dataDir)
  assert.match(id, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
  assert.equal(readFileSync(dataDir.file('id'), 'utf8'), id)
  assert.deepEqual(
    readdirSync(dataDir.path).filter((name) => name.startsWith('id')),
    ['id'],
  )
  if (process.platform !== 'win32') assert.equal(statSync(dataDir.file('id')).mode & 0o777, 0o600)
})

test('two data directories have two IDs', async (t) => {
  assert.notEqual(loadPeerId(await temporaryDataDir(t)), loadPeerId(await temporaryDataDir(t)))
})

test('K5: a thousand restarts keep the ID', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-identity-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const ids = new Set<string>()
  for (let start = 0; start < 1_000; start++) {
    await using dataDir = await openDataDir(folder)
    ids.add(loadPeerId(dataDir))
  }
  assert.equal(ids.size, 1)
})

test('the file of the reference is read, also as an editor leaves it', async (t) => {
  const dataDir = await temporaryDataDir(t)
  for (const text of [someId, `${someId}\n`, `${someId}\r\n`, `${someId}  \n\n`, someId.toUpperCase()]) {
    writeFileSync(dataDir.file('id'), text)
    assert.equal(loadPeerId(dataDir), someId)
    assert.equal(readFileSync(dataDir.file('id'), 'utf8'), text, 'it is not ours to change')
  }
})

test('a damaged file is told, and never replaced by a new identity', async (t) => {
  const dataDir = await temporaryDataDir(t)
  const damages = [
    '',
    '\n',
    someId.slice(0, 35),
    `${someId}0`,
    ` ${someId}`,
    `\uFEFF${someId}`,
    `${someId}\n${someId}\n`,
    'x'.repeat(36),
    '\0'.repeat(36),
    '00000000-0000-0000-0000-000000000000',
    `${someId}${' '.repeat(10_000_000)}`,
  ]
  for (const text of damages) {
    writeFileSync(dataDir.file('id'), text)
    assert.throws(
      () => loadPeerId(dataDir),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'identity-invalid')
        assert.ok(error.message.startsWith(dataDir.file('id')), error.message)
        return true
      },
    )
    assert.equal(readFileSync(dataDir.file('id'), 'utf8'), text)
  }
})

test('a directory in the place of the file is told', async (t) => {
  const dataDir = await temporaryDataDir(t)
  mkdirSync(dataDir.file('id'))
  assert.throws(() => loadPeerId(dataDir), { code: /^(data-dir-unusable|identity-invalid)$/ })
})

test('what a start left behind that was killed while writing does no harm', async (t) => {
  const dataDir = await temporaryDataDir(t)
  writeFileSync(dataDir.file('id.new'), someId.slice(0, 10), { mode: 0o400 })
  const id = loadPeerId(dataDir)
  assert.ok(parsePeerId(id))
  assert.deepEqual(readdirSync(dataDir.path).sort(), ['id', 'lock.db', 'lock.pid'])
})

test('K5: killed at whatever moment of its first start, there is no ID or a whole one', async (t) => {
  const source = `
    import { openDataDir } from ${JSON.stringify(import.meta.resolve('./data-dir.ts'))}
    import { loadPeerId } from ${JSON.stringify(import.meta.resolve('./peer-id-file.ts'))}
    import { rmSync } from 'node:fs'
    const dataDir = await openDataDir(process.argv[1])
    console.log('open')
    for (;;) { rmSync(dataDir.file('id'), { force: true }); loadPeerId(dataDir) }`
  for (let round = 0; round < 8; round++) {
    const folder = mkdtempSync(join(tmpdir(), 'p2p-identity-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    setTimeout(() => child.kill('SIGKILL'), round * 7)
    await once(child, 'exit')
    await using dataDir = await openDataDir(folder)
    assert.equal(loadPeerId(dataDir).length, 36)
  }
})
