/** What our peers tell each other about files. */
import type { FileId } from './file-id.ts'
import type { OfferId } from './offer-id.ts'
import type { PeerId } from './peer-id.ts'

export type EntryKind = 'file' | 'folder'

/** One file or folder that can be had. */
export interface SharedEntry {
  /** Relative to what was listed, names joined by `/`, exactly as they are on the disk of its owner: not to be trusted. */
  readonly path: string
  readonly kind: EntryKind
  /** Bytes; of a folder 0. */
  readonly sizeBytes: number
  /** Milliseconds since 1970 by the clock of its owner. */
  readonly modifiedAtMs: number
  /** Undefined for a folder, and for a file that is still being hashed. */
  readonly id: FileId | undefined
}

/** One page of a listing. */
export interface FileList {
  /** At most `limits.listEntries`. */
  readonly entries: readonly SharedEntry[]
  /** What to ask for as `after` to get the next page; empty when this is the last. */
  readonly next: string
}

/** What a peer has of a file. */
export interface Availability {
  readonly sizeBytes: number
  /** One bit a chunk, the first chunk in the lowest bit of the first byte; empty when it has all of it. */
  readonly chunks: Uint8Array
  /** Whether it has all of it. */
  readonly complete: boolean
  /** Other peers that fetch it or have fetched it lately and may be asked, and served: the answerer vouches for them. */
  readonly fellows: readonly PeerId[]
  /** Whether it is shared with everybody, so that whoever asks may be served. */
  readonly open: boolean
}

/** Files and folders that one peer wants another to take; travels in a message. */
export interface Offer {
  readonly id: OfferId
  /** What is offered, each a file or a folder by its name (never with a `/`); 1 to `limits.offerEntries`. */
  readonly entries: readonly OfferEntry[]
}

export interface OfferEntry {
  readonly name: string
  readonly kind: EntryKind
  /** Bytes of it with everything in it. */
  readonly sizeBytes: number
  /** Files in it; of a file 1. */
  readonly files: number
  /** Undefined for a folder. */
  readonly id: FileId | undefined
}

/** What became of an offer; travels in a message, from the receiver except for `withdrawn`. */
export interface OfferAnswer {
  readonly offerId: OfferId
  /** `received`: everything is there, verified and on the disk of the receiver. */
  readonly state: 'accepted' | 'declined' | 'received' | 'failed' | 'withdrawn'
  /** Why it failed, for people; empty otherwise. */
  readonly reason: string
}
