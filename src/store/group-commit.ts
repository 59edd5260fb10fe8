import type { DatabaseSync } from 'node:sqlite'
import { P2PError } from '../base/errors.ts'
import { isDamage, reasonOf } from './storage-error.ts'

/** What is kept in memory of the database, and follows each transaction. */
export interface Follower {
  /** The transaction is about to be committed: writes what it has still to write. */
  flush(): void
  /** It was committed, or taken back: memory keeps what it has, or goes back to what it had. */
  settle(kept: boolean): void
}

interface Open {
  readonly done: Promise<void>
  readonly lasting: boolean
  resolve(): void
  reject(error: P2PError): void
}

/**
 * All writes of one tick in one transaction. They are in the database at once, for whoever reads, and on the disk when
 * their promise resolves. When one of them fails, or the disk refuses, all of that tick are taken back together.
 */
export class GroupCommit {
  readonly #database: DatabaseSync
  readonly #path: string
  readonly #refusal: P2PError | undefined
  readonly #followers: readonly Follower[]
  #open: Open | undefined
  /** Whether the next transaction is flushed to the disk, as far as the settings of the database say so. */
  #lasting = true
  #marked = false
  #damaged = false

  constructor(
    { database, path, refusal }: { database: DatabaseSync; path: string; refusal: P2PError | undefined },
    followers: readonly Follower[],
  ) {
    this.#database = database
    this.#path = path
    this.#refusal = refusal
    this.#followers = followers
  }

  /** @throws (by rejection) P2PError `store-unwritable`, `node-stopped` */
  async write<Result>(change: () => Result): Promise<Result> {
    this.#assertUsable()
    const { open, result } = this.#attempt(change, true)
    await open.done
    return result
  }

  /**
   * Writes what may be lost: it outlasts the end of this process, but a power cut only when something else is written in this tick. Never
   * throws: what the disk refuses is as if it had never been written.
   */
  writeLoosely(change: () => void): void {
    if (!this.#database.isOpen || this.#refusal !== undefined) return
    try {
      this.#attempt(change, false)
    } catch (error) {
      if (!(error instanceof P2PError)) throw error
    }
  }

  /** Resolves when the disk has all that was written so far. @throws (by rejection) P2PError `store-unwritable` */
  async settled(): Promise<void> {
    await this.#open?.done
  }

  /** @throws P2PError `store-unreadable`, `node-stopped` */
  read<Result>(query: () => Result): Result {
    if (!this.#database.isOpen) throw stopped()
    try {
      return query()
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#damaged = true
      throw new P2PError('store-unreadable', `${this.#path} cannot be read: ${damagedReason}.`, {
        cause: error,
      })
    }
  }

  /** Like {@link read}, for many questions: the file is locked once for all of them. @throws like it */
  readTogether<Result>(queries: () => Result): Result {
    return this.read(() => {
      if (this.#database.isTransaction) return queries()
      this.#database.exec('BEGIN')
      try {
        return queries()
      } finally {
        this.#database.exec('COMMIT')
      }
    })
  }

  /**
   * A transaction of its own, at once, so that its failure takes nothing else with it.
   *
   * @throws P2PError `store-unwritable`, `node-stopped`
   */
  apart<Result>(change: () => Result): Result {
    this.#assertUsable()
    this.flush()
    const { result } = this.#attempt(change, true)
    const failure = this.flush()
    if (failure !== undefined) throw failure
    return result
  }

  /** Commits what waits for the end of the tick. @returns why it was taken back instead, which who waits for it hears too */
  flush(): P2PError | undefined {
    const open = this.#open
    if (open === undefined) return undefined
    try {
      for (const follower of this.#followers) follower.flush()
      this.#database.exec('COMMIT')
    } catch (error) {
      return this.#rollBack(error)
    }
    this.#open = undefined
    for (const follower of this.#followers) follower.settle(true)
    open.resolve()
    return undefined
  }

  /** Does what cannot be part of a transaction. @throws P2PError `store-unwritable` */
  alone(sql: string): void {
    this.flush()
    try {
      this.#database.exec(sql)
    } catch (error) {
      throw this.#failure(error)
    }
  }

  /** Commits, and marks the file as one that was left in order, or as one that could not be read (2). Idempotent. */
  close(): void {
    if (!this.#database.isOpen) return
    this.flush()
    try {
      if (this.#damaged) this.#database.exec('UPDATE state SET open = 2')
      else if (this.#marked) this.#database.exec('UPDATE state SET open = 0')
    } catch {
      // The next start checks the file, which is all that this would have spared.
    }
    this.#database.close()
  }

  #assertUsable(): void {
    if (!this.#database.isOpen) throw stopped()
    if (this.#refusal !== undefined) throw this.#refusal
  }

  #attempt<Result>(change: () => Result, lasting: boolean): { open: Open; result: Result } {
    if (lasting && this.#open?.lasting === false) this.flush()
    try {
      const open = (this.#open ??= this.#begin(lasting))
      return { open, result: change() }
    } catch (error) {
      throw this.#rollBack(error)
    }
  }

  #begin(lasting: boolean): Open {
    // Within a transaction it cannot be changed.
    if (lasting !== this.#lasting) this.#database.exec(`PRAGMA synchronous = ${lasting ? 'FULL' : 'NORMAL'}`)
    this.#lasting = lasting
    this.#database.exec('BEGIN IMMEDIATE')
    if (!this.#marked) this.#database.exec('UPDATE state SET open = 1')
    this.#marked = true
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    // Who waits for it gets the rejection; a tick may have nobody who does.
    promise.catch(() => undefined)
    setImmediate(() => this.flush())
    return { done: promise, lasting, resolve, reject }
  }

  #rollBack(error: unknown): P2PError {
    const failure = this.#failure(error)
    // SQLite has done that already after some errors, such as a full disk.
    if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
    // Perhaps it was this transaction that set the mark.
    this.#marked = false
    for (const follower of this.#followers) follower.settle(false)
    this.#open?.reject(failure)
    this.#open = undefined
    return failure
  }

  #failure(error: unknown): P2PError {
    if (isDamage(error)) this.#damaged = true
    const reason = isDamage(error) ? damagedReason : reasonOf(error)
    return new P2PError('store-unwritable', `${this.#path} cannot be written: ${reason}.`, { cause: error })
  }
}

const damagedReason = 'it is damaged. Start p2p again, which keeps it aside and begins a new one'

export function stopped(): P2PError {
  return new P2PError('node-stopped', 'The store is closed, because the node is stopping.')
}
