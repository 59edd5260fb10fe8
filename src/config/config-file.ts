import { closeSync, openSync, readSync, renameSync, writeFileSync } from 'node:fs'
import { errnoOf, limits, messageOf, P2PError } from '../index.ts'
import { defaultFile } from './default-file.ts'
import type { Draft } from './draft.ts'

/** Why a file cannot be read, and what to do. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; correct the path, or leave it out',
  EISDIR: 'this is a directory; name a file in it',
  ENOTDIR: 'a part of the path is not a directory; correct the path',
  EACCES: 'permission denied; give your user the right to read it',
  EPERM: 'permission denied; give your user the right to read it',
}

/**
 * The text of a configuration file. Undefined when it cannot be had, which then is a mistake in `draft`, except when
 * it does not exist and need not.
 */
export function readConfigFile(
  file: string,
  { mustExist, draft }: { readonly mustExist: boolean; readonly draft: Draft },
): string | undefined {
  try {
    const bytes = readBounded(file, limits.configBytes)
    if (bytes !== undefined) return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    draft.wrong(
      file,
      `is larger than ${limits.configBytes / 1024} KiB; this cannot be a configuration of p2p`,
    )
  } catch (error) {
    const errno = errnoOf(error) ?? ''
    // A data directory that is a file is told when it is opened, as what is wrong with the directory.
    if ((errno === 'ENOENT' || errno === 'ENOTDIR') && !mustExist) return undefined
    if (errno === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      draft.wrong(file, 'is not UTF-8 text; save it as UTF-8')
    else draft.wrong(file, reasons[errno] ?? messageOf(error))
  }
  return undefined
}

/** Undefined when there is more than `maxBytes`; whatever a size says, no more is ever read. */
function readBounded(file: string, maxBytes: number): Uint8Array | undefined {
  const buffer = new Uint8Array(maxBytes + 1)
  const fd = openSync(file, 'r')
  try {
    let length = 0
    for (let read = 1; read > 0 && length <= maxBytes; length += read) {
      read = readSync(fd, buffer, length, buffer.length - length, null)
    }
    return length > maxBytes ? undefined : buffer.subarray(0, length)
  } finally {
    closeSync(fd)
  }
}

/**
 * Writes the explained defaults, whole or not at all. The directory must exist.
 *
 * @throws P2PError `data-dir-unusable`
 */
export function writeDefaultFile(file: string): void {
  const temporary = `${file}.new`
  try {
    writeFileSync(temporary, defaultFile(), { mode: 0o600 })
    renameSync(temporary, file)
  } catch (error) {
    const advice = 'Make room for it, or choose another directory with --data-dir.'
    throw new P2PError('data-dir-unusable', `${file} cannot be written (${messageOf(error)}). ${advice}`, {
      cause: error,
    })
  }
}
