/** The command in a pipe, and the texts it prints before any node runs. */
import assert from 'node:assert/strict'
import { spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { openPeer } from '../lab/peer.ts'
import { loopbackConfig } from './pair.ts'

const program = join(import.meta.dirname, '../../src/cli/main.ts')
const installed = join(import.meta.dirname, '../../bin/p2p.cjs')

interface Run {
  readonly args: readonly string[]
  readonly input?: string
}

function runCommand({ args, input = '' }: Run): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [program, ...args], { input, encoding: 'utf8', timeout: 20_000 })
}

function folder(t: TestContext, config: string): string {
  const path = mkdtempSync(join(tmpdir(), 'p2p-plain-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  writeFileSync(join(path, 'config.yaml'), config)
  return path
}

test('in a pipe it prints plain lines: results to standard output, mistakes to standard error', async (t) => {
  const config = loopbackConfig()
  await using kitchen = await openPeer({ config, stay: true, args: ['--port', '0', '--name', 'kitchen'] })
  const dataDir = folder(t, config)
  const input = `connect ${kitchen.id}\nlunch?\n/quit\nconect 1\nlist peers\n`
  const args = ['shell', '--data-dir', dataDir, '--port', '0', '--name', 'desk']
  const { stdout, stderr, status } = runCommand({ args, input })
  assert.equal(status, 64)
  assert.match(stderr, /^p2p: conect 1: There is no command "conect 1"\. Did you mean "connect"\?\n$/)
  assert.doesNotMatch(stdout, /(?!\n)\p{Cc}|p2p> /u)
  assert.match(stdout, /^"desk" [0-9a-f-]{36} {2}.*port \d+\n/)
  assert.match(stdout, new RegExp(`Talking with "kitchen" ${kitchen.id} unverified\\.`))
  assert.match(stdout, new RegExp(`^1 {2}${kitchen.id} {2}"kitchen" `, 'm'))
  await kitchen.received('lunch?')
})

test('with --wait a list of peers has everybody who answers in that time', async (t) => {
  const config = loopbackConfig()
  await using kitchen = await openPeer({ config, stay: true, args: ['--port', '0', '--name', 'kitchen'] })
  const args = ['--data-dir', folder(t, config), '--port', '0', '--wait', '3']
  const { stdout, status } = runCommand({ args, input: 'list peers\n' })
  assert.equal(status, 0)
  assert.match(stdout, new RegExp(`^1 {2}${kitchen.id} `, 'm'))
})

test('--help teaches, --version tells, and neither starts anything', () => {
  const help = runCommand({ args: ['--help'] })
  assert.equal(help.status, 0)
  for (const word of ['Examples:', '--data-dir', 'P2P_CONFIG', 'Exit status', 'config-invalid', 'NO_COLOR']) {
    assert.ok(help.stdout.includes(word), word)
  }
  for (const line of help.stdout.split('\n')) assert.ok(line.length <= 110, line)
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  assert.equal(runCommand({ args: ['--version'] }).stdout, `${version}\n`)
})

test('without any standard input it still runs and ends', (t) => {
  const args = ['--json', '--data-dir', folder(t, loopbackConfig()), '--port', '0']
  const { status, stdout } = spawnSync('sh', ['-c', '"$0" "$@" <&-', process.execPath, program, ...args], {
    encoding: 'utf8',
  })
  assert.equal(status, 0)
  assert.match(stdout, /"type":"node:stopped"[^\n]*\n$/)
})

test('an old Node is told what to do instead of failing on new syntax', () => {
  const pretend = "Object.defineProperty(process, 'version', { value: 'v20.20.0' }); require(process.argv[1])"
  const { status, stderr, stdout } = spawnSync(process.execPath, ['-e', pretend, installed], {
    encoding: 'utf8',
  })
  assert.equal(status, 78)
  assert.equal(stdout, '')
  assert.match(stderr, /needs Node 24\.15 or newer, and this is v20\.20\.0/)
})
