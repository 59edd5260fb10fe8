import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openDataDir } from './data-dir.ts'

const unusableDirectory = { code: 'data-dir-unusable' }

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-identity-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Opens `path` in a process of its own, which then says so on its standard output and stays. */
async function openElsewhere(path: string): Promise<ChildProcess> {
  const source = `
    import { openDataDir } from ${JSON.stringify(import.meta.resolve('./data-dir.ts'))}
    const dataDir = await openDataDir(${JSON.stringify(path)})
    console.log('open')
    setInterval(() => dataDir.path, 1_000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  assert.equal(String((await once(child.stdout, 'data'))[0]), 'open\n')
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

test('a data directory is made with its parents, for its owner only', async (t) => {
  const path = join(temporaryFolder(t), 'a', 'b')
  await using dataDir = await openDataDir(path)
  assert.equal(dataDir.path, path)
  assert.equal(dataDir.file('id'), join(path, 'id'))
  if (process.platform !== 'win32') {
    assert.equal(statSync(path).mode & 0o777, 0o700)
    assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700)
  }
})

test('K5: a second process is refused, and told which has the directory and what to do', async (t) => {
  const path = temporaryFolder(t)
  const child = await openElsewhere(path)
  try {
    await assert.rejects(openDataDir(path), {
      code: 'data-dir-busy',
      message: `Another p2p (process ${child.pid}) uses the data directory ${path}. Stop it, or give this one its own with --data-dir.`,
    })
  } finally {
    await kill(child)
  }
})

test('K5: what a process left that was killed keeps nobody out', async (t) => {
  const path = temporaryFolder(t)
  for (let round = 0; round < 3; round++) {
    await kill(await openElsewhere(path))
    assert.ok(existsSync(join(path, 'lock.pid')), 'it had no time to clean up')
    await using dataDir = await openDataDir(path)
    assert.equal(readFileSync(dataDir.file('lock.pid'), 'utf8'), String(process.pid))
  }
})

test('K5: of many that start at once exactly one gets the directory', async (t) => {
  const path = join(temporaryFolder(t), 'new')
  const source = `
    import { openDataDir } from ${JSON.stringify(import.meta.resolve('./data-dir.ts'))}
    try { await openDataDir(${JSON.stringify(path)}); console.log('open'); process.stdin.resume() }
    catch (error) { console.log(error.code) }`
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ['--input-type=module', '--eval', source], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  )
  const answers = await Promise.all(
    children.map(async ({ stdout }) => String((await once(stdout, 'data'))[0]).trim()),
  )
  for (const child of children) if (child.exitCode === null) await kill(child)
  assert.deepEqual(answers.sort(), [...Array<string>(5).fill('data-dir-busy'), 'open'])
})

test('K5: the same process cannot open a directory twice either, but again after closing', async (t) => {
  const path = temporaryFolder(t)
  {
    await using _first = await openDataDir(path)
    await assert.rejects(openDataDir(path), { code: 'data-dir-busy' })
    // The refused one must not have taken the lock of the first away.
    await assert.rejects(openDataDir(path), { code: 'data-dir-busy' })
  }
  const again = await openDataDir(path)
  await again[Symbol.asyncDispose]()
  await again[Symbol.asyncDispose]()
  assert.deepEqual(readdirSync(path), ['lock.db'])
})

test('a process whose number is not known is not named', async (t) => {
  const path = temporaryFolder(t)
  await using dataDir = await openDataDir(path)
  const message = `Another p2p uses the data directory ${path}. Stop it, or give this one its own with --data-dir.`
  writeFileSync(dataDir.file('lock.pid'), '12\u001B[2J')
  await assert.rejects(openDataDir(path), { message })
  rmSync(dataDir.file('lock.pid'))
  await assert.rejects(openDataDir(path), { message })
})

test('a path that is or goes through a file is refused', async (t) => {
  const file = join(temporaryFolder(t), 'file')
  writeFileSync(file, '')
  await assert.rejects(openDataDir(file), unusableDirectory)
  await assert.rejects(openDataDir(join(file, 'below')), unusableDirectory)
})

test('a lock file that is something else is left alone and told', async (t) => {
  const path = temporaryFolder(t)
  writeFileSync(join(path, 'lock.db'), 'no database, and nobody knows what')
  await assert.rejects(openDataDir(path), { ...unusableDirectory, message: /lock\.db/ })
  assert.equal(readFileSync(join(path, 'lock.db'), 'utf8'), 'no database, and nobody knows what')
  rmSync(join(path, 'lock.db'))
  mkdirSync(join(path, 'lock.db'))
  await assert.rejects(openDataDir(path), unusableDirectory)
})

test(
  'below /proc, where nothing can be made, it fails and does not hang',
  { skip: process.platform !== 'linux' && 'there is no /proc' },
  async () => {
    await assert.rejects(openDataDir('/proc/p2p'), unusableDirectory)
  },
)
