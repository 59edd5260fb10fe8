import type { WireWriter } from './wire-writer.ts'

/** Writes one field; nothing when it has the value that an absent one has, as proto3 wants it. */
export function writeNumber(writer: WireWriter, tag: number, value: number): void {
  if (value === 0) return
  writer.varint(tag)
  writer.varint(value)
}

/** Like {@link writeNumber}. */
export function writeText(writer: WireWriter, tag: number, value: string): void {
  if (value === '') return
  writer.varint(tag)
  writer.string(value)
}

/** Like {@link writeNumber}. */
export function writeBytes(writer: WireWriter, tag: number, value: Uint8Array): void {
  if (value.length === 0) return
  writer.varint(tag)
  writer.bytes(value)
}
