import { isP2PError, P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { monotonicMs } from '../../base/time.ts'
import { placeSmall, type SmallFile } from '../../files/place-small.ts'
import { openSharedFile } from '../../files/shared-file.ts'
import { leafBytes, type FileId } from '../../protocol/file-id.ts'
import { decodePackTable, packTableBytes } from '../../protocol/pack.ts'
import type { PackRequest } from '../../protocol/file-request.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { Bandwidth } from '../../rules/bandwidth.ts'
import type { Piece } from '../../transport/files.ts'
import { askedMs, bandwidthTurn } from './bandwidth-turn.ts'
import { nameRefused, type FileOutcome, type TakeContext, type TakeRun, type WantedFile } from './take-run.ts'

/** Bytes of one pack that we ask for: one is on its way while another is being placed. */
const askedPackBytes = 4 * 1024 * 1024
/** What one needs at most, with its table. */
const roomBytes = askedPackBytes + packTableBytes(limits.packFiles)
/** Others that are asked for what the peer has not got any more. */
const mostOthers = 8

/** Takes small files, many in one answer. */
export class SmallFiles {
  readonly #context: TakeContext
  readonly #run: TakeRun
  /** Memory of packs that are placed, for the next ones: new memory for each would have to be cleared, and collected. */
  readonly #spare: SharedArrayBuffer[] = []

  constructor(context: TakeContext, run: TakeRun) {
    this.#context = context
    this.#run = run
  }

  /**
   * Takes some files, at most `limits.packFiles` and together at most `limits.packBytes`.
   *
   * @returns what has become of each
   * @throws P2PError `peer-unreachable`, and like `placeSmall`; the abort reason
   */
  async take(files: readonly WantedFile[]): Promise<readonly FileOutcome[]> {
    const outcomes = new Map<WantedFile, FileOutcome>()
    const placed: { readonly file: WantedFile; readonly as: string }[] = []
    for (const file of files) {
      const place = await this.#run.places.of(file.path)
      if (place === undefined) outcomes.set(file, nameRefused(file.path))
      else if (place.there.kind === 'file' && this.#run.transfer.existing === 'skip')
        outcomes.set(file, { state: 'skipped', target: place.as })
      else placed.push({ file, as: place.as })
    }
    using room = new PackRoom(this.#spare)
    const contents = await this.#contentsOf(
      placed.map(({ file }) => file),
      room,
    )
    await this.#place(placed, contents, outcomes)
    return files.map((file) => outcomes.get(file) ?? { state: 'again' })
  }

  async #place(
    placed: readonly { readonly file: WantedFile; readonly as: string }[],
    contents: ReadonlyMap<FileId, Uint8Array>,
    outcomes: Map<WantedFile, FileOutcome>,
  ): Promise<void> {
    const there = placed.flatMap(({ file, as }) => {
      const bytes = contents.get(file.id)
      return bytes === undefined ? [] : [{ file, small: smallFile(file, as, bytes) }]
    })
    if (there.length === 0) return
    this.#run.signal.throwIfAborted()
    const results = await placeSmall(
      this.#context.worker,
      this.#run.target,
      there.map(({ small }) => small),
    )
    for (const [index, result] of results.entries()) {
      const file = there[index]?.file
      if (file === undefined) continue
      if (result.kind === 'failed' && endsTransfer(result.error)) throw result.error
      outcomes.set(file, outcomeOf(result))
    }
  }

  /** Contents by their IDs, from here or from peers; not verified yet. */
  async #contentsOf(files: readonly WantedFile[], room: PackRoom): Promise<Map<FileId, Uint8Array>> {
    const contents = new Map<FileId, Uint8Array>()
    const sizes = new Map(files.map(({ id, sizeBytes }) => [id, sizeBytes]))
    const local = this.#context.shares.shares().length > 0
    for (const [id, size] of sizes) {
      if (size === 0) contents.set(id, new Uint8Array())
      const here = local && size > 0 ? await this.#readHere(id, size) : undefined
      if (here !== undefined) contents.set(id, here)
    }
    await this.#ask(sizes, contents, room)
    return contents
  }

  async #readHere(id: FileId, size: number): Promise<Uint8Array | undefined> {
    for (const file of this.#context.shares.withContent(id, undefined)) {
      try {
        await using opened = await openSharedFile(file)
        const bytes = new Uint8Array(size)
        if ((await opened.read(0, bytes)) === size) return bytes
      } catch {
        // It has gone or changed: then another one, or the peer.
      }
    }
    return undefined
  }

  /** Asks the peer, and then others for what it has not got or while it cannot be reached. */
  async #ask(
    sizes: ReadonlyMap<FileId, number>,
    contents: Map<FileId, Uint8Array>,
    room: PackRoom,
  ): Promise<void> {
    const { peerId } = this.#run.transfer
    let unreachable: unknown
    const others = this.#context.holders().filter((id) => id !== peerId)
    for (const id of [peerId, ...others.slice(0, mostOthers)]) {
      const missing = [...sizes].filter(([wanted]) => !contents.has(wanted))
      if (missing.length === 0) return
      try {
        for (const [got, bytes] of await this.#askPeer(id, new PackBuffer(missing, room)))
          contents.set(got, bytes)
      } catch (error) {
        this.#run.signal.throwIfAborted()
        if (id === peerId && isP2PError(error, 'file-unknown')) continue
        if (id === peerId) unreachable = error
      }
    }
    if (unreachable !== undefined && contents.size < sizes.size) throw unreachable
  }

  async #askPeer(id: PeerId, pack: PackBuffer): Promise<readonly (readonly [FileId, Uint8Array])[]> {
    const { lines, streams, download } = this.#context
    const { signal, counts } = this.#run
    const giveUp = new AbortController()
    const either = AbortSignal.any([signal, giveUp.signal])
    const take = (piece: Piece): void => {
      const { bytes } = piece
      if (!pack.add(bytes)) giveUp.abort(tooMuch(id))
      counts.speed.add(bytes.length)
      download.spend(id, bytes.length, monotonicMs())
      piece.release()
    }
    const question: PackRequest = { kind: 'pack', ids: pack.ids }
    const fetch = (): Promise<void> =>
      lines.use(id, (line) => line.fetch(question, take, { signal: either }), { signal: either })
    counts.gives(id)
    try {
      await bandwidthTurn(download, id, signal)
      await streams.take(fetch, signal)
    } finally {
      counts.givesNoMore(id)
    }
    await bandwidthTurn(download, id, signal)
    const contents = pack.contents()
    if (contents === undefined) throw tooMuch(id)
    return contents
  }
}

/** Memory that the worker sees too, for the packs of one `take`; after that it is free for others. */
class PackRoom implements Disposable {
  readonly #spare: SharedArrayBuffer[]
  readonly #taken: SharedArrayBuffer[] = []

  constructor(spare: SharedArrayBuffer[]) {
    this.#spare = spare
  }

  take(bytes: number): Uint8Array {
    const memory =
      (bytes <= roomBytes && this.#spare.pop()) || new SharedArrayBuffer(Math.max(bytes, roomBytes))
    this.#taken.push(memory)
    return new Uint8Array(memory, 0, bytes)
  }

  [Symbol.dispose](): void {
    this.#spare.push(...this.#taken.splice(0).filter(({ byteLength }) => byteLength === roomBytes))
  }
}

/** What comes of one pack, in one piece of memory whose size is known before (F10). */
class PackBuffer {
  readonly #wanted: readonly (readonly [FileId, number])[]
  readonly #bytes: Uint8Array
  #length = 0

  constructor(wanted: readonly (readonly [FileId, number])[], room: PackRoom) {
    this.#wanted = wanted
    this.#bytes = room.take(wanted.reduce((sum, [, bytes]) => sum + bytes, packTableBytes(wanted.length)))
  }

  get ids(): readonly FileId[] {
    return this.#wanted.map(([id]) => id)
  }

  /** @returns false when it is more than was asked for */
  add(bytes: Uint8Array): boolean {
    if (this.#length + bytes.length > this.#bytes.length) return false
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return true
  }

  /** The contents that came; undefined when the answer is none. */
  contents(): readonly (readonly [FileId, Uint8Array])[] | undefined {
    let at = packTableBytes(this.#wanted.length)
    const sizes = decodePackTable(this.#bytes.subarray(0, at))
    if (sizes === undefined || this.#length < at) return undefined
    const contents: (readonly [FileId, Uint8Array])[] = []
    for (const [index, [id, expected]] of this.#wanted.entries()) {
      const size = sizes[index]
      if (size === undefined) continue
      if (size !== expected || at + size > this.#length) return undefined
      contents.push([id, this.#bytes.subarray(at, at + size)])
      at += size
    }
    return at === this.#length ? contents : undefined
  }
}

/**
 * Cuts a list into packs.
 *
 * @param download how much may come in a time
 */
export function* packsOf(files: Iterable<WantedFile>, download: Bandwidth): Generator<readonly WantedFile[]> {
  const mostBytes = Math.min(askedPackBytes, download.bytesIn(askedMs))
  let pack: WantedFile[] = []
  let bytes = 0
  for (const file of files) {
    if (pack.length === limits.packFiles || (bytes > 0 && bytes + file.sizeBytes > mostBytes)) {
      yield pack
      pack = []
      bytes = 0
    }
    pack.push(file)
    bytes += file.sizeBytes
  }
  if (pack.length > 0) yield pack
}

export function isSmall({ sizeBytes }: { readonly sizeBytes: number }): boolean {
  return sizeBytes <= leafBytes
}

/** After these nothing else of the transfer can be written either. */
export function endsTransfer(error: unknown): boolean {
  return (
    isP2PError(error, 'disk-full') || isP2PError(error, 'disk-failed') || isP2PError(error, 'file-unusable')
  )
}

function smallFile({ id, modifiedAtMs }: WantedFile, relative: string, bytes: Uint8Array): SmallFile {
  return { relative, bytes, modifiedAtMs, id }
}

function outcomeOf(result: Awaited<ReturnType<typeof placeSmall>>[number]): FileOutcome {
  if (result.kind === 'failed') return { state: 'failed', error: result.error }
  return { state: result.kind === 'there' ? 'skipped' : 'done', target: result.as }
}

function tooMuch(id: PeerId): P2PError {
  return new P2PError('protocol-violation', `${id} gave something else than the files that were asked for.`)
}
