/** The package as npm installs it from its tarball, into a place where there was nothing; on this Node and on the next. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, test } from 'node:test'
import { assertAllWorks } from '../cli/whole.ts'
import { node26, skip } from '../node26/run.ts'

const folder = mkdtempSync(join(tmpdir(), 'p2p-install-'))
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
const prefix = join(folder, 'global')
let tarball = ''

function npm(command: string, args: readonly string[], cwd = process.cwd()): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: withNode(process.execPath),
  })
  assert.equal(status, 0, stderr + stdout)
  return stdout
}

/** The environment of somebody whose `node` is this one. */
function withNode(node: string): NodeJS.ProcessEnv {
  const bin = mkdtempSync(join(folder, 'bin-'))
  symlinkSync(node, join(bin, 'node'))
  return { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}` }
}

before(
  () => {
    npm(process.execPath, ['scripts/build.ts'])
    npm('npm', ['pack', '--ignore-scripts', '--loglevel=error', `--pack-destination=${folder}`])
    tarball = join(folder, globSync('p2p-*.tgz', { cwd: folder })[0] ?? '')
    const options = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
    npm('npm', ['install', '--global', '--prefix', prefix, ...options, tarball], folder)
  },
  { timeout: 240_000 },
)
after(() => rmSync(folder, { recursive: true, force: true }))

test('installed for all, it works on this Node', { timeout: 240_000 }, (t) =>
  assertAllWorks(t, [join(prefix, 'bin/p2p')], withNode(process.execPath)),
)

test('installed for all, it works on Node 26', { timeout: 240_000, skip }, (t) =>
  assertAllWorks(t, [join(prefix, 'bin/p2p')], withNode(node26)),
)

test('npx runs it in an empty folder, and leaves nothing there', { timeout: 240_000 }, () => {
  const empty = join(folder, 'empty')
  mkdirSync(empty)
  const options = ['--yes', '--prefer-offline', '--loglevel=error']
  assert.equal(npm('npx', [...options, `--package=${tarball}`, 'p2p', '--version'], empty).trim(), version)
  assert.deepEqual(globSync('*', { cwd: empty }), [])
})
