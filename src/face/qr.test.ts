import assert from 'node:assert/strict'
import { test } from 'node:test'
import { qrLines } from './qr.ts'
import { plainStyle } from './style.ts'

test('a QR code that the terminal would break is not drawn, and what helps is said', async () => {
  const text = `p2p:v1:${'7'.repeat(100)}`
  const rows = await qrLines(text, plainStyle)
  const width = rows[0]?.length ?? 0
  assert.ok(rows.length > 10 && rows.every((row) => row.length === width))
  assert.deepEqual(await qrLines(text, plainStyle, width), rows)
  assert.match(
    (await qrLines(text, plainStyle, width - 1)).join('\n'),
    /^The QR code takes \d+ columns.*wider/,
  )
})
