/** Files between our peers: what a transport carries. Only inside TLS (docs/protocol.md, section 9). */
import type { ContentQuestion, FileQuestion, FileRequest } from '../protocol/file-request.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { CallOptions, ProvedPeer } from './transport.ts'

/** What answers the requests of others; the node gives it to its transport. */
export interface FileHost {
  /**
   * Answers one request of a peer that policy and trust allow files (`permits(caller, 'files')` was asked before). What does not
   * exist and what this peer may not have are the same 404 (F5).
   *
   * @param options `signal` aborts when nobody waits for the answer any more; it may throw the reason then
   */
  serve(caller: ProvedPeer, request: FileRequest, options?: CallOptions): Promise<FileReply>
}

export type FileReply =
  | { readonly kind: 'message'; readonly body: Uint8Array }
  | {
      readonly kind: 'content'
      /** Bytes of the whole body. */
      readonly bodyBytes: number
      /** Size of the file, for Content-Range; of a pack undefined. */
      readonly sizeBytes: number | undefined
      readonly body: ContentSource
    }
  | {
      readonly kind: 'refused'
      readonly status: 404 | 416 | 503
      /** Size of the file, for the Content-Range of a 416. */
      readonly sizeBytes?: number
    }

/** Gives content piece by piece. Disposed once, whatever happened. */
export interface ContentSource extends AsyncDisposable {
  /**
   * Fills a buffer from its front, completely unless the end comes first or the bandwidth is limited: so little then that something
   * comes every few seconds, because who waits for `limits.fileStallMs` gives up.
   *
   * @returns how many bytes, 0 at the end
   * @throws anything when the file has changed or cannot be read: what was begun is cut off, never mixed (F3)
   */
  read(into: Uint8Array): Promise<number>
}

/** One connection to a peer of ours that proved itself, for one request after the other. */
export interface FileConnection extends AsyncDisposable {
  readonly peerId: PeerId
  /** Resolves when it has ended, for whatever reason. */
  readonly closed: Promise<void>
  /**
   * Asks for a message.
   *
   * @returns its bytes, at most `limits.fileMessageBytes`
   * @throws P2PError `file-unknown` (404), `peer-refused`, `too-many` (503), `protocol-violation`, `peer-unreachable` when
   *   the connection breaks; the abort reason of `signal`
   */
  ask(request: FileQuestion, options?: CallOptions): Promise<Uint8Array>
  /**
   * Streams content. Pieces come in order, each exactly `leafBytes` except the last. A piece is the taker's until it is
   * released; while none of the few there are is free, nothing more is read from the network.
   *
   * @param options `begun` gets what had come of a piece when the answer broke off; it is not to be kept
   * @returns when the last piece was handed over
   * @throws like `ask`; ends at once, also in the middle, when `signal` aborts (the connection is closed then)
   */
  fetch(request: ContentQuestion, take: (piece: Piece) => void, options?: FetchOptions): Promise<void>
}

export interface FetchOptions extends CallOptions {
  readonly begun?: (bytes: Uint8Array) => void
}

/** A part of a content, in a buffer that is used again after `release`. */
export interface Piece {
  readonly bytes: Uint8Array
  release(): void
}
