import { monotonicMs } from '../../base/time.ts'
import type { FileId } from '../../protocol/file-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { IndexedFile, ShareStore, Viewer } from '../../store/share-store.ts'
import type { Holding } from './receiving.ts'

/** What decides who may have what. */
export interface FileRightsContext {
  readonly store: Pick<ShareStore, 'withContent' | 'together'>
  isVerified(id: PeerId): boolean
  /** Whether policy and trust allow files with a peer. */
  allows(id: PeerId): boolean
  /** What we have of a content that we take from others. */
  holding(id: FileId): Holding | undefined
}

/** What has been found, and the monotonic ms at which others get their turn. */
export interface FoundFiles {
  readonly until: number
  readonly found: Map<FileId, IndexedFile>
}

/**
 * Who may have what. Nobody reads a byte, nor learns that there is one, unless it is in a share that is visible to him, in an offer of
 * ours to him, or in something that we fetch and that its source lets him have. The index alone decides, before the disk is
 * touched, so that what is not there and what one may not have take the same time (F5).
 */
export class FileRights {
  readonly #context: FileRightsContext

  constructor(context: FileRightsContext) {
    this.#context = context
  }

  viewer(peerId: PeerId): Viewer {
    return { peerId, verified: this.#context.isVerified(peerId) }
  }

  /** Files of ours with a content that a peer may have; those of an offer to it first. */
  files(id: FileId, caller: PeerId): readonly IndexedFile[] {
    const found = this.#context.store.withContent(id, this.viewer(caller))
    return found.toSorted((a, b) => Number(b.share.offer !== undefined) - Number(a.share.offer !== undefined))
  }

  /**
   * Finds a file for each content, as long as there is time. Whoever asks for many goes on with the rest when others had their turn.
   *
   * @param ids is taken from
   * @param found is added to
   * @returns whether all of them were looked for
   */
  findFiles(ids: Iterator<FileId>, caller: PeerId, { until, found }: FoundFiles): boolean {
    return this.#context.store.together(() => {
      do {
        const next = ids.next()
        if (next.done === true) return true
        const [file] = this.files(next.value, caller)
        if (file !== undefined) found.set(next.value, file)
      } while (monotonicMs() < until)
      return false
    })
  }

  /** What we have ourselves from others of a content, if this peer may have it. */
  held(id: FileId, caller: PeerId): Holding | undefined {
    const holding = this.#context.holding(id)
    return holding?.open === true || holding?.allows(caller) === true ? holding : undefined
  }

  /** Whether a peer may have all these contents now. */
  allows(ids: Iterable<FileId>, caller: PeerId): boolean {
    if (!this.#context.allows(caller)) return false
    for (const id of ids)
      if (this.files(id, caller).length === 0 && this.held(id, caller) === undefined) return false
    return true
  }
}
