import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isInSectors, newPageMemory, sectorBytes, withByteBefore } from './page-memory.ts'

function noRoom(): never {
  throw new RangeError('could not allocate memory')
}

test('memory of ours begins at a sector, has the size that was asked for, and is empty', () => {
  for (const bytes of [sectorBytes, 1024 * 1024, 65_536 + sectorBytes]) {
    const memory = newPageMemory(bytes)
    assert.equal(memory.length, bytes)
    assert.ok(memory.every((byte) => byte === 0))
    assert.ok(isInSectors(memory))
  }
})

test('what begins or ends within a sector is not in sectors, and neither is memory of somebody else', () => {
  const memory = newPageMemory(4 * sectorBytes)
  assert.ok(isInSectors(memory.subarray(sectorBytes, 3 * sectorBytes)))
  assert.ok(!isInSectors(memory.subarray(1, sectorBytes + 1)))
  assert.ok(!isInSectors(memory.subarray(0, sectorBytes + 1)))
  assert.ok(!isInSectors(new Uint8Array(sectorBytes)))
})

test('one byte in front belongs to memory of ours and to nothing else', () => {
  const memory = newPageMemory(sectorBytes)
  memory.fill(7)
  const whole = withByteBefore(memory.subarray(0, 10))
  assert.equal(whole?.length, 11)
  assert.deepEqual([...whole], [0, ...Array.from({ length: 10 }, () => 7)])
  assert.equal(withByteBefore(memory.subarray(1)), undefined)
  assert.equal(withByteBefore(new Uint8Array(sectorBytes)), undefined)
})

test('without WebAssembly, and without room for it, memory is ordinary', (t) => {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'WebAssembly')
  assert.ok(before !== undefined)
  t.after(() => Object.defineProperty(globalThis, 'WebAssembly', before))
  for (const value of [undefined, { Memory: noRoom }]) {
    Object.defineProperty(globalThis, 'WebAssembly', { ...before, value })
    const memory = newPageMemory(sectorBytes)
    assert.deepEqual([memory.length, isInSectors(memory)], [sectorBytes, false])
    assert.equal(withByteBefore(memory), undefined)
  }
})
