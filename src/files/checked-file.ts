import {
  closeSync,
  fstatSync,
  openSync,
  readSync,
  readlinkSync,
  realpathSync,
  statSync,
  type BigIntStats,
} from 'node:fs'
import {
  isSameFile,
  knowsOpenedPaths,
  linkOfOpened,
  pathIn,
  readFlags,
  refuseOther,
  stampOf,
  type FileOfShare,
} from './opened-file.ts'
import { cannotRead, changedFile } from './read-error.ts'

/** The clock of a file system stands still for so long (a jiffy, at most 10 ms): two writes in that time have the same stamp. */
const clockTickMs = 20

/**
 * A file of the index that is read in a worker, without waiting: a tenth of the time for small files. The same checks as
 * `openSharedFile` has.
 */
export class CheckedFile implements Disposable {
  readonly #path: string
  readonly #stamp: string
  readonly #fd: number

  /** @throws P2PError `file-unknown`, `file-changed`, `disk-failed` like `openSharedFile` */
  constructor(file: FileOfShare) {
    this.#path = pathIn(file.share.path, file.path)
    this.#stamp = file.stamp
    this.#fd = guarded(this.#path, () => openSync(this.#path, readFlags))
    try {
      guarded(this.#path, () => this.#refuseOther(file))
    } catch (error) {
      closeSync(this.#fd)
      throw error
    }
  }

  /**
   * Fills a buffer with what stands at a position.
   *
   * @throws P2PError `file-changed` when there is less, `disk-failed`
   */
  fill(position: number, into: Uint8Array): void {
    let got = 0
    while (got < into.length) {
      const at = got
      const bytes = guarded(this.#path, () => readSync(this.#fd, into, at, into.length - at, position + at))
      if (bytes === 0) throw changedFile(this.#path)
      got += bytes
    }
  }

  /** To be asked after everything was read. @throws P2PError `file-changed` when it is not the same any more */
  check(): void {
    const stats = guarded(this.#path, () => fstatSync(this.#fd, { bigint: true }))
    if (stampOf(stats) !== this.#stamp) throw changedFile(this.#path)
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }

  #refuseOther(file: FileOfShare): void {
    const stats = fstatSync(this.#fd, { bigint: true })
    refuseOther(file, { stats, realPath: realPathOf(this.#fd, this.#path, stats) })
    waitForTick(stats)
  }
}

/** Where an opened file is; undefined when that cannot be the one. */
function realPathOf(fd: number, path: string, opened: BigIntStats): string | undefined {
  if (knowsOpenedPaths) return readlinkSync(linkOfOpened(fd))
  const real = realpathSync(path)
  return isSameFile(statSync(real, { bigint: true }), opened) ? real : undefined
}

/** A file that was written just now could be written once more under the same stamp: reads it only when the clock has gone on. */
function waitForTick({ ctimeNs }: BigIntStats): void {
  const ageMs = Date.now() - Number(ctimeNs / 1_000_000n)
  if (ageMs >= 0 && ageMs < clockTickMs)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, clockTickMs - ageMs)
}

function guarded<Result>(path: string, step: () => Result): Result {
  try {
    return step()
  } catch (error) {
    throw cannotRead(path, error)
  }
}
