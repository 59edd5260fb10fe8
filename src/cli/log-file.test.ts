import assert from 'node:assert/strict'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { limits } from '../index.ts'
import { fileLog } from './log-file.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'p2p-log-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function linesOf(file: string): Record<string, unknown>[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

test('L6: a thousand bad datagrams leave one line, and the next minute tells how many there were', async (t) => {
  t.mock.timers.enable({ apis: ['Date'] })
  const file = join(folder(t), 'log.log')
  let now = 0
  t.mock.method(performance, 'now', () => now)
  const log = fileLog(file, 'INFO')
  await log.open()
  for (let count = 0; count < 1_000; count++) log.warn('A datagram was bad.', { cause: 'too-long' })
  log.warn('A datagram was bad.', { cause: 'no-id' })
  assert.deepEqual(
    linesOf(file).map(({ cause }) => cause),
    ['too-long', 'no-id'],
  )
  now = limits.logIntervalMs
  log.warn('A datagram was bad.', { cause: 'too-long' })
  assert.equal(linesOf(file).at(-1)?.['repeated'], 999)
})

test('L6: causes without end share a line, too', async (t) => {
  const file = join(folder(t), 'log.log')
  const log = fileLog(file, 'INFO')
  await log.open()
  for (let count = 0; count < 10_000; count++) log.warn('Odd.', { cause: `stranger ${count}` })
  assert.ok(linesOf(file).length <= limits.logCauses + 1)
})

test('L6: files are turned over at 5 MiB, and five are kept', async (t) => {
  const path = folder(t)
  const file = join(path, 'log.log')
  const log = fileLog(file, 'INFO')
  await log.open()
  for (let turn = 0; turn < 8; turn++) {
    log.info(`turn ${turn}`)
    truncateSync(file, limits.logFileBytes)
  }
  assert.deepEqual(readdirSync(path).sort(), ['log.log', 'log.log.1', 'log.log.2', 'log.log.3', 'log.log.4'])
  for (const name of readdirSync(path)) assert.ok(statSync(join(path, name)).size <= limits.logFileBytes)
})

test(
  'L6: a disk that is full, or no place at all, never throws',
  { skip: process.platform !== 'linux' },
  async (t) => {
    const file = join(folder(t), 'log.log')
    symlinkSync('/dev/full', file)
    assert.throws(() => writeFileSync(file, 'x'), { code: 'ENOSPC' })
    for (const path of [file, '/dev/null/log.log']) {
      const log = fileLog(path, 'INFO')
      await log.open()
      log.error('Something.', { error: 'text' })
    }
  },
)

test('L4: a log line stays one line, whatever a field carries', async (t) => {
  const file = join(folder(t), 'log.log')
  const log = fileLog(file, 'INFO')
  await log.open()
  const error = 'x\nlevel=ERROR msg=forged \u2028 \u0085 \u009b2J %s'
  log.error('Something broke.', { error })
  const text = readFileSync(file, 'utf8')
  assert.equal(text.split(/[\n\u2028\u0085]/).length, 2)
  assert.equal(linesOf(file)[0]?.['error'], error)
})

test('levels below the chosen one are left out, and only the owner may read the file', async (t) => {
  const file = join(folder(t), 'log.log')
  const log = fileLog(file, 'WARN')
  log.info('early and too low')
  log.warn('early')
  await log.open()
  log.debug('low')
  log.error('high')
  assert.deepEqual(
    linesOf(file).map(({ level, msg }) => [level, msg]),
    [
      ['warn', 'early'],
      ['error', 'high'],
    ],
  )
  assert.equal(statSync(file).mode & 0o777, 0o600)
})
