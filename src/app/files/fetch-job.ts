/** One content on its way here, as the parts of the engine see it. */
import type { FileId } from '../../protocol/file-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { Bandwidth } from '../../rules/bandwidth.ts'
import type { FileOfShare } from '../../files/opened-file.ts'
import type { ShareStore } from '../../store/share-store.ts'
import type { Log } from '../../base/log.ts'
import { abortable } from '../abortable.ts'
import type { LeafShelf } from './content-tree.ts'
import type { FileLines } from './receiving.ts'

/** Where chunks are written, such as a part file. */
export interface ChunkOutput {
  write(position: number, bytes: Uint8Array): Promise<void>
  /** Fills a buffer completely. @returns how many bytes; fewer when there are no more */
  read(position: number, into: Uint8Array): Promise<number>
}

/** An earlier version of a file, to copy equal chunks from. */
export interface EarlierVersion {
  readonly file: FileOfShare
  /** Hashes of its leaves, 32 bytes each. */
  readonly leaves: Uint8Array
}

export interface FetchJob {
  readonly id: FileId
  readonly sizeBytes: number
  /** Who is asked first. */
  readonly from: PeerId
  readonly output: ChunkOutput
  /** One bit a chunk: verified and written. The engine sets those that come. */
  readonly chunks: Uint8Array
  /** Whether what was never written reads as zeros. */
  readonly isFresh: boolean
  /** Whether `chunks` is only what was believed before the machine started anew. */
  readonly isUnsure: boolean
  readonly earlier: EarlierVersion | undefined
  readonly grants: Grants
  readonly signal: AbortSignal
  readonly observer: FetchObserver
}

/** Is told how a content grows. */
export interface FetchObserver {
  /** A chunk is verified and written; from nobody: it was here already. */
  arrived(chunk: number, from: PeerId | undefined): void
  /** A chunk that was believed to be there is not. */
  lost(chunk: number): void
  /** Who gives now. */
  givers(ids: readonly PeerId[]): void
}

/** What fetching a content needs of its node. */
export interface FetchContext {
  readonly lines: FileLines
  readonly shelf: LeafShelf
  readonly shares: Pick<ShareStore, 'shares' | 'withLeaf'>
  readonly download: Bandwidth
  readonly streams: Streams
  holders(): readonly PeerId[]
  readonly log: Log
}

/** Lets only so many answers with content come at the same time: their buffers are memory. First come, first served. */
export class Streams {
  readonly #waiting = new Set<() => void>()
  #free: number

  constructor(most: number) {
    this.#free = most
  }

  /** @throws the abort reason of the signal, while it waits */
  async take<T>(job: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#free > 0 && this.#waiting.size === 0) this.#free--
    else await this.#turn(signal)
    try {
      return await job()
    } finally {
      this.#free++
      this.#callNext()
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    try {
      await abortable(promise, signal)
    } catch (error) {
      // Whose turn has just come gives it to the next.
      if (!this.#waiting.delete(resolve)) {
        this.#free++
        this.#callNext()
      }
      throw error
    }
  }

  #callNext(): void {
    const [next] = this.#waiting
    if (next === undefined || this.#free === 0) return
    this.#free--
    this.#waiting.delete(next)
    next()
  }
}

/** What a source has said of the right to a content. */
export interface Grant {
  readonly complete: boolean
  readonly open: boolean
  readonly fellows: ReadonlySet<PeerId>
}

const nothing: Grant = { complete: false, open: false, fellows: new Set() }

/**
 * Who may have what we fetch: whoever those let have it that it came from. That is whom our user has asked for it, and all others who say
 * that they have all of it; as long as whom we asked has neither said nor given anything, everybody who has given a part. So a peer
 * that has given little cannot give away what others gave in confidence, whatever it says that it has (F5).
 */
export class Grants {
  readonly #asked = new Set<PeerId>()
  readonly #said = new Map<PeerId, Grant>()
  /** Who gave chunks, with what it had when it began. */
  readonly #givers = new Map<PeerId, boolean>()

  /** It is taken from this peer, as our user has said. */
  asked(id: PeerId): void {
    this.#asked.add(id)
  }

  /** What a peer says when it is asked what it has. */
  said(id: PeerId, grant: Grant): void {
    const fellows = new Set([...(this.#said.get(id)?.fellows ?? []), ...grant.fellows])
    this.#said.set(id, { ...grant, fellows: new Set([...fellows].slice(-256)) })
  }

  gave(id: PeerId): void {
    if (!this.#givers.has(id)) this.#givers.set(id, this.#said.get(id)?.complete ?? false)
  }

  get isOpen(): boolean {
    return this.#givers.size > 0 && this.#roots().every(({ open }) => open)
  }

  allows(id: PeerId): boolean {
    return this.#givers.size > 0 && this.#roots().every(({ open, fellows }) => open || fellows.has(id))
  }

  #roots(): readonly Grant[] {
    const asked = [...this.#asked].filter((id) => this.#said.has(id) || this.#givers.has(id))
    const counted = [...this.#givers].filter(([, isComplete]) => isComplete || asked.length === 0)
    return [...asked, ...counted.map(([id]) => id)].map((id) => this.#said.get(id) ?? nothing)
  }
}
