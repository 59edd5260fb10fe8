import { randomBytes } from 'node:crypto'
import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { monotonicMs, sleep } from '../../base/time.ts'
import { openTarget } from '../../files/target.ts'
import type { FileId } from '../../protocol/file-id.ts'
import type { SharedEntry } from '../../protocol/file-messages.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import { Bandwidth, type BandwidthRates } from '../../rules/bandwidth.ts'
import type { StoredTransfer, TransferFile } from '../../store/transfer-store.ts'
import type { CallOptions } from '../p2p-node.ts'
import type { LeafShelf } from './content-tree.ts'
import { Streams } from './fetch-job.ts'
import { Holdings } from './holdings.ts'
import { fileAt, lastName, listPage } from './listing.ts'
import { QueuedDownload } from './queued-download.ts'
import { readContent } from './read-content.ts'
import type { Downloads, DownloadsContext, Holding, OfferWish, Wish } from './receiving.ts'
import { discardPart } from './take-large.ts'
import type { TakeContext } from './take-run.ts'
import { requireFree, requireSpace } from './target-checks.ts'
import type { Transfer, TransferLimits } from './types.ts'

/** Peers whose bandwidth is counted. */
const countedPeers = 256
/** Rows that are looked at in one go. */
const batchFiles = 1_000
/** A file that is read while its owner hashes it is asked for again after this. */
const hashWaitMs = 500

/** Opens the queue as it was left; nothing runs before `start`. */
export function openDownloads(context: DownloadsContext): Downloads {
  return new DownloadQueue(context)
}

class DownloadQueue implements Downloads {
  readonly #context: DownloadsContext
  readonly #queue = new Map<string, QueuedDownload>()
  readonly #bandwidth: Bandwidth
  readonly #holdings: Holdings
  readonly #take: TakeContext
  readonly #closing = new AbortController()
  #started = false
  #timer: NodeJS.Timeout | undefined

  constructor(context: DownloadsContext) {
    this.#context = context
    const shelf = shelfOf(context)
    this.#holdings = new Holdings(shelf)
    this.#bandwidth = new Bandwidth(ratesOf(context.limits()), countedPeers)
    this.#take = {
      lines: context.lines,
      shelf,
      shares: context.shares,
      download: this.#bandwidth,
      streams: new Streams(limits.transferSources),
      holders: () => context.holders(),
      log: context.log,
      store: context.store,
      worker: context.worker,
      holdings: this.#holdings,
    }
    for (const stored of context.store.transfers()) this.#keep(stored)
  }

  start(): void {
    this.#started = true
    this.#removeLeftovers().catch((error: unknown) => this.#context.warn(error))
    this.#pump()
  }

  async get(wish: Wish, { signal }: CallOptions = {}): Promise<Transfer> {
    const place = { peerId: wish.peerId, offer: undefined, path: wish.path }
    const options = signal === undefined ? {} : { signal }
    const file = await fileAt(this.#context.lines, place, options)
    if (file === undefined) await listPage(this.#context.lines, place, options)
    const target = await openTarget(wish.into)
    const name = wish.path === '' ? [] : [{ name: lastName(wish.path), id: file?.id }]
    if (wish.existing === 'ask') await requireFree(this.#context.worker, target, name)
    if (file !== undefined) await requireSpace(target, file.sizeBytes)
    signal?.throwIfAborted()
    const totals = { totalBytes: file?.sizeBytes ?? 0, totalFiles: file === undefined ? 0 : 1 }
    return await this.#add({ ...this.#newTransfer(wish), ...totals, path: wish.path, offer: undefined })
  }

  async take(wish: OfferWish): Promise<Transfer> {
    const { entries, offer } = wish
    const totalBytes = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    const totalFiles = entries.reduce((sum, { files }) => sum + files, 0)
    const target = await openTarget(wish.into)
    const names = entries.map(({ name }) => ({ name, id: undefined }))
    if (wish.existing === 'ask') await requireFree(this.#context.worker, target, names)
    await requireSpace(target, totalBytes)
    return await this.#add({ ...this.#newTransfer(wish), totalBytes, totalFiles, path: '', offer })
  }

  async *read(peerId: PeerId, path: string, options: CallOptions = {}): AsyncGenerator<Uint8Array, void> {
    const signals = [this.#closing.signal, ...(options.signal === undefined ? [] : [options.signal])]
    const signal = AbortSignal.any(signals)
    const { id, sizeBytes } = await this.#hashedFile(peerId, path, signal)
    yield* readContent({ id, sizeBytes, from: peerId, signal }, this.#take)
  }

  list(): readonly Transfer[] {
    const all = [...this.#queue.values()]
    const [ended, others] = [all.filter((each) => each.hasEnded), all.filter((each) => !each.hasEnded)]
    return [...others, ...ended].map(({ view }) => view)
  }

  find(id: string): Transfer | undefined {
    return this.#queue.get(id)?.view
  }

  async pause(id: string): Promise<void> {
    const download = this.#get(id)
    if (!download.hasEnded) await download.pause()
  }

  async resume(id: string): Promise<void> {
    const download = this.#get(id)
    const { state } = download.stored
    if (state !== 'paused' && state !== 'failed') return
    if (state === 'failed') await this.#reopenFiles(download.stored)
    await download.requeue()
    this.#pump()
  }

  async cancel(id: string): Promise<void> {
    const download = this.#get(id)
    const { state } = download.stored
    if (state === 'done' || state === 'cancelled') return
    await download.cancel()
    await this.#discardParts(download.stored)
    this.#pump()
  }

  async clear(): Promise<void> {
    for (const download of this.#queue.values()) {
      if (!download.hasEnded) continue
      await this.#discardParts(download.stored)
      await this.#context.store.remove(download.id)
      this.#queue.delete(download.id)
      download.close()
    }
  }

  async finished(id: string, { signal }: CallOptions = {}): Promise<Transfer> {
    const download = this.#get(id)
    for (;;) {
      signal?.throwIfAborted()
      const result = download.result()
      if (result !== undefined) return result
      this.#closing.signal.throwIfAborted()
      if (this.#queue.get(id) !== download) throw unknownTransfer(id)
      const { promise, resolve } = Promise.withResolvers<void>()
      const forget = download.watch(resolve)
      signal?.addEventListener('abort', () => resolve(), { once: true })
      await promise
      forget()
    }
  }

  holding(id: FileId): Holding | undefined {
    return this.#holdings.find(id)
  }

  async moved(from: PeerId, to: PeerId): Promise<void> {
    const theirs = [...this.#queue.values()].filter(({ peerId }) => peerId === from)
    await Promise.all(theirs.map((download) => download.change({ peerId: to })))
    this.peerHere(to)
  }

  peerHere(id: PeerId): void {
    for (const download of this.#queue.values()) if (download.peerId === id) download.hurry()
    this.#pump()
  }

  nudge(): void {
    this.#bandwidth.setRates(ratesOf(this.#context.limits()))
    for (const download of this.#queue.values()) download.hurry()
    this.#pump()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(
      new P2PError('node-stopped', 'The node stops; transfers go on when it is started again.'),
    )
    clearTimeout(this.#timer)
    await Promise.all([...this.#queue.values()].map((download) => download.stop()))
    for (const download of this.#queue.values()) download.close()
  }

  #keep(stored: StoredTransfer): QueuedDownload {
    const download = new QueuedDownload(stored, {
      take: this.#take,
      store: this.#context.store,
      hears: (type) => this.#context.hears(type),
      emit: (event) => this.#context.emit(event),
      warn: (error, about) => this.#context.warn(error, about),
      ended: (transfer) => this.#context.ended(transfer),
      changed: () => this.#pump(),
    })
    this.#queue.set(stored.id, download)
    return download
  }

  /** Lets as many run as may, in their order; others wait, and so do those whose peers are away. */
  #pump(): void {
    clearTimeout(this.#timer)
    if (this.#closing.signal.aborted || !this.#started) return
    const now = monotonicMs()
    let running = [...this.#queue.values()].filter(({ isRunning }) => isRunning).length
    let nextAt = Infinity
    for (const download of this.#queue.values()) {
      const { dueAt } = download
      if (dueAt === undefined || running >= this.#context.limits().active) continue
      if (dueAt > now) nextAt = Math.min(nextAt, dueAt)
      else {
        running++
        download.run()
      }
    }
    if (nextAt < Infinity) this.#timer = setTimeout(() => this.#pump(), nextAt - now + 1).unref()
  }

  async #add(transfer: StoredTransfer): Promise<Transfer> {
    this.#closing.signal.throwIfAborted()
    await this.#context.store.add(transfer)
    const download = this.#keep(transfer)
    this.#forgetOldest()
    this.#pump()
    return download.view
  }

  /** What the store has forgotten to make room is forgotten here too. */
  #forgetOldest(): void {
    if (this.#queue.size <= limits.transfers) return
    for (const download of this.#queue.values()) {
      if (!download.hasEnded || this.#context.store.transfer(download.id) !== undefined) continue
      this.#queue.delete(download.id)
      download.close()
    }
  }

  #newTransfer({ peerId, into, existing }: Omit<Wish, 'path'>): Omit<StoredTransfer, 'path' | 'offer'> {
    return {
      id: randomBytes(16).toString('hex'),
      peerId,
      into,
      existing,
      state: 'queued',
      reason: '',
      savedAs: undefined,
      bytes: 0,
      totalBytes: 0,
      files: 0,
      totalFiles: 0,
      listedAfter: '',
      askedAtMs: Date.now(),
      endedAtMs: undefined,
    }
  }

  async #hashedFile(
    peerId: PeerId,
    path: string,
    signal: AbortSignal,
  ): Promise<Pick<SharedEntry, 'sizeBytes'> & { readonly id: FileId }> {
    for (;;) {
      const file = await fileAt(this.#context.lines, { peerId, offer: undefined, path }, { signal })
      if (file === undefined)
        throw new P2PError('file-unknown', `${path} is a folder. Take its files, or get it.`)
      if (file.id !== undefined) return { id: file.id, sizeBytes: file.sizeBytes }
      await sleep(hashWaitMs, signal)
      signal.throwIfAborted()
    }
  }

  /** Files that have failed are tried again. */
  async #reopenFiles({ id, totalFiles }: StoredTransfer): Promise<void> {
    const { store } = this.#context
    for (let from = 0; from < totalFiles; from += batchFiles) {
      const numbers = Array.from(
        { length: Math.min(batchFiles, totalFiles - from) },
        (_, index) => from + index,
      )
      const failed = numbers.filter((number) => store.file(id, number)?.state === 'failed')
      const open = failed.map((number): Pick<TransferFile, 'number' | 'state' | 'reason'> => ({
        number,
        state: 'open',
        reason: '',
      }))
      await store.changeFiles(id, open, {})
    }
  }

  async #discardParts({ id, into }: StoredTransfer): Promise<void> {
    const { store } = this.#context
    for (const { transferId, number, partPath } of store.parts()) {
      if (transferId !== id) continue
      const file = store.file(id, number)
      if (file?.id !== undefined) this.#holdings.forget(file.id)
      await this.#discardPart(into, partPath, file?.sizeBytes ?? 0)
      // Forgotten last: a kill before that leaves a part that is still known of.
      store.removePart(id, number)
    }
  }

  async #discardPart(into: string, partPath: string, sizeBytes: number): Promise<void> {
    try {
      await discardPart(into, partPath, sizeBytes)
    } catch (error) {
      this.#context.log.warn('a part of a file could not be removed', { error: String(error) })
    }
  }

  /** A kill may have come between the end of a transfer and the removal of its parts. */
  async #removeLeftovers(): Promise<void> {
    for (const { stored } of this.#queue.values())
      if (stored.state === 'cancelled' || stored.state === 'done') await this.#discardParts(stored)
  }

  #get(id: string): QueuedDownload {
    const download = this.#queue.get(id)
    if (download === undefined) throw unknownTransfer(id)
    return download
  }
}

/** Hashes of leaves: those of what we share ourselves, and those that were asked for. */
function shelfOf({ shares, store }: DownloadsContext): LeafShelf {
  return {
    groups: (id) => shares.groups(id),
    leaves: (id, group) => store.leaves(id, group) ?? shares.leaves(id, group),
    keep: (id, group, leaves) => store.putLeaves(id, group, leaves),
  }
}

function ratesOf({ download, perPeer }: TransferLimits): BandwidthRates {
  return { all: download, perPeer }
}

function unknownTransfer(id: string): P2PError {
  return new P2PError('transfer-unknown', `No transfer has the ID ${id}. "transfers" lists them.`)
}
