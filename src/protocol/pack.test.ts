import assert from 'node:assert/strict'
import { test } from 'node:test'

import { limits } from '../base/limits.ts'
import { leafBytes } from './file-id.ts'
import { decodePackTable, encodePackTable, packTableBytes } from './pack.ts'

test('sizes and gaps come back as they were, also from the middle of other bytes', () => {
  const sizes = [0, 1, undefined, 65_536, leafBytes]
  const table = encodePackTable(sizes)
  assert.equal(Buffer.from(table).toString('hex'), '0000000000000001ffffffff0001000000100000')
  assert.equal(table.length, packTableBytes(sizes.length))
  assert.deepEqual(decodePackTable(table), sizes)
  const around = Buffer.concat([Buffer.of(9), table, Buffer.of(9)])
  assert.deepEqual(decodePackTable(around.subarray(1, -1)), sizes)
  assert.deepEqual(decodePackTable(new Uint8Array()), [])
})

test('F10: a table of half a size, of larger files, of more files or of more bytes than a pack has is refused', () => {
  assert.equal(decodePackTable(new Uint8Array(3)), undefined)
  assert.equal(decodePackTable(encodePackTable([leafBytes + 1])), undefined)
  assert.equal(decodePackTable(encodePackTable([0xff_ff_ff_fe])), undefined)
  const most = limits.packBytes / leafBytes
  assert.ok(decodePackTable(encodePackTable(Array.from({ length: most }, () => leafBytes))))
  assert.equal(
    decodePackTable(encodePackTable([...Array.from({ length: most }, () => leafBytes), 1])),
    undefined,
  )
  assert.ok(decodePackTable(new Uint8Array(packTableBytes(limits.packFiles))))
  assert.equal(decodePackTable(new Uint8Array(packTableBytes(limits.packFiles + 1))), undefined)
})
