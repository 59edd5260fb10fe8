import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { limits } from '../index.ts'
import { ShellHistory } from './shell-history.ts'

function historyFile(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'p2p-history-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return join(path, 'history', 'shell')
}

test('what was typed is there in the next run, newest first, and for nobody else', (t) => {
  const file = historyFile(t)
  assert.deepEqual(new ShellHistory(file).load(), [])
  new ShellHistory(file).add('list peers')
  new ShellHistory(file).add('connect 1')
  assert.deepEqual(new ShellHistory(file).load(), ['connect 1', 'list peers'])
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(statSync(dirname(file)).mode & 0o777, 0o700)
})

test('the file is cut to the newest lines, and lines with controls are left out', (t) => {
  const file = historyFile(t)
  const history = new ShellHistory(file)
  history.add('first')
  const lines = Array.from({ length: limits.shellHistoryLines + 10 }, (_, number) => `emit ${number}`)
  writeFileSync(file, `${lines.join('\n')}\n\x1b[2J\n`)
  const loaded = history.load()
  assert.equal(loaded.length, limits.shellHistoryLines)
  assert.equal(loaded[0], lines.at(-1))
  assert.equal(readFileSync(file, 'utf8').trim().split('\n').length, limits.shellHistoryLines)
})

test('a place where nothing can be kept costs only the memory', () => {
  const history = new ShellHistory('/dev/null/history/shell')
  history.add('list peers')
  assert.deepEqual(history.load(), [])
})
