/** What `npm start` and `npm test` do before anything else, with an npm that only notes that it was called. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

const npm = `const fs = require('fs')
fs.appendFileSync('calls', 'begins ')
fs.rmSync('node_modules', { recursive: true, force: true })
setTimeout(() => {
  fs.mkdirSync('node_modules')
  fs.appendFileSync('calls', 'ends ')
  process.exit(Number(process.env.NPM_STATUS ?? 0))
}, 500)`

interface Clone {
  readonly folder: string
  /** What became of a start. */
  readonly start: (
    env?: NodeJS.ProcessEnv,
  ) => Promise<{ readonly status: number | null; readonly out: string }>
  /** What npm was asked for. */
  readonly calls: () => string
}

function clone(t: TestContext): Clone {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-launch-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'scripts'))
  cpSync('scripts/launch.cjs', join(folder, 'scripts/launch.cjs'))
  writeFileSync(join(folder, 'package-lock.json'), '{}')
  writeFileSync(join(folder, 'npm-cli.js'), npm)
  writeFileSync(
    join(folder, 'program.cjs'),
    'console.log("runs " + require("fs").existsSync("node_modules"))',
  )
  return {
    folder,
    async start(env = {}) {
      const child = spawn(process.execPath, ['scripts/launch.cjs', 'program.cjs'], {
        cwd: folder,
        env: { ...process.env, npm_execpath: join(folder, 'npm-cli.js'), ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let out = ''
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => (out += text))
      const [status] = (await once(child, 'close')) as [number | null]
      return { status, out }
    },
    calls: () => (existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8') : ''),
  }
}

test('what is locked is installed once, and again when the lockfile is another one', async (t) => {
  const { folder, start, calls } = clone(t)
  const first = await start()
  assert.equal(first.status, 0)
  assert.match(first.out, /installing the locked dependencies[^]*runs true/)
  assert.deepEqual(await start(), { status: 0, out: 'runs true\n' })
  assert.equal(calls(), 'begins ends ')
  writeFileSync(join(folder, 'package-lock.json'), '{"changed":true}')
  await start()
  assert.equal(calls(), 'begins ends begins ends ')
})

test('two that start at the same time install once, and both run', async (t) => {
  const { start, calls } = clone(t)
  const both = await Promise.all([start(), start()])
  assert.equal(calls(), 'begins ends ')
  for (const { status, out } of both) {
    assert.equal(status, 0)
    assert.match(out, /runs true/)
  }
  assert.ok(both.some(({ out }) => out.includes('waiting for another start')))
})

test('an npm that fails is said, with its status, and keeps nobody waiting', async (t) => {
  const { folder, start } = clone(t)
  const { status, out } = await start({ NPM_STATUS: '7' })
  assert.equal(status, 7)
  assert.match(out, /npm ci failed/)
  assert.equal(existsSync(join(folder, '.p2p-installing')), false)
  assert.equal((await start()).status, 0)
})

test('a start that was killed while it installed keeps nobody waiting', async (t) => {
  const { folder, start } = clone(t)
  const lock = join(folder, '.p2p-installing')
  const gone = spawn(process.execPath, ['-e', ''])
  await once(gone, 'exit')
  writeFileSync(lock, String(gone.pid))
  assert.equal((await start()).status, 0)

  // Another program has its number by now.
  rmSync(join(folder, 'node_modules'), { recursive: true })
  writeFileSync(lock, String(process.pid))
  utimesSync(lock, 1, 1)
  assert.equal((await start()).status, 0)
})
