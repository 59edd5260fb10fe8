/** The single-file executable: alone, with no Node and no other file in reach. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { until } from '../app/nodes.ts'
import { noTerminal, Terminal } from '../cli/terminal.ts'
import { assertAllWorks } from '../cli/whole.ts'

const folder = mkdtempSync(join(tmpdir(), 'p2p-executable-'))
const executable = join(folder, 'p2p')
/** Where there is nothing to run. */
const env = { HOME: folder, PATH: folder }

before(
  () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/build-executable.ts', executable], {
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
  },
  { timeout: 240_000 },
)
after(() => rmSync(folder, { recursive: true, force: true }))

test('it finds peers, carries files and serves the page', { timeout: 240_000 }, (t) =>
  assertAllWorks(t, [executable], env),
)

test('it has its screen', { timeout: 60_000, skip: noTerminal }, async () => {
  const command = ['-i', 'TERM=xterm-256color', `HOME=${folder}`, executable, '--port', '0', '--name', 'desk']
  await using terminal = await Terminal.open(command)
  await until(async () => (await terminal.screen()).includes('Nobody here yet'), 'the screen')
  await terminal.press('q')
  await until(async () => (await terminal.screen()).includes('[status 0]'), 'the end')
})

test('it runs by a link, and starts itself with a session', () => {
  const link = join(folder, 'other-name')
  symlinkSync(executable, link)
  const { stdout, stderr, status } = spawnSync(link, ['service', 'print'], { encoding: 'utf8', env })
  assert.deepEqual([stderr, status], ['', 0])
  assert.match(stdout, new RegExp(`^ExecStart=${executable} serve$`, 'm'))
})
