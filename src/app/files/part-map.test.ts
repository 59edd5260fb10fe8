import assert from 'node:assert/strict'
import { test } from 'node:test'

import { leafBytes } from '../../protocol/file-id.ts'
import { addChunk, emptyChunks } from '../../rules/chunk-map.ts'
import type { TransferStore } from '../../store/transfer-store.ts'
import { PartMap } from './part-map.ts'

const part = { transferId: '00', number: 3 }

function openMap() {
  const chunks = emptyChunks(3_000)
  const written: { readonly group: number; readonly bits: Uint8Array }[] = []
  const store: Pick<TransferStore, 'putChunks'> = {
    putChunks(id, number, { group, bits }) {
      assert.deepEqual([id, number], ['00', 3])
      written.push({ group, bits: bits.slice() })
    },
  }
  const map = new PartMap(store, part, chunks)
  const add = (chunk: number): void => {
    addChunk(chunks, chunk)
    map.changed(chunk, leafBytes)
  }
  return { map, add, written }
}

test('the map is written every 4 MiB, and only the groups that have changed', () => {
  const { map, add, written } = openMap()
  for (const chunk of [0, 1, 2]) add(chunk)
  assert.equal(written.length, 0)
  add(2_999)
  assert.deepEqual(
    written.map(({ group, bits }) => [group, bits.length, bits[0]]),
    [
      [0, 128, 7],
      [2, 119, 0],
    ],
  )
  map.close()
  assert.equal(written.length, 2)
})

test('what has come is written after a moment, also when nothing more comes', async () => {
  const { map, add, written } = openMap()
  add(5)
  await new Promise((resolve) => setTimeout(resolve, 400))
  assert.equal(written.length, 1)
  add(6)
  map.close()
  assert.equal(written.length, 2)
})
