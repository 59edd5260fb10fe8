import { isP2PError, P2PError } from '../../base/errors.ts'
import { monotonicMs } from '../../base/time.ts'
import { hashLeaf } from '../../files/hash-tree.ts'
import { groupLeaves, leafBytes, leavesOf, type FileId } from '../../protocol/file-id.ts'
import type { TreeRequest } from '../../protocol/file-request.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { FileConnection, Piece } from '../../transport/files.ts'
import { askedMs, bandwidthTurn } from './bandwidth-turn.ts'
import { ContentTree } from './content-tree.ts'
import type { FetchContext } from './fetch-job.ts'
import { Pulse } from './pulse.ts'

/** Chunks of one request. */
const longestRun = 64
/** A source that gave something is asked so many times more after a failure. */
const mostFailures = 3

export interface WantedContent {
  readonly id: FileId
  readonly sizeBytes: number
  /** Who is asked first. */
  readonly from: PeerId
  readonly signal: AbortSignal
}

/**
 * A content in order, as it comes; each chunk is verified before it is given out, and belongs to who gets it. While nobody takes any,
 * nothing more is read from the network. When a source fails, another goes on.
 *
 * @throws P2PError what the last source has failed with; the abort reason
 */
export async function* readContent(
  content: WantedContent,
  context: FetchContext,
): AsyncGenerator<Uint8Array, void> {
  const tree = new ContentTree(content, context.shelf)
  const count = leavesOf(content.sizeBytes)
  const sources = new InTurn(content.from, () => context.holders())
  let chunk = 0
  while (chunk < count) {
    const from = sources.current()
    const most = Math.max(1, Math.floor(context.download.bytesIn(askedMs) / leafBytes))
    const range = { first: chunk, end: Math.min(chunk + Math.min(most, longestRun), count) }
    try {
      for await (const bytes of readRange({ content, tree, from, range }, context)) {
        chunk++
        sources.gave()
        yield bytes
      }
    } catch (error) {
      content.signal.throwIfAborted()
      sources.failed(error)
    }
  }
}

/** Sources one after the other: the peer that was asked, then our other peers. */
class InTurn {
  readonly #others: () => readonly PeerId[]
  readonly #tried = new Set<PeerId>()
  #current: PeerId
  #failures = 0

  constructor(first: PeerId, others: () => readonly PeerId[]) {
    this.#current = first
    this.#others = others
  }

  current(): PeerId {
    return this.#current
  }

  gave(): void {
    this.#failures = 0
  }

  /** @throws the error, when there is nobody else */
  failed(error: unknown): void {
    this.#failures++
    if (isP2PError(error, 'peer-unreachable') && this.#failures < mostFailures) return
    this.#tried.add(this.#current)
    const next = this.#others().find((id) => !this.#tried.has(id))
    if (next === undefined) throw error
    this.#current = next
    this.#failures = mostFailures
  }
}

interface RangeRead {
  readonly content: WantedContent
  readonly tree: ContentTree
  readonly from: PeerId
  readonly range: { readonly first: number; readonly end: number }
}

async function* readRange(
  { content, tree, from, range }: RangeRead,
  context: FetchContext,
): AsyncGenerator<Uint8Array, void> {
  const { id, sizeBytes } = content
  const ending = new AbortController()
  const signal = AbortSignal.any([content.signal, ending.signal])
  const ask = (request: TreeRequest): Promise<Uint8Array> => context.lines.ask(from, request, { signal })
  await tree.load(Math.floor(range.first / groupLeaves), ask)
  await tree.load(Math.floor((range.end - 1) / groupLeaves), ask)
  const pieces = new PieceQueue()
  const question = {
    kind: 'content' as const,
    id,
    start: range.first * leafBytes,
    end: Math.min(sizeBytes, range.end * leafBytes),
  }
  const fetch = (line: FileConnection): Promise<void> =>
    line.fetch(question, (piece) => pieces.add(piece), { signal })
  const fetching = context.streams
    .take(() => context.lines.use(from, fetch, { signal }), signal)
    .then(
      () => pieces.end(undefined),
      (error: unknown) => pieces.end({ error }),
    )
  try {
    for (let chunk = range.first; chunk < range.end; chunk++) {
      const bytes = await pieces.next(signal)
      if (Buffer.compare(hashLeaf(bytes), tree.leaf(chunk) ?? new Uint8Array()) !== 0)
        throw new P2PError('content-corrupt', `${from} gave something else than what was asked for.`)
      context.download.spend(from, bytes.length, monotonicMs())
      await bandwidthTurn(context.download, from, signal)
      yield bytes
    }
  } finally {
    ending.abort()
    await fetching
    pieces.clear()
  }
}

/** Pieces that have come and were not taken; as many as there are buffers. */
class PieceQueue {
  readonly #pieces: Piece[] = []
  readonly #pulse = new Pulse()
  #ended: { readonly failure: { readonly error: unknown } | undefined } | undefined

  add(piece: Piece): void {
    this.#pieces.push(piece)
    this.#pulse.wake()
  }

  end(failure: { readonly error: unknown } | undefined): void {
    this.#ended = { failure }
    this.#pulse.wake()
  }

  /** The bytes of the next one, copied. @throws what the end was caused by */
  async next(signal: AbortSignal): Promise<Uint8Array> {
    for (;;) {
      const piece = this.#pieces.shift()
      if (piece !== undefined) {
        const bytes = piece.bytes.slice()
        piece.release()
        return bytes
      }
      signal.throwIfAborted()
      if (this.#ended?.failure !== undefined) throw this.#ended.failure.error
      if (this.#ended !== undefined)
        throw new P2PError('protocol-violation', 'There was less than was asked for.')
      await this.#pulse.wait(1_000, signal)
    }
  }

  clear(): void {
    for (const piece of this.#pieces.splice(0)) piece.release()
  }
}
