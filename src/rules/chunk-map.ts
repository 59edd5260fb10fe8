/** Which chunks there are: one bit each, the first chunk in the lowest bit of the first byte; bits beyond the last chunk are 0. */

export function emptyChunks(chunks: number): Uint8Array {
  return new Uint8Array(Math.ceil(chunks / 8))
}

export function hasChunk(map: Uint8Array, chunk: number): boolean {
  return (((map[chunk >> 3] ?? 0) >> (chunk & 7)) & 1) === 1
}

export function addChunk(map: Uint8Array, chunk: number): void {
  map[chunk >> 3] = (map[chunk >> 3] ?? 0) | (1 << (chunk & 7))
}

export function removeChunk(map: Uint8Array, chunk: number): void {
  map[chunk >> 3] = (map[chunk >> 3] ?? 0) & ~(1 << (chunk & 7))
}

export function countChunks(map: Uint8Array): number {
  let count = 0
  for (const byte of map) for (let bits = byte; bits !== 0; bits &= bits - 1) count++
  return count
}
