/**
 * A second opinion on what bytes mean: protobuf's rules in their most naive form, and then the library.
 *
 * The library alone will not do. It reads a known field whatever its wire type, and lets an embedded message run over
 * its length; the reference's library takes the first for an unknown field and refuses the second. So the bytes are
 * first reduced to the known fields with the right wire type, by the book, and what remains is the library's.
 */
import {
  fromBinary,
  ScalarType,
  type DescField,
  type DescMessage,
  type MessageShape,
} from '@bufbuild/protobuf'
import { BinaryWriter } from '@bufbuild/protobuf/wire'

import { limits } from '../../src/base/limits.ts'

const lengthDelimited = 2
const endGroup = 4

interface WireRecord {
  readonly number: number
  readonly type: number
  /** The value as it stands on the wire; for length-delimited ones without the length. */
  readonly value: Uint8Array
}

/** The message in `bytes`; undefined when they are none by protobuf's rules. */
export function oracle<Desc extends DescMessage>(
  desc: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> | undefined {
  try {
    return fromBinary(desc, reduce(fieldsOf(desc), bytes, 1))
  } catch {
    return undefined
  }
}

/** Numbers of the known fields in `bytes`, in their order, each as often as it is there; undefined like {@link oracle}. */
export function fieldNumbers(desc: DescMessage, bytes: Uint8Array): readonly number[] | undefined {
  const fields = fieldsOf(desc)
  try {
    const known = records(bytes, 1).filter(({ number, type }) => fields.get(number)?.type === type)
    return known.map(({ number }) => number)
  } catch {
    return undefined
  }
}

type Fields = ReadonlyMap<number, { readonly type: number; readonly content: Fields | undefined }>

function fieldsOf(desc: DescMessage): Fields {
  return new Map(
    desc.fields.map((field) => [field.number, { type: wireTypeOf(field), content: contentOf(field) }]),
  )
}

function wireTypeOf(field: DescField): number {
  if (field.fieldKind === 'map' || field.message !== undefined) return lengthDelimited
  if (field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES) return lengthDelimited
  return field.scalar === ScalarType.FIXED64 ? 1 : 0
}

function contentOf(field: DescField): Fields | undefined {
  const text = { type: lengthDelimited, content: undefined }
  if (field.fieldKind === 'map')
    return new Map([
      [1, text],
      [2, text],
    ])
  return field.message && fieldsOf(field.message)
}

function reduce(fields: Fields, bytes: Uint8Array, depth: number): Uint8Array {
  if (depth > limits.nestingDepth) throw new Error('too deep')
  const writer = new BinaryWriter()
  for (const { number, type, value } of records(bytes, depth)) {
    const field = fields.get(number)
    if (field === undefined || field.type !== type) continue
    writer.tag(number, type)
    if (field.content !== undefined) writer.bytes(reduce(field.content, value, depth + 1))
    else if (type === lengthDelimited) writer.bytes(value)
    else writer.raw(value)
  }
  return writer.finish()
}

function records(bytes: Uint8Array, depth: number): readonly WireRecord[] {
  const cursor = { bytes, at: 0 }
  const found: WireRecord[] = []
  while (cursor.at < bytes.length) found.push(readRecord(cursor, depth))
  if (found.some(({ type }) => type === endGroup)) throw new Error('no group to end')
  return found
}

interface Cursor {
  readonly bytes: Uint8Array
  at: number
}

function readRecord(cursor: Cursor, depth: number): WireRecord {
  const tag = readVarint(cursor)
  const number = Number(tag >> 3n)
  const type = Number(tag & 7n)
  if (number < 1 || number > 2 ** 29 - 1) throw new Error('no field number')
  const start = cursor.at
  if (type === 0) readVarint(cursor)
  else if (type === 1) take(cursor, 8)
  else if (type === 5) take(cursor, 4)
  else if (type === lengthDelimited) return { number, type, value: take(cursor, Number(readVarint(cursor))) }
  else if (type === 3) readGroup(cursor, number, depth + 1)
  else if (type !== endGroup) throw new Error('no wire type')
  return { number, type, value: cursor.bytes.subarray(start, cursor.at) }
}

function readGroup(cursor: Cursor, number: number, depth: number): void {
  if (depth > limits.nestingDepth) throw new Error('too deep')
  let inner: WireRecord
  do inner = readRecord(cursor, depth)
  while (inner.type !== endGroup)
  if (inner.number !== number) throw new Error('another group ends')
}

function readVarint(cursor: Cursor): bigint {
  let value = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const [byte = 0] = take(cursor, 1)
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) {
      if (value >= 2n ** 64n) throw new Error('more than 64 bits')
      return value
    }
  }
  throw new Error('endless varint')
}

function take(cursor: Cursor, count: number): Uint8Array {
  const end = cursor.at + count
  if (end > cursor.bytes.length) throw new Error('cut off')
  const taken = cursor.bytes.subarray(cursor.at, end)
  cursor.at = end
  return taken
}
