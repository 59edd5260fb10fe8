import { isP2PError, P2PError } from '../../base/errors.ts'
import type { StoredMessage } from '../message-store.ts'
import type { GroupCommit } from '../group-commit.ts'
import type { MessageTable, Range } from './message-table.ts'
import type { WordIndex } from './word-index.ts'

/** Pause before new messages are put into the index of words: while more come, and when none came meanwhile. */
const busyPauseMs = 200
const idlePauseMs = 20

/** Searches, and keeps the index of words near to what is stored. */
export class Searcher {
  readonly #commit: GroupCommit
  readonly #table: MessageTable
  readonly #words: WordIndex
  #timer: NodeJS.Timeout | undefined
  /** The last row when messages were indexed last. */
  #lastRow = 0

  constructor(commit: GroupCommit, table: MessageTable, words: WordIndex) {
    this.#commit = commit
    this.#table = table
    this.#words = words
    if (words.isBehind) this.follow()
  }

  /** There are new messages, or will be in a moment. */
  follow(): void {
    this.#indexAfter(busyPauseMs)
  }

  /** What was said a moment ago is found too, also when the disk refuses to keep the index of it. */
  find(match: string, range: Range): readonly StoredMessage[] {
    const find = () => this.#table.matching(match, range)
    let found: readonly StoredMessage[] | undefined
    try {
      if (this.#commit.read(() => this.#words.isBehind)) {
        this.#mending(() =>
          this.#commit.apart(() => {
            this.#words.fill()
            found = find()
          }),
        )
      }
    } catch (error) {
      if (!isP2PError(error, 'store-unwritable')) throw error
    }
    return found ?? this.#mending(() => this.#commit.read(find))
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #indexAfter(pauseMs: number): void {
    this.#timer ??= setTimeout(() => this.#index(), pauseMs).unref()
  }

  #index(): void {
    this.#timer = undefined
    const { lastRow } = this.#table
    try {
      this.#mending(() => this.#commit.apart(() => this.#words.fillSome()))
      if (this.#words.isBehind) this.#indexAfter(lastRow === this.#lastRow ? idlePauseMs : busyPauseMs)
      this.#lastRow = lastRow
    } catch {
      // The next message tries again, and a search does what is left.
    }
  }

  /** Does it, and once more when only the index of words stood in the way. */
  #mending<Result>(work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof P2PError) || !this.#words.mend(error.cause)) throw error
      this.#commit.apart(() => this.#words.fill())
      return work()
    }
  }
}
