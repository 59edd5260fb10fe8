/** Reading of rows: what a file holds is not believed to be of the type that we wrote. */
import type { SQLOutputValue } from 'node:sqlite'
import { parseFileId, type FileId } from '../protocol/file-id.ts'

export type Row = Readonly<Record<string, SQLOutputValue>>

/** The one of several texts that a value is. */
export function oneOf<Text extends string>(
  texts: readonly Text[],
  value: SQLOutputValue | undefined,
): Text | undefined {
  return texts.find((text) => text === value)
}

export function textOrUndefined(value: SQLOutputValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function fileIdOrUndefined(value: SQLOutputValue | undefined): FileId | undefined {
  return value instanceof Uint8Array ? fileIdOf(value) : undefined
}

/** The ID with a root; quicker than one that has to do without Node. */
export function fileIdOf(root: Uint8Array): FileId | undefined {
  return parseFileId(`sha256-tree:${hexOf(root)}`)
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}

export function bytesOrUndefined(value: SQLOutputValue | undefined): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined
}
