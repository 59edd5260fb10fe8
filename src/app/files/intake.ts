import { join } from 'node:path'
import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import type { FileList, SharedEntry } from '../../protocol/file-messages.ts'
import type { StoredTransfer, TransferFile } from '../../store/transfer-store.ts'
import type { AsOffered } from './as-offered.ts'
import { fileAt, listPage } from './listing.ts'
import type { Counts, Places, TakeContext } from './take-run.ts'
import { endsTransfer } from './take-small.ts'

export interface DownloadOptions {
  readonly transfer: StoredTransfer
  readonly counts: Counts
  /** What the offer named, when it is one: the peer may list nothing else. */
  readonly offered: AsOffered | undefined
  readonly signal: AbortSignal
  readonly progressed: () => void
  /** Where it is put is known; absolute. */
  savedAs(path: string): Promise<void>
}

/** Reads what there is to take, page by page; each page is stored, and folders are made. It goes on where it was stopped. */
export class Intake {
  readonly #context: TakeContext
  readonly #options: DownloadOptions
  readonly #places: Places
  /** Files, folders and pages: a list without an end is none (F10). */
  #listed: number

  constructor(context: TakeContext, options: DownloadOptions, places: Places) {
    this.#context = context
    this.#options = options
    this.#places = places
    this.#listed = options.counts.totalFiles
  }

  /** @throws P2PError `file-unknown`, `too-many`, `file-changed` for what was not offered, and like `FileLines.ask` */
  async run(): Promise<void> {
    const { id, path, peerId, offer } = this.#options.transfer
    const { counts, signal } = this.#options
    let after = this.#context.store.transfer(id)?.listedAfter
    if (after === undefined) return
    const place = { peerId, offer, path }
    if (after === '') {
      counts.totalBytes = 0
      counts.totalFiles = 0
      this.#listed = 0
      const file = await fileAt(this.#context.lines, place, { signal })
      if (file !== undefined) return await this.#add([{ ...file, path: '' }], undefined)
      await this.#savedIn()
    }
    // The next page is on its way while this one is stored.
    let coming = this.#page(after)
    while (after !== undefined) {
      const page = await coming
      after = page.next === '' ? undefined : page.next
      if (after !== undefined) coming = this.#page(after)
      await this.#addPage(page, after)
    }
  }

  #page(after: string): Promise<FileList> {
    const { peerId, offer, path } = this.#options.transfer
    const page = listPage(
      this.#context.lines,
      { peerId, offer, path },
      { after, deep: true, signal: this.#options.signal },
    )
    // Whoever waits for it is told; but before that something else may fail.
    page.catch(() => undefined)
    return page
  }

  async #addPage({ entries }: FileList, after: string | undefined): Promise<void> {
    this.#listed += entries.length + 1
    if (this.#listed > limits.transferFiles) throw tooManyFiles()
    this.#options.offered?.require(entries)
    for (const { kind, path } of entries) if (kind === 'folder') await makeIfPossible(this.#places, path)
    await this.#add(
      entries.filter(({ kind }) => kind === 'file'),
      after,
    )
  }

  /** A folder is put where it can be; several things at once are put side by side. */
  async #savedIn(): Promise<void> {
    const made = this.#options.transfer.path === '' ? '' : await this.#places.make('')
    if (made !== undefined) await this.#options.savedAs(join(this.#places.folder, made))
  }

  async #add(entries: readonly SharedEntry[], after: string | undefined): Promise<void> {
    const { counts } = this.#options
    const first = counts.totalFiles
    const files = entries.map(({ path, sizeBytes, modifiedAtMs, id }, index): TransferFile => ({
      number: first + index,
      path,
      sizeBytes,
      modifiedAtMs,
      id,
      target: undefined,
      state: 'open',
      reason: '',
    }))
    counts.totalFiles += files.length
    counts.totalBytes += files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    if (counts.totalFiles > limits.transferFiles) throw tooManyFiles()
    this.#options.offered?.requireTotals(counts)
    const { totalBytes, totalFiles } = counts
    // The counts first: files that are stored without being counted would be numbered twice.
    const { store } = this.#context
    await Promise.all([
      store.change(this.#options.transfer.id, { totalBytes, totalFiles }),
      store.addFiles(this.#options.transfer.id, files, after),
    ])
    this.#options.progressed()
  }
}

/** A folder with a name that is refused is left out; the files in it will be refused with a reason. */
async function makeIfPossible(places: Places, path: string): Promise<void> {
  try {
    await places.make(path)
  } catch (error) {
    if (endsTransfer(error)) throw error
  }
}

function tooManyFiles(): P2PError {
  return new P2PError(
    'too-many',
    `There are more than ${limits.transferFiles} files and folders in it. Take its folders one by one.`,
  )
}
