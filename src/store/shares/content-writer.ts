import type { GroupCommit } from '../group-commit.ts'
import { groupsIn, type ContentTable } from './content-table.ts'
import type { ShareSweeper } from './share-sweeper.ts'
import { inSteps } from './steps.ts'

/** The hashes of a content, and whose they are. */
export interface WrittenContent {
  readonly leaves: Uint8Array
  readonly groups: Uint8Array
  /** Says that a file has this content. @returns false when it has changed since */
  readonly identify: () => boolean
}

/** Writes the hashes of large files, one file after the other, in pieces that keep nobody waiting. */
export class ContentWriter {
  readonly #commit: GroupCommit
  readonly #contents: ContentTable
  readonly #sweeper: ShareSweeper
  #queue: Promise<unknown> = Promise.resolve()

  constructor(parts: { commit: GroupCommit; contents: ContentTable; sweeper: ShareSweeper }) {
    this.#commit = parts.commit
    this.#contents = parts.contents
    this.#sweeper = parts.sweeper
  }

  /** @throws (by rejection) P2PError `store-unwritable`, `node-stopped` */
  write(root: Uint8Array, content: WrittenContent): Promise<void> {
    const done = this.#queue.then(() => this.#sweeper.sparing(root, () => this.#write(root, content)))
    this.#queue = done.catch(() => undefined)
    return done
  }

  async #write(root: Uint8Array, { leaves, groups, identify }: WrittenContent): Promise<void> {
    const contents = this.#contents
    const isKnown = this.#commit.read(() => contents.isComplete(root))
    const number = isKnown ? undefined : this.#commit.apart(() => contents.begin(root, groups))
    if (number !== undefined) {
      let group = 0
      await inSteps((step) => {
        this.#commit.apart(() => {
          do contents.putGroup(number, group++, leaves)
          while (group < groupsIn(leaves) && !step.isOver)
        })
        return group < groupsIn(leaves)
      })
    }
    await this.#commit.write(() => {
      if (number !== undefined) contents.complete(number)
      if (identify()) contents.fasten(root)
    })
  }
}
