/** The name of a content: the root of its hash tree, whatever it is called and wherever it is. */

/** Bytes of a leaf of the hash tree; the last one of a file may be shorter. A chunk of a transfer is a leaf. */
export const leafBytes = 1024 * 1024
/** Leaves of a group: one whole subtree (RFC 6962 cuts at powers of two), whose leaf hashes travel together. */
export const groupLeaves = 1024
/** Bytes of one hash, and of a root. */
export const hashBytes = 32

/** `sha256-tree:` and the root in 64 lower-case hexadecimal digits; the part before the colon names the algorithm. */
export type FileId = string & { readonly fileId: true }

const digitZero = 0x30
const letterA = 0x61
/** Two digits for each byte. */
const hexadecimal = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const pattern = /^sha256-tree:[0-9a-f]{64}$/

/** The file ID that a text is, in exactly the form of {@link FileId}. */
export function parseFileId(text: string): FileId | undefined {
  return isFileId(text) ? text : undefined
}

/** @param root 32 bytes */
export function fileIdFromRoot(root: Uint8Array): FileId | undefined {
  if (root.length !== hashBytes) return undefined
  let digits = ''
  for (const byte of root) digits += hexadecimal[byte]
  return parseFileId(`sha256-tree:${digits}`)
}

/** The 32 bytes of the root. */
export function rootOfFileId(id: FileId): Uint8Array {
  const root = new Uint8Array(hashBytes)
  const first = id.length - 2 * hashBytes
  for (let index = 0; index < hashBytes; index++)
    root[index] = 16 * digitAt(id, first + 2 * index) + digitAt(id, first + 2 * index + 1)
  return root
}

/** The value of a digit of `0-9a-f`. */
function digitAt(text: string, index: number): number {
  const code = text.charCodeAt(index)
  return code < letterA ? code - digitZero : code - letterA + 10
}

/** How many leaves a file of this size has; an empty one has none, and its root is the hash of nothing. */
export function leavesOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / leafBytes)
}

function isFileId(text: string): text is FileId {
  return pattern.test(text)
}
