import type { GroupCommit } from '../group-commit.ts'
import { hexOf } from '../row.ts'
import type { ContentTable } from './content-table.ts'
import type { DoomedTable } from './doomed-table.ts'
import type { EntryTable } from './entry-table.ts'
import type { IndexTree } from './index-tree.ts'
import { inSteps, type Step } from './steps.ts'

/** What a sweeper works on. */
export interface Swept {
  readonly commit: GroupCommit
  readonly entries: EntryTable
  readonly tree: IndexTree
  readonly contents: ContentTable
  readonly doomed: DoomedTable
}

/** Entries that are deleted before it is asked how long that took. */
const entriesAtOnce = 50

/** Deletes what nobody sees any more, in pieces that keep nobody waiting. Begun and not finished, it goes on at the next start. */
export class ShareSweeper {
  readonly #swept: Swept
  /** Root of a content whose hashes are being written, in hexadecimal digits. */
  #writing = ''
  #running: Promise<void> | undefined
  #isWantedAgain = false
  #closed = false

  constructor(swept: Swept) {
    this.#swept = swept
  }

  /** Whether there is something to do. */
  get isBehind(): boolean {
    const { doomed, contents } = this.#swept
    return doomed.first() !== undefined || contents.loose().length > 0
  }

  /** Resolves when everything that is gone now is deleted. @throws P2PError `store-unwritable` */
  sweep(): Promise<void> {
    if (this.#running !== undefined) this.#isWantedAgain = true
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Leaves the hashes of one content alone while they are written. */
  async sparing<Result>(root: Uint8Array, write: () => Promise<Result>): Promise<Result> {
    this.#writing = hexOf(root)
    try {
      return await write()
    } finally {
      this.#writing = ''
    }
  }

  close(): void {
    this.#closed = true
  }

  async #run(): Promise<void> {
    do {
      this.#isWantedAgain = false
      await inSteps((step) => this.#sweepSome((within) => this.#sweepFolders(within), step))
      await inSteps((step) => this.#sweepSome((within) => this.#sweepContents(within), step))
    } while (this.#isWantedAgain && !this.#closed)
  }

  /** @returns whether there is more to do */
  #sweepSome(sweep: (step: Step) => boolean, step: Step): boolean {
    return !this.#closed && this.#swept.commit.apart(() => sweep(step))
  }

  #sweepFolders(step: Step): boolean {
    const { doomed, entries, tree } = this.#swept
    do {
      const folder = doomed.first()
      if (folder === undefined) return false
      const some = entries.below(folder, '', entriesAtOnce)
      for (const entry of some) tree.remove(entry)
      if (some.length < entriesAtOnce) doomed.remove(folder)
    } while (!step.isOver)
    return true
  }

  #sweepContents(step: Step): boolean {
    const { contents, entries } = this.#swept
    for (const root of contents.loose()) {
      if (hexOf(root) === this.#writing) continue
      const isUsed = contents.isComplete(root) && entries.withRoot(root, 0, 1).length > 0
      if (!isUsed && contents.removeSome(root)) return true
      contents.fasten(root)
      if (step.isOver) return true
    }
    return contents.loose().some((root) => hexOf(root) !== this.#writing)
  }
}
