/** The table before the bytes of a pack: which of the files that were asked for follow, and how long they are. */
import { limits } from '../base/limits.ts'
import { leafBytes } from './file-id.ts'

/** Bytes of one size: a 32-bit big-endian number. */
const sizeBytes = 4
/** Instead of a size: this file is not to be had. */
const absent = 0xff_ff_ff_ff

/** Bytes of the table for so many files. */
export function packTableBytes(files: number): number {
  return sizeBytes * files
}

/** @param sizes of the files in the order asked for, each at most `leafBytes`; undefined for one that is not to be had */
export function encodePackTable(sizes: readonly (number | undefined)[]): Uint8Array {
  const table = new Uint8Array(packTableBytes(sizes.length))
  const view = new DataView(table.buffer)
  for (const [index, size] of sizes.entries()) view.setUint32(sizeBytes * index, size ?? absent)
  return table
}

/**
 * What {@link encodePackTable} was given; undefined when it is no such table, or tells more than `limits.packBytes` in all (F10). Never
 * throws.
 */
export function decodePackTable(table: Uint8Array): readonly (number | undefined)[] | undefined {
  const count = table.length / sizeBytes
  if (!Number.isInteger(count) || count > limits.packFiles) return undefined
  const view = new DataView(table.buffer, table.byteOffset, table.length)
  const sizes = Array.from({ length: count }, (_, index) => {
    const size = view.getUint32(sizeBytes * index)
    return size === absent ? undefined : size
  })
  const total = sizes.reduce<number>((sum, size = 0) => sum + size, 0)
  return total <= limits.packBytes && sizes.every((size = 0) => size <= leafBytes) ? sizes : undefined
}
