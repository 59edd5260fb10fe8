import { setImmediate } from 'node:timers/promises'
import { limits } from '../../base/limits.ts'
import { monotonicMs } from '../../base/time.ts'
import type { FileWorker } from '../../files/file-worker.ts'
import { openPack, type OpenPack } from '../../files/read-pack.ts'
import { openSharedFile, type ReadableFile } from '../../files/shared-file.ts'
import { leafBytes, type FileId } from '../../protocol/file-id.ts'
import type { ContentRequest, PackRequest } from '../../protocol/file-request.ts'
import type { OfferId } from '../../protocol/offer-id.ts'
import { encodePackTable } from '../../protocol/pack.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { Bandwidth } from '../../rules/bandwidth.ts'
import type { IndexedFile } from '../../store/share-store.ts'
import type { ContentSource, FileReply } from '../../transport/files.ts'
import type { CallOptions } from '../p2p-node.ts'
import type { Fellows } from './fellows.ts'
import type { FileRights } from './file-rights.ts'
import type { Holding } from './receiving.ts'
import { contentOf, Sending, type Readable } from './sending.ts'
import type { Turns } from './turns.ts'

/** What sending content needs of its node. */
export interface ContentHostContext {
  readonly rights: FileRights
  readonly fellows: Fellows
  readonly worker: FileWorker
  readonly upload: Bandwidth
  /** Whoever looks much up in the index does so in turn, and lets others do their work in between. */
  readonly lookUps: Turns
  /** A file is not what the index says. */
  changed(file: IndexedFile): void
  /** Bytes of an offer go out. */
  served(to: PeerId, offer: OfferId, bytes: number): void
  /** A peer begins to take files of shares. @returns what is told how many bytes go out */
  taken(by: PeerId, files: readonly IndexedFile[]): (bytes: number) => void
}

/** What is not there, and what one may not have (F5). */
export const notFound: FileReply = { kind: 'refused', status: 404 }

/** How long looking up goes on before everybody else gets a turn. */
const stepMs = 4

/** Answers requests for content. */
export class ContentHost {
  readonly #context: ContentHostContext
  readonly #sendings = new Set<Sending>()
  /** How often rights have changed. */
  #changes = 0

  constructor(context: ContentHostContext) {
    this.#context = context
  }

  /** Cuts off what is being sent to those who may not have it any more. */
  recheck(): void {
    this.#changes++
    for (const sending of this.#sendings) sending.recheck()
  }

  async content(caller: PeerId, request: ContentRequest): Promise<FileReply> {
    const { id, start, end } = request
    const since = this.#changes
    const files = this.#context.rights.files(id, caller)
    const holding = this.#context.rights.held(id, caller)
    const sizeBytes = files[0]?.sizeBytes ?? holding?.sizeBytes
    if (sizeBytes === undefined) return notFound
    if (start >= end || end > sizeBytes) return { kind: 'refused', status: 416, sizeBytes }
    const content = (await this.#ofFiles(files, request)) ?? ofHolding(holding, request)
    if (content === undefined) return notFound
    const body = this.#send({ caller, ids: [id], files: files.slice(0, 1), content, since })
    return { kind: 'content', bodyBytes: end - start, sizeBytes, body }
  }

  async pack(caller: PeerId, { ids }: PackRequest, { signal }: CallOptions = {}): Promise<FileReply> {
    const { worker, lookUps } = this.#context
    const since = this.#changes
    const found = await lookUps.take(() => this.#lookUp(caller, ids, signal))
    const wanted = thatFit(ids.map((id) => found.get(id)))
    const files = wanted.filter((file) => file !== undefined)
    const pack = await openPack(worker, files)
    const there = new Set(files.filter((_, index) => pack.files[index]?.kind === 'there'))
    for (const file of files) if (!there.has(file)) this.#context.changed(file)
    const sizes = wanted.map((file) => (file !== undefined && there.has(file) ? file.sizeBytes : undefined))
    const table = encodePackTable(sizes)
    const content = this.#ofPack(table, pack, there)
    const held = [...there].flatMap(({ id }) => (id === undefined ? [] : [id]))
    const body = this.#send({ caller, ids: held, files: [...there], content, since })
    return { kind: 'content', bodyBytes: table.length + pack.sizeBytes, sizeBytes: undefined, body }
  }

  /** Each content once, in steps: a thousand of them can take a second (F6). */
  async #lookUp(
    caller: PeerId,
    ids: readonly FileId[],
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<FileId, IndexedFile>> {
    const found = new Map<FileId, IndexedFile>()
    const left = new Set(ids).values()
    while (!this.#context.rights.findFiles(left, caller, { until: monotonicMs() + stepMs, found })) {
      await setImmediate()
      signal?.throwIfAborted()
    }
    return found
  }

  #send({ caller, ids, files, content, since }: Sent): Sending {
    const { rights, fellows, upload } = this.#context
    const offer = offerOf(files)
    const taken = offer === undefined ? this.#context.taken(caller, files) : undefined
    const sending = new Sending(caller, content, {
      upload,
      mayGoOn: () => rights.allows(ids, caller),
      served: (bytes) => {
        // Who takes a pack has nothing that others would wait for.
        if (ids.length === 1 && ids[0] !== undefined) fellows.note(ids[0], caller, monotonicMs())
        if (offer !== undefined) this.#context.served(caller, offer, bytes)
        taken?.(bytes)
      },
      ended: () => this.#sendings.delete(sending),
    })
    this.#sendings.add(sending)
    // Somebody may have lost the right while the file was opened (F5).
    if (since !== this.#changes) sending.recheck()
    return sending
  }

  /** From the first file that is still what the index says. */
  async #ofFiles(files: readonly IndexedFile[], range: ContentRequest): Promise<ContentSource | undefined> {
    for (const file of files) {
      const opened = await this.#opened(file)
      if (opened === undefined) continue
      return contentOf(this.#watched(opened, [file]), range, async () => await opened[Symbol.asyncDispose]())
    }
    return undefined
  }

  async #opened(file: IndexedFile): Promise<ReadableFile | undefined> {
    try {
      return await openSharedFile(file)
    } catch {
      this.#context.changed(file)
      return undefined
    }
  }

  #ofPack(table: Uint8Array, pack: OpenPack, files: Iterable<IndexedFile>): ContentSource {
    let told = 0
    const reading = this.#watched({ read: (_, into) => pack.read(into) }, files)
    return {
      async read(into) {
        const bytes = Math.min(into.length, table.length - told)
        into.set(table.subarray(told, told + bytes))
        told += bytes
        return bytes + (bytes < into.length ? await reading.read(0, into.subarray(bytes)) : 0)
      },
      [Symbol.asyncDispose]: () => pack[Symbol.asyncDispose](),
    }
  }

  /** When a file turns out to be another while it is read, the index is to know. */
  #watched(from: Readable, files: Iterable<IndexedFile>): Readable {
    return {
      read: async (position, into) => {
        try {
          return await from.read(position, into)
        } catch (error) {
          for (const file of files) this.#context.changed(file)
          throw error
        }
      },
    }
  }
}

interface Sent {
  readonly caller: PeerId
  readonly ids: readonly FileId[]
  /** Of ours, that it is read from; none of what we fetch ourselves. */
  readonly files: readonly IndexedFile[]
  readonly content: ContentSource
  /** How often rights had changed when it was looked up. */
  readonly since: number
}

function ofHolding(holding: Holding | undefined, range: ContentRequest): ContentSource | undefined {
  return holding !== undefined && hasAll(holding, range) ? contentOf(holding, range) : undefined
}

/** Whether everything in a range is verified. */
function hasAll({ chunks }: Holding, { start, end }: ContentRequest): boolean {
  if (chunks === undefined) return true
  for (let chunk = Math.floor(start / leafBytes); chunk * leafBytes < end; chunk++)
    if ((((chunks[chunk >> 3] ?? 0) >> (chunk & 7)) & 1) === 0) return false
  return true
}

/** Leaves out what is too large, and what has no room any more. */
function thatFit(files: readonly (IndexedFile | undefined)[]): readonly (IndexedFile | undefined)[] {
  let bytes = 0
  return files.map((file) => {
    if (file === undefined || file.sizeBytes > leafBytes || bytes + file.sizeBytes > limits.packBytes)
      return undefined
    bytes += file.sizeBytes
    return file
  })
}

/** The offer that is being taken, if it is one: all files of one request are. */
function offerOf(files: readonly IndexedFile[]): OfferId | undefined {
  return files.find(({ share }) => share.offer !== undefined)?.share.offer
}
