/** What one peer asks of another's files, and how it stands in an HTTP request (docs/protocol.md, section 9). */
import type { FileId } from './file-id.ts'
import type { OfferId } from './offer-id.ts'

/** Names in a folder, in the order of their bytes (UTF-8), a page at a time. */
export interface ListRequest {
  readonly kind: 'list'
  /** What is looked into: everything that is shared with the asker, or what an offer to it contains. */
  readonly offer: OfferId | undefined
  /** Names joined by `/`; empty for the top. That of a file gives this one entry. Looked up in the index, never on the disk. */
  readonly path: string
  /** Only what comes after this path (relative to `path`); empty from the start. */
  readonly after: string
  /** Everything below, each with its path relative to `path`, a folder before what is in it; otherwise one level. */
  readonly deep: boolean
}

/** Files and folders whose path contains a text or fits a pattern with `*` and `?`; case does not matter. */
export interface FindRequest {
  readonly kind: 'find'
  readonly pattern: string
  /** Only what comes after this path; empty from the start. */
  readonly after: string
}

/** The hashes of all groups of a file (`group` undefined), or of all leaves of one group: 32 bytes each, nothing else. */
export interface TreeRequest {
  readonly kind: 'tree'
  readonly id: FileId
  readonly group: number | undefined
}

/** Which chunks of a file a peer has, and who else may be asked. */
export interface AvailabilityRequest {
  readonly kind: 'availability'
  readonly id: FileId
}

/** Bytes of a file from `start` up to, not including, `end`; `Range: bytes=start-(end-1)`, always present. */
export interface ContentRequest {
  readonly kind: 'content'
  readonly id: FileId
  readonly start: number
  readonly end: number
}

/**
 * Several whole small files (each at most `leafBytes`) in one answer: first, for each, its size as 32-bit big-endian number, or
 * 0xffffffff when it is not to be had; then the bytes of those that are, one after the other, in the order asked for.
 */
export interface PackRequest {
  readonly kind: 'pack'
  /** 1 to `limits.packFiles`. */
  readonly ids: readonly FileId[]
}

export type FileRequest =
  ListRequest | FindRequest | TreeRequest | AvailabilityRequest | ContentRequest | PackRequest
/** What is answered with one message of at most `limits.fileMessageBytes`. */
export type FileQuestion = ListRequest | FindRequest | TreeRequest | AvailabilityRequest
/** What is answered with a stream of content. */
export type ContentQuestion = ContentRequest | PackRequest
