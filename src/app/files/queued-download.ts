import { isP2PError, messageOf, P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { monotonicMs } from '../../base/time.ts'
import { leafBytes } from '../../protocol/file-id.ts'
import type { OfferEntry } from '../../protocol/file-messages.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import { countChunks } from '../../rules/chunk-map.ts'
import type { StoredTransfer, TransferStore } from '../../store/transfer-store.ts'
import type { NodeEvent } from '../node-event.ts'
import { AsOffered } from './as-offered.ts'
import { Download } from './download.ts'
import { nameOf } from './offer-view.ts'
import { isPassing } from './passing.ts'
import { Counts, type TakeContext } from './take-run.ts'
import { Throttle } from './throttle.ts'
import type { Transfer, TransferState } from './types.ts'

export interface QueueContext {
  readonly take: TakeContext
  readonly store: TransferStore
  hears(type: NodeEvent['type']): boolean
  emit(event: NodeEvent): void
  warn(error: unknown, about?: PeerId): void
  ended(transfer: Transfer): void
  /** Something may be able to run now. */
  changed(): void
}

type TransferEventType = Extract<NodeEvent['type'], `transfer:${string}`>

/** One transfer of the queue: what is stored of it, and what happens to it now. */
export class QueuedDownload {
  readonly #context: QueueContext
  readonly #watchers = new Set<() => void>()
  readonly #progress: Throttle
  /** What the peer calls it. */
  readonly #path: string
  /** What was offered, as it was when the transfer began: the offer may be forgotten before its end. */
  readonly #offered: readonly OfferEntry[] | undefined
  #stored: StoredTransfer
  #counts: Counts
  #running: { readonly stop: AbortController; readonly done: Promise<void> } | undefined
  #waitReason: string | undefined
  #triesAt = -Infinity
  #lastTryAt = -Infinity
  #pauseMs: number = limits.transferRetryFirstMs
  #told = false
  /** Bytes in parts, while nothing runs. */
  #restingBytes = 0
  #error: P2PError | undefined

  constructor(stored: StoredTransfer, context: QueueContext) {
    this.#stored = stored
    this.#context = context
    const { path, offer } = stored
    this.#offered = offer === undefined ? undefined : (context.store.offer(offer)?.entries ?? [])
    this.#path = path === '' ? nameOf(this.#offered ?? []) : path
    this.#counts = new Counts(stored)
    this.#restingBytes = this.#bytesInParts()
    this.#progress = new Throttle(limits.progressMs, () => {
      if (this.#running !== undefined && context.hears('transfer:progress')) this.#tell('transfer:progress')
    })
  }

  get id(): string {
    return this.#stored.id
  }

  get peerId(): PeerId {
    return this.#stored.peerId
  }

  get stored(): StoredTransfer {
    return this.#stored
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  get hasEnded(): boolean {
    return this.#stored.state !== 'queued' && this.#stored.state !== 'paused'
  }

  /** When it may run, on the monotonic clock; undefined when it is not to. */
  get dueAt(): number | undefined {
    return this.#stored.state === 'queued' && this.#running === undefined ? this.#triesAt : undefined
  }

  get view(): Transfer {
    const { id, peerId, savedAs, offer } = this.#stored
    const counts = this.#counts
    return {
      id,
      direction: 'in',
      peerId,
      path: this.#path,
      ...(savedAs !== undefined && { savedAs }),
      state: this.#state(),
      reason: this.#waitReason ?? this.#stored.reason,
      bytes: counts.bytes + (this.#running === undefined ? this.#restingBytes : counts.partial),
      totalBytes: counts.totalBytes,
      files: counts.files,
      totalFiles: counts.totalFiles,
      ...(counts.reusedFiles > 0 && { reusedFiles: counts.reusedFiles }),
      ...(counts.reusedBytes > 0 && { reusedBytes: counts.reusedBytes }),
      bytesPerSecond: this.#running === undefined ? 0 : counts.speed.bytesPerSecond(monotonicMs()),
      sources: this.#running === undefined ? [] : counts.sources(monotonicMs()),
      ...(offer !== undefined && { offerId: offer }),
    }
  }

  /** Begins, or goes on. */
  run(): void {
    const stop = new AbortController()
    this.#waitReason = undefined
    this.#lastTryAt = monotonicMs()
    this.#counts = new Counts(this.#stored, this.#counts)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#running = { stop, done: promise }
    this.#tell(this.#told ? 'transfer:changed' : 'transfer:started')
    this.#told = true
    void this.#download(stop.signal)
      // What is told at the end asks the store, whose disk may fail (F14).
      .catch((error: unknown) => this.#context.warn(error, this.peerId))
      .then(resolve)
  }

  /** Stops what runs, and waits until it has. */
  async stop(): Promise<void> {
    const running = this.#running
    running?.stop.abort(new P2PError('transfer-cancelled', 'The transfer was stopped.'))
    await running?.done
  }

  /** Somebody may be there again: tries soon, but not again and again. */
  hurry(): void {
    this.#triesAt = Math.min(this.#triesAt, this.#lastTryAt + limits.transferRetryFirstMs)
  }

  async change(changes: Partial<StoredTransfer>): Promise<void> {
    this.#stored = { ...this.#stored, ...changes }
    await this.#context.store.change(this.id, changes)
  }

  /** Is queued again, with what has failed. */
  async requeue(): Promise<void> {
    this.#pauseMs = limits.transferRetryFirstMs
    this.#triesAt = -Infinity
    this.#error = undefined
    await this.change({ state: 'queued', reason: '', endedAtMs: undefined })
    this.#tell('transfer:changed')
  }

  async pause(): Promise<void> {
    await this.change({ state: 'paused' })
    await this.stop()
    this.#waitReason = undefined
    this.#tell('transfer:changed')
  }

  async cancel(): Promise<void> {
    await this.change({ state: 'cancelled', endedAtMs: Date.now() })
    await this.stop()
    this.#waitReason = undefined
    this.#tell('transfer:changed')
    this.#end()
  }

  /** Resolves when it has ended. @throws what it has failed with, `transfer-cancelled` */
  result(): Transfer | undefined {
    const { state, reason } = this.#stored
    if (state === 'done') return this.view
    if (state === 'failed') throw this.#error ?? new P2PError('file-unknown', reason)
    if (state === 'cancelled') throw new P2PError('transfer-cancelled', 'The transfer was cancelled.')
    return undefined
  }

  /** Calls `watcher` at the end. @returns what takes it back */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  close(): void {
    this.#progress[Symbol.dispose]()
    for (const watcher of this.#watchers) watcher()
  }

  #state(): TransferState {
    if (this.#stored.state !== 'queued') return this.#stored.state
    if (this.#running !== undefined) return 'active'
    return this.#waitReason === undefined ? 'queued' : 'waiting'
  }

  async #download(signal: AbortSignal): Promise<void> {
    let failure: { readonly error: unknown } | undefined
    try {
      await new Download(this.#context.take, this.#options(signal)).run()
    } catch (error) {
      failure = { error }
    }
    try {
      await this.#settle(failure, signal)
    } catch (error) {
      this.#context.warn(error, this.peerId)
    }
    this.#running = undefined
    if (!signal.aborted) this.#tellOutcome()
    this.#context.changed()
  }

  #options(signal: AbortSignal): ConstructorParameters<typeof Download>[1] {
    return {
      transfer: this.#stored,
      counts: this.#counts,
      offered: this.#offered && new AsOffered(this.#offered),
      signal,
      progressed: () => this.#progress.wish(),
      savedAs: async (path) => {
        if (this.#stored.savedAs !== path) await this.change({ savedAs: path })
      },
    }
  }

  async #settle(failure: { readonly error: unknown } | undefined, signal: AbortSignal): Promise<void> {
    const { bytes, files, totalBytes, totalFiles } = this.#counts
    this.#stored = { ...this.#stored, bytes, files, totalBytes, totalFiles }
    this.#restingBytes = this.#bytesInParts()
    if (signal.aborted) return
    if (failure === undefined) await this.change({ state: 'done', reason: '', endedAtMs: Date.now() })
    else if (isPassing(failure.error)) this.#wait(failure.error)
    else {
      this.#error = asP2PError(failure.error)
      await this.change({ state: 'failed', reason: this.#error.message, endedAtMs: Date.now() })
    }
  }

  #bytesInParts(): number {
    const { store } = this.#context
    const parts = store.parts().filter(({ transferId }) => transferId === this.id)
    const chunks = parts.map(({ number }) =>
      countChunks(store.part(this.id, number)?.chunks ?? new Uint8Array()),
    )
    return chunks.reduce((sum, count) => sum + count * leafBytes, 0)
  }

  #wait(error: unknown): void {
    this.#waitReason = messageOf(error)
    if (this.#counts.speed.hasMoved) this.#pauseMs = limits.transferRetryFirstMs
    this.#triesAt = monotonicMs() + this.#pauseMs
    this.#pauseMs = Math.min(limits.transferRetryLastMs, this.#pauseMs * 2)
  }

  #tellOutcome(): void {
    const { state } = this.#stored
    if (state === 'done') this.#tell('transfer:done')
    else if (state === 'failed') this.#tell('transfer:failed')
    else this.#tell('transfer:changed')
    if (this.hasEnded) this.#end()
  }

  #end(): void {
    this.#context.ended(this.view)
    // What has come can be copied from now on, when it is wanted again.
    this.#context.store
      .rememberPlaced(this.id)
      .catch((error: unknown) => this.#context.warn(error, this.peerId))
    for (const watcher of this.#watchers) watcher()
  }

  #tell(type: TransferEventType): void {
    this.#context.emit({ type, at: new Date(), transfer: this.view })
  }
}

function asP2PError(error: unknown): P2PError {
  return isP2PError(error) ? error : new P2PError('internal', messageOf(error), { cause: error })
}
