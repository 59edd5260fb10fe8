/** Who takes what of our shares now: so that our user sees it. Offers have a transfer of their own. */
import { randomBytes } from 'node:crypto'
import { limits } from '../../base/limits.ts'
import { monotonicMs } from '../../base/time.ts'
import type { FileId } from '../../protocol/file-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { IndexedFile } from '../../store/share-store.ts'
import type { NodeEvent } from '../node-event.ts'
import { SpeedMeter } from './progress.ts'
import { Throttle } from './throttle.ts'
import type { Transfer } from './types.ts'

export interface TakingsContext {
  emit(event: NodeEvent): void
}

/** What one peer takes of one share. */
interface Taking {
  readonly id: string
  readonly peerId: PeerId
  readonly share: string
  /** Of the first file; the share when there are others. */
  path: string
  /** Contents that were counted; the oldest are forgotten. */
  readonly contents: Set<FileId>
  files: number
  bytes: number
  totalBytes: number
  readonly speed: SpeedMeter
  readonly teller: Throttle
  /** Ends it when nothing more is taken. */
  timer: NodeJS.Timeout | undefined
}

/** Transfers out of our shares, each as long as its peer takes something. */
export class Takings implements Disposable {
  readonly #context: TakingsContext
  readonly #takings = new Map<string, Taking>()

  constructor(context: TakingsContext) {
    this.#context = context
  }

  list(): readonly Transfer[] {
    const begun = [...this.#takings.values()].filter(({ bytes }) => bytes > 0)
    return begun.map((taking) => shown(taking, 'active'))
  }

  /** A peer begins to take files of our shares. @returns what counts the bytes that it takes */
  begin(peerId: PeerId, files: readonly IndexedFile[]): (bytes: number) => void {
    const [first] = files
    if (first === undefined) return () => {}
    const taking = this.#of(peerId, first)
    for (const file of files) count(taking, file)
    return (bytes) => this.#took(taking, bytes)
  }

  [Symbol.dispose](): void {
    for (const { teller, timer } of this.#takings.values()) {
      teller[Symbol.dispose]()
      clearTimeout(timer)
    }
    this.#takings.clear()
  }

  #of(peerId: PeerId, { share, path }: IndexedFile): Taking {
    const key = `${peerId} ${share.name}`
    const known = this.#takings.get(key)
    if (known !== undefined) return known
    const taking: Taking = {
      id: randomBytes(16).toString('hex'),
      peerId,
      share: share.name,
      path: path === '' ? share.name : `${share.name}/${path}`,
      contents: new Set(),
      files: 0,
      bytes: 0,
      totalBytes: 0,
      speed: new SpeedMeter(),
      teller: new Throttle(limits.progressMs, () => this.#tell('transfer:progress', taking)),
      timer: undefined,
    }
    const [oldest] = this.#takings
    if (this.#takings.size >= limits.shownTakings && oldest !== undefined) this.#end(...oldest)
    this.#takings.set(key, taking)
    this.#wait(key, taking)
    return taking
  }

  #took(taking: Taking, bytes: number): void {
    const key = `${taking.peerId} ${taking.share}`
    // One that gave way to others is not told any more.
    if (this.#takings.get(key) !== taking) return
    const isFirst = taking.bytes === 0
    taking.bytes += bytes
    taking.speed.add(bytes)
    this.#wait(key, taking)
    if (isFirst) this.#tell('transfer:started', taking)
    else taking.teller.wish()
  }

  #wait(key: string, taking: Taking): void {
    clearTimeout(taking.timer)
    taking.timer = setTimeout(() => this.#end(key, taking), limits.takingMs).unref()
  }

  #end(key: string, taking: Taking): void {
    this.#takings.delete(key)
    clearTimeout(taking.timer)
    taking.teller[Symbol.dispose]()
    const transfer = shown(taking, 'done')
    if (taking.bytes > 0) this.#context.emit({ type: 'transfer:done', at: new Date(), transfer })
  }

  #tell(type: 'transfer:started' | 'transfer:progress', taking: Taking): void {
    this.#context.emit({ type, at: new Date(), transfer: shown(taking, 'active') })
  }
}

function count(taking: Taking, { id, sizeBytes }: IndexedFile): void {
  if (id === undefined || taking.contents.has(id)) return
  const [oldest] = taking.contents
  if (taking.contents.size >= limits.countedContents && oldest !== undefined) taking.contents.delete(oldest)
  taking.contents.add(id)
  taking.files++
  taking.totalBytes += sizeBytes
  if (taking.files > 1) taking.path = taking.share
}

function shown(taking: Taking, state: 'active' | 'done'): Transfer {
  const { id, peerId, path, files, bytes, totalBytes, speed } = taking
  return {
    id,
    direction: 'out',
    peerId,
    path,
    state,
    reason: '',
    bytes,
    // The same may be taken twice.
    totalBytes: Math.max(totalBytes, bytes),
    files,
    totalFiles: files,
    bytesPerSecond: state === 'active' ? speed.bytesPerSecond(monotonicMs()) : 0,
    sources: [],
  }
}
