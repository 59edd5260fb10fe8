import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerId, Transfer } from '../index.ts'
import { barText, progressLine } from './progress-line.ts'
import { percentText, timeLeftText } from './progress.ts'
import { columnsOf } from './rows.ts'

const peerId = '7c21ab90-0000-8000-8000-000000000001' as PeerId

function transfer(more: Partial<Transfer> = {}): Transfer {
  const counts = { bytes: 500e6, totalBytes: 2e9, files: 0, totalFiles: 1, bytesPerSecond: 100e6 }
  const rest = { state: 'active', reason: '', sources: [peerId] } as const
  return { id: 'a', direction: 'in', peerId, path: 'disk.iso', ...counts, ...rest, ...more }
}

test('one transfer is told by its name, several by their sum', () => {
  assert.equal(
    progressLine([transfer()], 90),
    'disk.iso  [###---------]  25 %  500 MB of 2.0 GB  100 MB/s  15 s left',
  )
  assert.match(progressLine([transfer({ sources: [peerId, peerId] })], 100) ?? '', / {2}2 sources$/)
  assert.match(
    progressLine([transfer(), transfer()], 90) ?? '',
    /^2 transfers .* 1\.0 GB of 4\.0 GB {2}200 MB\/s/,
  )
  assert.equal(progressLine([], 90), undefined)
})

test('the line fits the terminal, whatever the name and however narrow', () => {
  for (const path of ['disk.iso', 'x'.repeat(300), '写真'.repeat(60), '\u001b[2J\n'])
    for (const columns of [60, 80, 200]) {
      const line = progressLine([transfer({ path })], columns) ?? ''
      assert.ok(columnsOf(line) <= columns, `${columns}: ${line}`)
      assert.doesNotMatch(line, /\p{Cc}/u)
    }
  assert.ok(columnsOf(progressLine([transfer()], 20) ?? '') <= 20)
})

test('what is not whole is never 100 %, and an empty file is', () => {
  assert.equal(percentText({ bytes: 999_999, totalBytes: 1_000_000 }), '99 %')
  assert.equal(percentText({ bytes: 0, totalBytes: 0 }), '100 %')
  assert.equal(barText({ bytes: 1, totalBytes: 1 }), '[############]')
  assert.equal(timeLeftText(transfer({ bytesPerSecond: 0 })), '')
})
