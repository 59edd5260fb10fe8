/** What every FileConnection does, whatever carries it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isP2PError, type ErrorCode } from '../../src/base/errors.ts'
import { limits } from '../../src/base/limits.ts'
import { leafBytes, parseFileId, type FileId } from '../../src/protocol/file-id.ts'
import type { FileQuestion } from '../../src/protocol/file-request.ts'
import type { PeerId } from '../../src/protocol/peer-id.ts'
import type { ContentSource, FileConnection, FileHost, FileReply, Piece } from '../../src/transport/files.ts'
import type { TransportContext } from '../../src/transport/transport.ts'

/** A peer that asks and a peer that answers. */
export interface FilesPair extends AsyncDisposable {
  /** Who asks, and who answers. */
  readonly askerId: PeerId
  readonly hostId: PeerId
  open(signal?: AbortSignal): Promise<FileConnection>
  /** What the host does when the asker may have nothing any more. */
  cut(): void
}

export type MakeFilesPair = (
  files: FileHost,
  host?: Partial<Pick<TransportContext, 'permits' | 'isStopping'>>,
) => Promise<FilesPair>

export function fileId(number: number): FileId {
  const id = parseFileId(`sha256-tree:${number.toString(16).padStart(64, '0')}`)
  if (id === undefined) throw new Error('not a file ID')
  return id
}

/** The byte at a place of every content here: pieces that were swapped or shifted are seen. */
function byteAt(at: number): number {
  return (at % 251) ^ ((at >>> 20) & 0xff)
}

function contentBetween(start: number, end: number): Uint8Array {
  const content = new Uint8Array(end - start)
  fillFrom(start, content)
  return content
}

function fillFrom(start: number, into: Uint8Array): void {
  for (let index = 0; index < into.length; index++) into[index] = byteAt(start + index)
}

export interface SourceOptions {
  /** Bytes that one read gives at most. */
  readonly step?: number
  /** Called before each read with what was read; may wait, and may throw. */
  readonly before?: (readBytes: number) => Promise<void> | void
}

/** A content made up as it is read. */
export class TestSource implements ContentSource {
  reads = 0
  disposals = 0
  readonly #options: SourceOptions
  readonly #start: number
  readonly #end: number
  #at: number

  constructor(start: number, end: number, options: SourceOptions = {}) {
    this.#options = options
    this.#start = start
    this.#end = end
    this.#at = start
  }

  async read(into: Uint8Array): Promise<number> {
    this.reads++
    await this.#options.before?.(this.#at - this.#start)
    const bytes = Math.min(into.length, this.#end - this.#at, this.#options.step ?? Infinity)
    fillFrom(this.#at, into.subarray(0, bytes))
    this.#at += bytes
    return bytes
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.disposals++
    return Promise.resolve()
  }
}

/** A host with one content of `sizeBytes`, whoever asks. */
export function contentHost(
  sizeBytes: number,
  options: SourceOptions = {},
): FileHost & { sources: TestSource[] } {
  const sources: TestSource[] = []
  return {
    sources,
    serve(_, request): Promise<FileReply> {
      if (request.kind !== 'content') return Promise.resolve({ kind: 'refused', status: 404 })
      const { start, end } = request
      if (end > sizeBytes) return Promise.resolve({ kind: 'refused', status: 416, sizeBytes })
      const body = new TestSource(start, end, options)
      sources.push(body)
      return Promise.resolve({ kind: 'content', bodyBytes: end - start, sizeBytes, body })
    },
  }
}

export const availability: FileQuestion = { kind: 'availability', id: fileId(1) }

function messageHost(body: Uint8Array): FileHost {
  return { serve: () => Promise.resolve({ kind: 'message', body }) }
}

/** Fetches and gives back at once. */
export async function fetchAll(
  connection: FileConnection,
  start: number,
  end: number,
): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = []
  await connection.fetch({ kind: 'content', id: fileId(1), start, end }, (piece) => {
    pieces.push(Uint8Array.from(piece.bytes))
    piece.release()
  })
  return pieces
}

export function withCode(...codes: ErrorCode[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(
      codes.some((code) => isP2PError(error, code)),
      String(error),
    )
    return true
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

const wholeBytes = 9 * leafBytes + 4_321

/** Declares the tests of the contract for one kind of transport. */
export function fileConnectionContract(name: string, makePair: MakeFilesPair): void {
  describe(`contract of FileConnection: ${name}`, () => {
    describe('questions', () => {
      test('are answered one after the other, and the host knows who asks for what', async () => {
        const asked: unknown[] = []
        await using pair = await makePair({
          serve(caller, request) {
            asked.push([caller.id, request])
            return Promise.resolve({ kind: 'message', body: Uint8Array.of(asked.length) })
          },
        })
        await using connection = await pair.open()
        assert.equal(connection.peerId, pair.hostId)
        const questions: FileQuestion[] = [
          { kind: 'list', offer: undefined, path: 'photos/ä b', after: '', deep: true },
          { kind: 'find', pattern: '*.jpg', after: 'photos' },
          { kind: 'tree', id: fileId(1), group: 3 },
          { kind: 'availability', id: fileId(2) },
        ]
        for (const [index, question] of questions.entries()) {
          assert.deepEqual([...(await connection.ask(question))], [index + 1])
        }
        assert.deepEqual(
          asked,
          questions.map((question) => [pair.askerId, question]),
        )
      })

      test('have answers of any length up to the limit, and none beyond', async () => {
        for (const bytes of [0, 1, 16_384, 100_000, limits.fileMessageBytes]) {
          const body = contentBetween(0, bytes)
          await using pair = await makePair(messageHost(body))
          await using connection = await pair.open()
          assert.deepEqual(await connection.ask(availability), body)
        }
        await using pair = await makePair(messageHost(new Uint8Array(limits.fileMessageBytes + 1)))
        await using connection = await pair.open()
        await assert.rejects(connection.ask(availability), withCode('protocol-violation'))
        await connection.closed
      })

      test('of hundreds, each gets its own answer', async () => {
        let served = 0
        await using pair = await makePair({
          serve: () => Promise.resolve({ kind: 'message', body: Uint8Array.of(served++ % 256) }),
        })
        await using connection = await pair.open()
        for (let count = 0; count < 500; count++) {
          assert.deepEqual([...(await connection.ask(availability))], [count % 256])
        }
      })

      test('that are refused leave the connection as it was', async () => {
        await using pair = await makePair({
          serve: (_, request) =>
            Promise.resolve(
              request.kind === 'tree'
                ? { kind: 'message', body: Uint8Array.of(7) }
                : { kind: 'refused', status: request.kind === 'list' ? 503 : 404 },
            ),
        })
        await using connection = await pair.open()
        await assert.rejects(connection.ask(availability), withCode('file-unknown'))
        const top: FileQuestion = { kind: 'list', offer: undefined, path: '', after: '', deep: false }
        await assert.rejects(connection.ask(top), withCode('too-many'))
        assert.deepEqual([...(await connection.ask({ kind: 'tree', id: fileId(1), group: undefined }))], [7])
      })

      test('that no file can answer are refused before they leave', async () => {
        await using pair = await makePair(messageHost(Uint8Array.of(1)))
        await using connection = await pair.open()
        const climbing: FileQuestion = {
          kind: 'list',
          offer: undefined,
          path: '../../etc/passwd',
          after: '',
          deep: false,
        }
        await assert.rejects(connection.ask(climbing), withCode('file-unknown'))
        assert.deepEqual([...(await connection.ask(availability))], [1])
      })

      test('two at once are a mistake of the caller', async () => {
        await using pair = await makePair(messageHost(Uint8Array.of(1)))
        await using connection = await pair.open()
        const first = connection.ask(availability)
        await assert.rejects(connection.ask(availability), withCode('internal'))
        assert.deepEqual([...(await first)], [1])
      })
    })

    describe('content', () => {
      test('comes in order, in pieces of one leaf, the last one shorter, from any place', async () => {
        const host = contentHost(wholeBytes)
        await using pair = await makePair(host)
        await using connection = await pair.open()
        const ranges: [number, number][] = [
          [0, wholeBytes],
          [0, 1],
          [leafBytes - 1, leafBytes + 1],
          [3 * leafBytes, 5 * leafBytes],
          [wholeBytes - 1, wholeBytes],
        ]
        for (const [start, end] of ranges) {
          const pieces = await fetchAll(connection, start, end)
          const lengths = pieces.map((piece) => piece.length)
          assert.ok(lengths.slice(0, -1).every((length) => length === leafBytes))
          assert.ok(Buffer.concat(pieces).equals(contentBetween(start, end)), `${start}-${end}`)
        }
        await until(() => host.sources.every(({ disposals }) => disposals === 1))
      })

      test('comes the same from a source that gives little at a time', async () => {
        await using pair = await makePair(contentHost(2 * leafBytes + 1, { step: 100_003 }))
        await using connection = await pair.open()
        const pieces = await fetchAll(connection, 0, 2 * leafBytes + 1)
        assert.deepEqual(
          pieces.map((piece) => piece.length),
          [leafBytes, leafBytes, 1],
        )
        assert.ok(Buffer.concat(pieces).equals(contentBetween(0, 2 * leafBytes + 1)))
      })

      test('of a pack is a stream of its own', async () => {
        const ids = [fileId(1), fileId(2)]
        const asked: unknown[] = []
        await using pair = await makePair({
          serve(_, request) {
            asked.push(request)
            const body = new TestSource(0, 5_000)
            return Promise.resolve({ kind: 'content', bodyBytes: 5_000, sizeBytes: undefined, body })
          },
        })
        await using connection = await pair.open()
        const pieces: Uint8Array[] = []
        for (let round = 0; round < 3; round++) {
          await connection.fetch({ kind: 'pack', ids }, (piece) => {
            pieces.push(Uint8Array.from(piece.bytes))
            piece.release()
          })
        }
        assert.deepEqual(
          pieces,
          [0, 1, 2].map(() => contentBetween(0, 5_000)),
        )
        assert.deepEqual(
          asked,
          [0, 1, 2].map(() => ({ kind: 'pack', ids })),
        )
      })

      test('is read no further than there is room, until pieces are given back', async () => {
        await using pair = await makePair(contentHost(12 * leafBytes))
        await using connection = await pair.open()
        const pieces: Piece[] = []
        const fetching = connection.fetch(
          { kind: 'content', id: fileId(1), start: 0, end: 12 * leafBytes },
          (piece) => pieces.push(piece),
        )
        await delay(300)
        const held = pieces.length
        assert.ok(held > 0 && held <= limits.filePieces, `${held} pieces`)
        let at = 0
        const check = (): void => {
          for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
            assert.ok(
              Buffer.from(piece.bytes).equals(contentBetween(at, at + piece.bytes.length)),
              `at ${at}`,
            )
            at += piece.bytes.length
            piece.release()
            piece.release()
          }
        }
        const timer = setInterval(check, 1)
        await fetching
        clearInterval(timer)
        check()
        assert.equal(at, 12 * leafBytes)
      })

      test('may be asked for again before the pieces of the last one are given back', async () => {
        await using pair = await makePair(contentHost(leafBytes))
        await using connection = await pair.open()
        const held: Piece[] = []
        const take = (piece: Piece): void => {
          held.push(piece)
          setTimeout(() => held.shift()?.release(), 50)
        }
        for (let round = 0; round < 8; round++) {
          await connection.fetch({ kind: 'content', id: fileId(1), start: 0, end: leafBytes }, take)
        }
        await until(() => held.length === 0)
      })

      test('that is not there, or not so long, leaves the connection as it was', async () => {
        await using pair = await makePair(contentHost(1_000))
        await using connection = await pair.open()
        await assert.rejects(fetchAll(connection, 999, 1_001), withCode('file-unknown'))
        const pack = { kind: 'pack', ids: [fileId(1)] } as const
        await assert.rejects(
          connection.fetch(pack, () => {}),
          withCode('file-unknown'),
        )
        assert.deepEqual(await fetchAll(connection, 0, 1_000), [contentBetween(0, 1_000)])
      })

      test('F3: whose source fails is cut off, and no short piece is handed over', async () => {
        const host = contentHost(wholeBytes, {
          step: 500_000,
          before: (readBytes) => {
            if (readBytes >= 2_500_000) throw new Error('the file has changed')
          },
        })
        await using pair = await makePair(host)
        await using connection = await pair.open()
        const lengths: number[] = []
        const fetching = connection.fetch(
          { kind: 'content', id: fileId(1), start: 0, end: wholeBytes },
          (piece) => {
            lengths.push(piece.bytes.length)
            piece.release()
          },
        )
        await assert.rejects(fetching, withCode('peer-unreachable'))
        assert.ok(lengths.length <= 2 && lengths.every((length) => length === leafBytes))
        await connection.closed
        await until(() => host.sources.every(({ disposals }) => disposals === 1))
      })

      test('whose taker throws ends with what it threw', async () => {
        await using pair = await makePair(contentHost(wholeBytes))
        await using connection = await pair.open()
        const thrown = new Error('no more')
        const fetching = connection.fetch(
          { kind: 'content', id: fileId(1), start: 0, end: wholeBytes },
          () => {
            throw thrown
          },
        )
        await assert.rejects(fetching, thrown)
        await connection.closed
      })
    })

    describe('the end', () => {
      test('comes at once when a caller aborts, before, at the start and in the middle', async () => {
        const reason = new Error('not wanted')
        const host = contentHost(12 * leafBytes)
        await using pair = await makePair(host)
        await assert.rejects(pair.open(AbortSignal.abort(reason)), reason)
        await using unused = await pair.open()
        await assert.rejects(unused.ask(availability, { signal: AbortSignal.abort(reason) }), reason)
        for (const last of [0, 3]) {
          await using connection = await pair.open()
          const abort = new AbortController()
          const request = { kind: 'content', id: fileId(1), start: 0, end: 12 * leafBytes } as const
          let pieces = 0
          const take = (piece: Piece): void => {
            piece.release()
            if (++pieces === last) abort.abort(reason)
          }
          const fetching = connection.fetch(request, take, { signal: abort.signal })
          if (last === 0) abort.abort(reason)
          await assert.rejects(fetching, reason)
          await connection.closed
          assert.ok(pieces <= last)
          await assert.rejects(connection.ask(availability), withCode('peer-unreachable'))
        }
        await until(() => host.sources.every(({ disposals }) => disposals === 1))
      })

      test('by disposal fails what is under way, and may be said twice', async () => {
        await using pair = await makePair({ serve: () => new Promise(() => {}) })
        const connection = await pair.open()
        const asking = assert.rejects(connection.ask(availability), withCode('peer-unreachable'))
        await delay(20)
        await connection[Symbol.asyncDispose]()
        await connection[Symbol.asyncDispose]()
        await asking
        await connection.closed
      })

      test('by the host, in the middle of an answer and between two, is told', async () => {
        const waiting = Promise.withResolvers<void>()
        const host = contentHost(wholeBytes, {
          before: (readBytes) => (readBytes > 0 ? waiting.promise : undefined),
        })
        await using pair = await makePair(host)
        await using busy = await pair.open()
        await using idle = await pair.open()
        await assert.rejects(idle.ask(availability), withCode('file-unknown'))
        const fetching = assert.rejects(fetchAll(busy, 0, wholeBytes), withCode('peer-unreachable'))
        await until(() => (host.sources[0]?.reads ?? 0) > 1)
        pair.cut()
        await Promise.all([fetching, busy.closed, idle.closed])
        await assert.rejects(idle.ask(availability), withCode('peer-unreachable'))
        waiting.resolve()
        await until(() => host.sources.every(({ disposals }) => disposals === 1))
        // Who is let in again may come again.
        await using next = await pair.open()
        await assert.rejects(next.ask(availability), withCode('file-unknown'))
      })
    })

    describe('who is served', () => {
      test('policy and trust are asked for every request', async () => {
        let isAllowed = true
        const asked: string[] = []
        let served = 0
        await using pair = await makePair(
          {
            serve() {
              served++
              return Promise.resolve({ kind: 'message', body: new Uint8Array() })
            },
          },
          {
            permits({ id }, purpose) {
              asked.push(`${id} ${purpose}`)
              return isAllowed
            },
          },
        )
        await using connection = await pair.open()
        await connection.ask(availability)
        isAllowed = false
        await assert.rejects(connection.ask(availability), withCode('peer-refused'))
        assert.deepEqual(
          asked,
          [1, 2].map(() => `${pair.askerId} files`),
        )
        assert.equal(served, 1)
      })

      test('F6: a peer has so many busy connections at once, and another one gets too-many', async () => {
        const waiting = Promise.withResolvers<void>()
        await using pair = await makePair({
          async serve() {
            await waiting.promise
            return { kind: 'message', body: Uint8Array.of(1) }
          },
        })
        const connections = await Promise.all(
          Array.from({ length: limits.fileConnectionsPerPeer }, () => pair.open()),
        )
        const asking = connections.map((connection) => connection.ask(availability))
        await delay(50)
        await using more = await pair.open()
        await assert.rejects(more.ask(availability), withCode('too-many'))
        waiting.resolve()
        for (const answer of await Promise.all(asking)) assert.deepEqual([...answer], [1])
        for (const connection of connections) await connection[Symbol.asyncDispose]()
      })

      test('a node that stops serves nobody', async () => {
        await using pair = await makePair(messageHost(new Uint8Array()), { isStopping: () => true })
        await using connection = await pair.open()
        await assert.rejects(connection.ask(availability), withCode('too-many'))
      })
    })
  })
}

/** Waits until `condition` holds; fails after 5 s. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within 5 s: ${condition.toString()}`)
    await delay(5)
  }
}
