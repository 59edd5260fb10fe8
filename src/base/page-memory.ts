/**
 * Memory that begins at a page of the processor, which the disk can take from and give to without a copy (`O_DIRECT`). JavaScript
 * promises no such thing of its buffers; the memory of WebAssembly has it, because its own pages are made of whole ones. See docs/decisions/0020.
 */

/** What the types of Node leave out. Missing where nothing is compiled (`--jitless`). */
declare const WebAssembly:
  | {
      readonly Memory: new (size: { readonly initial: number; readonly maximum: number }) => {
        readonly buffer: ArrayBuffer
      }
    }
  | undefined

/** Bytes of a page of WebAssembly: a multiple of every page, and of every sector. */
const wasmPageBytes = 65_536
/** What disks ask for at most: address, place in the file and length are multiples of it. */
export const sectorBytes = 4_096

const known = new WeakSet<ArrayBufferLike>()

/** So many bytes of zeros, at the beginning of a page wherever that is possible. Memory of its own: nothing else is kept alive by it. */
export function newPageMemory(bytes: number): Uint8Array<ArrayBuffer> {
  const pages = Math.ceil(bytes / wasmPageBytes)
  try {
    if (typeof WebAssembly !== 'undefined') {
      const { buffer } = new WebAssembly.Memory({ initial: pages + 1, maximum: pages + 1 })
      known.add(buffer)
      return new Uint8Array(buffer, wasmPageBytes, bytes)
    }
  } catch {
    // Each takes some addresses beside it, which a process may be short of.
  }
  return new Uint8Array(bytes)
}

/** Whether bytes lie at a sector, and are whole sectors. */
export function isInSectors({ buffer, byteOffset, length }: Uint8Array): boolean {
  return known.has(buffer) && byteOffset % sectorBytes === 0 && length % sectorBytes === 0
}

/**
 * The same bytes with one more in front of them, which nobody else uses; undefined when there is none. So a hash over a prefix and a content is one
 * over memory as it lies.
 */
export function withByteBefore(bytes: Uint8Array): Uint8Array | undefined {
  const { buffer, byteOffset, length } = bytes
  if (!known.has(buffer) || byteOffset !== wasmPageBytes) return undefined
  return new Uint8Array(buffer, byteOffset - 1, length + 1)
}
