/**
 * What becomes of the names that others give to files (F7, F8). A name is a suggestion: whatever comes out here lies inside
 * the folder it is put into, on every platform, and shows people all that is in it. Written by ourselves because what Node does with paths
 * has been wrong on Windows (CVE-2025-23084, CVE-2025-27210).
 *
 * Refused are paths that climb or start at a root: a part that is empty, `.` or `..`, and what is longer or deeper than the limits.
 * Everything else is mapped, on all platforms alike, since files travel on:
 * - characters that separate, name a drive or a stream, are not allowed on Windows, steer a terminal, cannot be seen or turn
 *   text around, and lone surrogates become `_`;
 * - names that begin with `.`, `~` or `-` (hidden, a home folder, an option) and those that Windows takes for a device get `_` in front;
 * - a dot or space at the end, which Windows drops, becomes `_`;
 * - names of more than 255 bytes are cut before their extension.
 * What is left stays as it is: no normalization, any script.
 */
import { limits } from '../base/limits.ts'
import { fitsUtf8 } from '../protocol/text.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const unwanted =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Noncharacter_Code_Point}<>:"/\\|?*\u200B\u2060-\u2064\u206A-\u206F\uFEFF\uFFF9-\uFFFB]/gu
const oddStart = /^[.~-]/
const oddEnd = /[. ]$/
/** Devices of Windows, also with something behind a dot or spaces; it knows three superscript digits too. */
const device = /^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)/i
const extension = /(?<=.)(?:\.tar)?\.[^.\s]{1,16}$/u

/** The parts of a path that a peer names, each safe; undefined when it is refused. Parts are separated by `/`, on every platform. */
export function safePath(remote: string): readonly string[] | undefined {
  if (!fitsUtf8(remote, limits.filePathBytes)) return undefined
  const names = remote.split('/')
  if (names.length > limits.folderDepth) return undefined
  const parts = names.map(safeName).filter((name) => name !== undefined)
  return parts.length === names.length ? parts : undefined
}

/** A name for one file or folder; undefined when it is none. Gives back unchanged what came out of it before. */
export function safeName(name: string): string | undefined {
  if (name === '' || name === '.' || name === '..') return undefined
  // Cutting can lay bare another odd end, or the name of a device.
  for (let before = name; ;) {
    const after = mapped(before)
    if (after === before) return after
    before = after
  }
}

function mapped(name: string): string {
  const clean = name.replace(unwanted, '_')
  const started = oddStart.test(clean) || device.test(clean) ? `_${clean}` : clean
  return fitted(started, '').replace(oddEnd, '_')
}

/** `photo (2).jpg`: the name to try when others are taken. `name` is a safe one, and so is the result. */
export function numberedName(name: string, number: number): string {
  return fitted(name, ` (${number})`)
}

/** Puts `mark` before the extension, and cuts what stands before it until everything fits. */
function fitted(name: string, mark: string): string {
  if (mark === '' && fitsUtf8(name, limits.fileNameBytes)) return name
  const end = `${mark}${extension.exec(name)?.[0] ?? ''}`
  const stem = encoder.encode(name.slice(0, name.length - end.length + mark.length))
  let length = Math.min(stem.length, limits.fileNameBytes - encoder.encode(end).length)
  while (length < stem.length && isInsideCharacter(stem[length])) length--
  return `${decoder.decode(stem.subarray(0, length))}${end}`
}

function isInsideCharacter(byte = 0): boolean {
  return (byte & 0xc0) === 0x80
}

/** The names to try one after the other for a file that wants to be called `name`. */
export function* candidateNames(name: string): Generator<string> {
  yield name
  for (let number = 2; number <= limits.renameTries; number++) yield numberedName(name, number)
}

/**
 * Two names with the same key are one file on some file system: they differ only in case (ß is ss, the Kelvin sign is k),
 * in how accents are put together, or in characters that show nothing (F8; CVE-2026-23950 of node-tar).
 */
export function collisionKey(name: string): string {
  const visible = name.replace(/\p{Default_Ignorable_Code_Point}/gu, '')
  return visible.normalize('NFD').toLowerCase().toUpperCase().toLowerCase().normalize('NFC')
}
