import { join } from 'node:path'
import { isP2PError, P2PError } from '../../base/errors.ts'
import { sleep } from '../../base/time.ts'
import { bootId } from '../../files/boot-id.ts'
import { openTarget, type Target } from '../../files/target.ts'
import type { SharedEntry } from '../../protocol/file-messages.ts'
import type { StoredTransfer, TransferFile } from '../../store/transfer-store.ts'
import { Intake, type DownloadOptions } from './intake.ts'
import { Lanes } from './lanes.ts'
import { fileAt } from './listing.ts'
import { packsOf } from './packs.ts'
import { LargeFiles } from './take-large.ts'
import { isWanted, Places, type FileOutcome, type TakeContext, type WantedFile } from './take-run.ts'
import { isSmall, SmallFiles } from './take-small.ts'

/** Files that are looked at in one go. */
const batchFiles = 1_024
/** Files or packs that are taken at the same time. */
const lanesOfTransfer = 2
/** How often a file may have changed while it was fetched, before it is given up. */
const mostChanges = 3
/** Files that their owner has still to hash are asked for again after the first pause, then twice that, up to the last. */
const firstHashWaitMs = 250
const lastHashWaitMs = 5_000
/** Failed files that are named to people; the others are counted. */
const namedFailures = 3

/** One transfer from its listing to its last file. It can be stopped anywhere and goes on from there. */
export class Download {
  readonly #context: TakeContext
  readonly #options: DownloadOptions
  readonly #transfer: StoredTransfer
  readonly #changes = new Map<number, number>()
  readonly #failures: string[] = []
  #firstError: P2PError | undefined
  #folder = ''
  #places: Places | undefined

  constructor(context: TakeContext, options: DownloadOptions) {
    this.#context = context
    this.#options = options
    this.#transfer = options.transfer
  }

  /**
   * @throws P2PError `peer-unreachable` and the like when it has to wait for somebody; anything else has ended it: `file-unknown`,
   *   `disk-full` …; the abort reason
   */
  async run(): Promise<void> {
    const { transfer, counts, signal, progressed } = this.#options
    const target = await openTarget(transfer.into)
    const places = new Places(target, transfer.path)
    const run = { transfer, target, places, counts, signal, progressed, bootId: await bootId() }
    this.#folder = target.folder
    this.#places = places
    await new Intake(this.#context, this.#options, places).run()
    await this.#requireSpace(target)
    const small = new SmallFiles(this.#context, run)
    const large = new LargeFiles(this.#context, run)
    for (let waitMs = firstHashWaitMs; ; waitMs = Math.min(lastHashWaitMs, waitMs * 2)) {
      await this.#takeAll(small, large)
      if (this.#openFiles(0, 1).length === 0) break
      await this.#lookAgain()
      if (this.#openFiles(0, 1).some((file) => !isWanted(file))) await sleep(waitMs, signal)
      signal.throwIfAborted()
    }
    this.#requireNoFailure()
  }

  async #requireSpace(target: Target): Promise<void> {
    const { counts } = this.#options
    const needed = counts.totalBytes - counts.bytes
    // What parts hold already is reserved nowhere, and asked for again file by file.
    if (needed > (await target.freeBytes()) + this.#bytesInParts()) throw diskFull(target, needed)
  }

  #bytesInParts(): number {
    const parts = this.#context.store.parts().filter(({ transferId }) => transferId === this.#transfer.id)
    return parts.reduce(
      (sum, { number }) => sum + (this.#context.store.file(this.#transfer.id, number)?.sizeBytes ?? 0),
      0,
    )
  }

  async #takeAll(small: SmallFiles, large: LargeFiles): Promise<void> {
    await using lanes = new Lanes(lanesOfTransfer)
    for (let from = 0; ;) {
      const files = this.#openFiles(from, batchFiles)
      const last = files.at(-1)
      if (last === undefined) break
      from = last.number + 1
      const wanted = files.filter(isWanted)
      for (const pack of packsOf(wanted.filter(isSmall), this.#context.download))
        await lanes.run(() => this.#takeSmall(small, pack))
      for (const file of wanted.filter((each) => !isSmall(each)))
        await lanes.run(() => this.#takeLarge(large, file))
    }
    await lanes.end()
  }

  async #takeSmall(small: SmallFiles, pack: readonly WantedFile[]): Promise<void> {
    this.#options.signal.throwIfAborted()
    const outcomes = await small.take(pack)
    await this.#settle(pack, outcomes)
  }

  async #takeLarge(large: LargeFiles, file: WantedFile): Promise<void> {
    this.#options.signal.throwIfAborted()
    let outcome: FileOutcome
    try {
      outcome = await large.take(file)
    } catch (error) {
      this.#options.signal.throwIfAborted()
      outcome = outcomeOf(error)
      // What came of another content is of no use.
      await large.discard(file)
    }
    await this.#settle([file], [outcome])
    this.#context.store.removePart(this.#transfer.id, file.number)
  }

  /** Stores what became of files, together. */
  async #settle(files: readonly WantedFile[], outcomes: readonly FileOutcome[]): Promise<void> {
    const { counts } = this.#options
    const changes = files.map(({ number }, index) => changeOf(number, outcomes[index] ?? { state: 'again' }))
    for (const [index, { number, path, sizeBytes }] of files.entries()) {
      const outcome = outcomes[index] ?? { state: 'again' }
      if (outcome.state !== 'again') this.#places?.settled(path)
      if (outcome.state === 'again') this.#changes.set(number, (this.#changes.get(number) ?? 0) + 1)
      else if (outcome.state === 'failed') this.#noteFailure(path, outcome.error)
      else {
        counts.bytes += sizeBytes
        counts.files++
        if (outcome.state === 'skipped') {
          counts.reusedFiles++
          counts.reusedBytes += sizeBytes
        }
        const isAll = path === '' || (this.#transfer.path === '' && counts.totalFiles === 1)
        if (isAll) await this.#options.savedAs(join(this.#folder, outcome.target))
      }
    }
    const { bytes, files: done } = counts
    await this.#context.store.changeFiles(this.#transfer.id, changes, { bytes, files: done })
    this.#options.progressed()
  }

  /** Files without an ID, and those that have changed: what are they now? */
  async #lookAgain(): Promise<void> {
    for (let from = 0; ;) {
      const files = this.#openFiles(from, batchFiles)
      const last = files.at(-1)
      if (last === undefined) return
      from = last.number + 1
      for (const file of files) if (!isWanted(file)) await this.#lookAgainAt(file)
    }
  }

  async #lookAgainAt(file: TransferFile): Promise<void> {
    const { peerId, offer, path } = this.#transfer
    const place = { peerId, offer, path: [path, file.path].filter((part) => part !== '').join('/') }
    const { counts, signal } = this.#options
    let now: SharedEntry | undefined
    try {
      now = await fileAt(this.#context.lines, place, { signal })
    } catch (error) {
      if (!isP2PError(error, 'file-unknown')) throw error
    }
    if (now === undefined) return await this.#fail(file, gone(file))
    if ((this.#changes.get(file.number) ?? 0) >= mostChanges)
      return await this.#fail(file, neverTheSame(file))
    if (now.id === undefined) return
    const { id, sizeBytes, modifiedAtMs } = now
    counts.totalBytes += sizeBytes - file.sizeBytes
    const { totalBytes } = counts
    this.#options.offered?.require([{ ...now, path: file.path }])
    this.#options.offered?.requireTotals(counts)
    await this.#context.store.changeFiles(
      this.#transfer.id,
      [{ number: file.number, id, sizeBytes, modifiedAtMs }],
      {},
    )
    await this.#context.store.change(this.#transfer.id, { totalBytes })
  }

  async #fail({ number, path }: TransferFile, error: P2PError): Promise<void> {
    this.#places?.settled(path)
    this.#noteFailure(path, error)
    const change = { number, state: 'failed' as const, reason: error.message }
    await this.#context.store.changeFiles(this.#transfer.id, [change], {})
  }

  #noteFailure(path: string, error: P2PError): void {
    this.#firstError ??= error
    const named = path === '' ? error.message : `${path}: ${error.message}`
    if (this.#failures.length < namedFailures) this.#failures.push(named)
  }

  #requireNoFailure(): void {
    const { totalFiles, files } = this.#options.counts
    const failed = totalFiles - files
    if (failed <= 0) return
    const which = totalFiles === 1 ? '' : `${failed} of ${totalFiles} files could not be taken: `
    const more = failed > this.#failures.length ? [`${failed - this.#failures.length} more`] : []
    throw new P2PError(
      this.#firstError?.code ?? 'file-unknown',
      `${which}${[...this.#failures, ...more].join('; ')}`,
    )
  }

  #openFiles(from: number, limit: number): readonly TransferFile[] {
    return this.#context.store.openFiles(this.#transfer.id, from, limit)
  }
}

/** What a failure means for one file. @throws the error, when it concerns the whole transfer */
function outcomeOf(error: unknown): FileOutcome {
  if (isP2PError(error, 'file-unknown') || isP2PError(error, 'file-changed')) return { state: 'again' }
  const onlyThis =
    isP2PError(error, 'content-corrupt') ||
    isP2PError(error, 'protocol-violation') ||
    isP2PError(error, 'file-exists') ||
    isP2PError(error, 'file-name-invalid')
  if (!onlyThis) throw error
  return { state: 'failed', error }
}

function changeOf(
  number: number,
  outcome: FileOutcome,
): Pick<TransferFile, 'number'> & Partial<TransferFile> {
  if (outcome.state === 'again') return { number, id: undefined }
  if (outcome.state === 'failed') return { number, state: 'failed', reason: outcome.error.message }
  return { number, state: outcome.state, target: outcome.target }
}

function diskFull({ folder }: Target, needed: number): P2PError {
  return new P2PError(
    'disk-full',
    `${folder} has not enough free space: ${needed} bytes are needed. Free some space and go on, or choose another folder.`,
  )
}

function gone({ path }: TransferFile): P2PError {
  return new P2PError(
    'file-unknown',
    `${path === '' ? 'It' : path} is not there any more. Look what there is, and take that.`,
  )
}

function neverTheSame({ path }: TransferFile): P2PError {
  const what = path === '' ? 'It' : path
  return new P2PError(
    'file-changed',
    `${what} has changed again and again while it was fetched. Take it later.`,
  )
}
