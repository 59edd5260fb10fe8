/** Reading of rows: what a file holds is not believed to be of the type that we wrote. */
import type { SQLOutputValue } from 'node:sqlite'
import { fileIdFromRoot, type FileId } from '../protocol/file-id.ts'

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
  return value instanceof Uint8Array ? fileIdFromRoot(value) : undefined
}

export function bytesOrUndefined(value: SQLOutputValue | undefined): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined
}
