import { join } from 'node:path'
import { isP2PError, P2PError } from '../../base/errors.ts'
import { monotonicMs } from '../../base/time.ts'
import { hashFiles } from '../../files/hasher.ts'
import { placeSmall, type SmallFile } from '../../files/place-small.ts'
import { leafBytes, type FileId } from '../../protocol/file-id.ts'
import type { PackRequest } from '../../protocol/file-request.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { Piece } from '../../transport/files.ts'
import { bandwidthTurn } from './bandwidth-turn.ts'
import { fileNow, knownFiles, readWhole } from './known-files.ts'
import { PackBuffer, PackRoom } from './packs.ts'
import { isPassing } from './passing.ts'
import { nameRefused, type FileOutcome, type TakeContext, type TakeRun, type WantedFile } from './take-run.ts'

/** Others that are asked for what the peer has not got any more. */
const mostOthers = 8

/** A file whose place is decided. */
interface PlacedWish {
  readonly file: WantedFile
  readonly as: string
}

/** A content that has come, not verified yet. */
interface Came {
  readonly bytes: Uint8Array
  /** Who gave it; undefined: it was here. */
  readonly from: PeerId | undefined
}

/** Takes small files, many in one answer. */
export class SmallFiles {
  readonly #context: TakeContext
  readonly #run: TakeRun
  /** Who has given something wrong: asked only for what nobody else has. */
  readonly #liars = new Set<PeerId>()

  constructor(context: TakeContext, run: TakeRun) {
    this.#context = context
    this.#run = run
  }

  /**
   * Takes some files, at most `limits.packFiles` and together at most `limits.packBytes`. What turns out to be something else is asked of
   * others, and never again of who gave it.
   *
   * @returns what has become of each
   * @throws P2PError `peer-unreachable`, and like `placeSmall`; the abort reason
   */
  async take(files: readonly WantedFile[]): Promise<readonly FileOutcome[]> {
    const outcomes = new Map<WantedFile, FileOutcome>()
    const refused = new Refused()
    let left = await this.#decide(files, outcomes)
    while (left.length > 0) {
      using room = new PackRoom()
      const contents = await this.#contentsOf(
        left.map(({ file }) => file),
        { room, refused },
      )
      await this.#place(left, contents, outcomes)
      left = left.filter(({ file }) => isCorrupt(outcomes.get(file)) && contents.has(file.id))
      for (const { file } of left) this.#refuse(refused, file, contents.get(file.id))
    }
    return files.map((file) => outcomes.get(file) ?? { state: 'again' })
  }

  /** Where each is to go. What is there already, and what cannot be, has its outcome. */
  async #decide(
    files: readonly WantedFile[],
    outcomes: Map<WantedFile, FileOutcome>,
  ): Promise<readonly PlacedWish[]> {
    const wishes: PlacedWish[] = []
    const alike: (PlacedWish & { readonly there: string })[] = []
    for (const file of files) {
      const place = await this.#run.places.of(file.path)
      if (place === undefined) outcomes.set(file, nameRefused(file.path))
      else if (place.there.kind === 'file' && this.#run.transfer.existing === 'skip')
        outcomes.set(file, { state: 'skipped', target: place.as })
      else if (place.there.kind === 'file' && place.there.sizeBytes === file.sizeBytes)
        alike.push({ file, as: place.as, there: join(this.#run.target.folder, place.as) })
      else wishes.push({ file, as: place.as })
    }
    const ids = await this.#idsOf(alike.map(({ there }) => there))
    for (const { file, as, there } of alike)
      if (ids.get(there) === file.id) outcomes.set(file, { state: 'skipped', target: as })
      else wishes.push({ file, as })
    return wishes
  }

  /** What is in files that may be the wanted ones. */
  async #idsOf(paths: readonly string[]): Promise<ReadonlyMap<string, FileId>> {
    const ids = new Map<string, FileId>()
    const found = await Promise.all(paths.map(async (path) => ({ path, file: await fileNow(path) })))
    const files = found.flatMap(({ path, file }) => (file === undefined ? [] : [{ ...file, at: path }]))
    for await (const { file, outcome } of hashFiles(this.#context.worker, files))
      if (outcome.kind === 'hashed') ids.set(file.at, outcome.id)
    return ids
  }

  async #place(
    wishes: readonly PlacedWish[],
    contents: ReadonlyMap<FileId, Came>,
    outcomes: Map<WantedFile, FileOutcome>,
  ): Promise<void> {
    const there = wishes.flatMap(({ file, as }) => {
      const came = contents.get(file.id)
      return came === undefined ? [] : [{ file, small: smallFile(file, as, came.bytes), came }]
    })
    if (there.length === 0) return
    this.#run.signal.throwIfAborted()
    const results = await placeSmall(
      this.#context.worker,
      this.#run.target,
      there.map(({ small }) => small),
    )
    const { counts } = this.#run
    for (const [index, result] of results.entries()) {
      const { file, came } = there[index] ?? {}
      if (file === undefined) continue
      if (result.kind === 'failed' && endsTransfer(result.error)) throw result.error
      outcomes.set(file, outcomeOf(result))
      if (result.kind === 'placed' && came?.from === undefined) counts.reusedBytes += file.sizeBytes
    }
  }

  #refuse(refused: Refused, { id }: WantedFile, came: Came | undefined): void {
    refused.add(id, came?.from)
    if (came?.from === undefined) return
    if (!this.#liars.has(came.from))
      this.#context.log.info('a source has given something else than a small file', { peer: came.from })
    this.#liars.add(came.from)
  }

  /** Contents by their IDs, from here or from peers; not verified yet. */
  async #contentsOf(
    files: readonly WantedFile[],
    { room, refused }: { readonly room: PackRoom; readonly refused: Refused },
  ): Promise<ReadonlyMap<FileId, Came>> {
    const contents = new Map<FileId, Came>()
    const sizes = new Map(files.map(({ id, sizeBytes }) => [id, sizeBytes]))
    for (const [id, size] of sizes)
      if (size === 0) contents.set(id, { bytes: new Uint8Array(), from: undefined })
    const wanted = [...sizes].filter(([id, size]) => size > 0 && !refused.has(id, undefined))
    for (const [id, bytes] of await this.#readHere(new Map(wanted)))
      contents.set(id, { bytes, from: undefined })
    await this.#ask(sizes, contents, { room, refused })
    return contents
  }

  async #readHere(wanted: ReadonlyMap<FileId, number>): Promise<ReadonlyMap<FileId, Uint8Array>> {
    const { worker } = this.#context
    const known = [...(await knownFiles(this.#context, wanted))]
    if (known.length === 0) return new Map()
    return new Map(await readWhole(worker, known))
  }

  /** Asks the peer, and then others for what it has not got or while it cannot be reached; who has given something wrong comes last. */
  async #ask(
    sizes: ReadonlyMap<FileId, number>,
    contents: Map<FileId, Came>,
    { room, refused }: { readonly room: PackRoom; readonly refused: Refused },
  ): Promise<void> {
    const { peerId } = this.#run.transfer
    let unreachable: unknown
    for (const id of this.#sources()) {
      try {
        for (let isOver = false; !isOver;) {
          const missing = [...sizes].filter(([wanted]) => !contents.has(wanted) && !refused.has(wanted, id))
          if (missing.length === 0) break
          const answer = await this.#askPeer(id, new PackBuffer(missing, room))
          // There may be many of these before all has come, each of which needs all of the room.
          if (!answer.isWhole) room.giveBackLast()
          for (const [got, bytes] of answer.contents) contents.set(got, { bytes, from: id })
          this.#run.counts.gave(id, monotonicMs())
          isOver = answer.isWhole
        }
      } catch (error) {
        this.#run.signal.throwIfAborted()
        if (isP2PError(error, 'protocol-violation')) this.#liars.add(id)
        if (id === peerId && isP2PError(error, 'file-unknown')) continue
        if (id === peerId) unreachable = error
      }
    }
    if (unreachable !== undefined && contents.size < sizes.size) throw unreachable
  }

  #sources(): readonly PeerId[] {
    const { peerId } = this.#run.transfer
    const others = this.#context.holders().filter((id) => id !== peerId)
    const all = [peerId, ...others.slice(0, mostOthers)]
    return [...all.filter((id) => !this.#liars.has(id)), ...all.filter((id) => this.#liars.has(id))]
  }

  /** What came before an answer broke off counts, so that on a bad network the next one needs to bring less. */
  async #askPeer(id: PeerId, pack: PackBuffer): Promise<PackAnswer> {
    try {
      await this.#fetchPack(id, pack)
    } catch (error) {
      this.#run.signal.throwIfAborted()
      const came = isPassing(error) ? (pack.contents(false) ?? []) : []
      const contents = came.map(([of, bytes]) => [of, bytes.slice()] as const)
      if (contents.length === 0) throw error
      return { contents, isWhole: false }
    }
    await bandwidthTurn(this.#context.download, id, this.#run.signal)
    const contents = pack.contents()
    if (contents === undefined) throw tooMuch(id)
    return { contents, isWhole: true }
  }

  async #fetchPack(id: PeerId, pack: PackBuffer): Promise<void> {
    const { lines, streams, download } = this.#context
    const { signal, counts } = this.#run
    const giveUp = new AbortController()
    const either = AbortSignal.any([signal, giveUp.signal])
    const add = (bytes: Uint8Array): void => {
      if (!pack.add(bytes)) giveUp.abort(tooMuch(id))
      counts.speed.add(bytes.length)
      download.spend(id, bytes.length, monotonicMs())
    }
    const take = (piece: Piece): void => {
      add(piece.bytes)
      piece.release()
    }
    const question: PackRequest = { kind: 'pack', ids: pack.ids }
    const fetch = (): Promise<void> =>
      lines.use(id, (line) => line.fetch(question, take, { signal: either, begun: add }), { signal: either })
    counts.gives(id)
    try {
      await bandwidthTurn(download, id, signal)
      await streams.take(fetch, signal)
    } finally {
      counts.givesNoMore(id)
    }
  }
}

/** What came of one answer. */
interface PackAnswer {
  readonly contents: readonly (readonly [FileId, Uint8Array])[]
  readonly isWhole: boolean
}

/** Who has given something else than a content, in one `take`; also what is here may be something else. */
class Refused {
  readonly #givers = new Map<FileId, Set<PeerId | undefined>>()

  add(id: FileId, from: PeerId | undefined): void {
    this.#givers.set(id, (this.#givers.get(id) ?? new Set()).add(from))
  }

  has(id: FileId, from: PeerId | undefined): boolean {
    return this.#givers.get(id)?.has(from) === true
  }
}

function isCorrupt(outcome: FileOutcome | undefined): boolean {
  return outcome?.state === 'failed' && outcome.error.code === 'content-corrupt'
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
