import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'

import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { silentLog } from '../../base/log.ts'
import { fileIdOf, leavesOfContent } from '../../files/hash-tree.ts'
import { leafBytes, leavesOf } from '../../protocol/file-id.ts'
import { encodeAvailability } from '../../protocol/file-messages.ts'
import type { ContentQuestion, FileQuestion } from '../../protocol/file-request.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import { Bandwidth } from '../../rules/bandwidth.ts'
import { addChunk, countChunks, emptyChunks, hasChunk } from '../../rules/chunk-map.ts'
import type { FetchOptions, FileConnection, Piece } from '../../transport/files.ts'
import { Grants, Streams, type FetchJob } from './fetch-job.ts'
import { FileFetch } from './file-fetch.ts'
import type { FileLines } from './receiving.ts'

interface Scripted {
  /** Undefined: all of it; nobody: it has not got it. */
  readonly has?: Uint8Array
  readonly fellows?: readonly PeerId[]
  /** What becomes of a chunk on its way. */
  readonly change?: (chunk: Uint8Array) => Uint8Array
  /** Breaks off after so many bytes of each answer. */
  readonly breaksAfter?: number
  /** Gives each piece after this. */
  readonly pieceMs?: number
  /** Fails so. */
  readonly failure?: () => P2PError | undefined
}

function peerOf(number: number): PeerId {
  return `00000000-0000-8000-8000-${number.toString(16).padStart(12, '0')}` as PeerId
}

/** A content, peers that have it, and a fetch of it into memory. */
class World {
  readonly content: Buffer
  readonly leaves: Uint8Array
  readonly out: Buffer
  readonly asked: { readonly id: PeerId; readonly question: FileQuestion | ContentQuestion }[] = []
  readonly arrived: (readonly [number, PeerId | undefined])[] = []
  readonly lost: number[] = []
  readonly peers = new Map<PeerId, Scripted>()
  readonly #kept = new Map<number, Uint8Array>()
  mostAtOnce = 0
  #atOnce = 0

  constructor(sizeBytes: number) {
    this.content = randomBytes(sizeBytes)
    this.leaves = leavesOfContent(this.content)
    this.out = Buffer.alloc(sizeBytes)
  }

  fetch(change: Partial<FetchJob> = {}): FileFetch {
    const job: FetchJob = {
      id: fileIdOf(this.leaves),
      sizeBytes: this.content.length,
      from: peerOf(1),
      output: {
        write: (position, bytes) => {
          this.out.set(bytes, position)
          return Promise.resolve()
        },
        read: (position, into) => Promise.resolve(this.out.copy(into, 0, position, position + into.length)),
      },
      chunks: emptyChunks(leavesOf(this.content.length)),
      isFresh: true,
      isUnsure: false,
      earlier: undefined,
      grants: new Grants(),
      signal: new AbortController().signal,
      observer: {
        arrived: (chunk, from) => void this.arrived.push([chunk, from]),
        lost: (chunk) => void this.lost.push(chunk),
        givers() {},
      },
      ...change,
    }
    return new FileFetch(job, {
      lines: this.#lines(),
      shelf: {
        groups: () => undefined,
        leaves: (_, group) => this.#kept.get(group),
        keep: (_, group, leaves) => void this.#kept.set(group, leaves),
      },
      shares: { shares: () => [], withLeaf: () => [] },
      download: new Bandwidth({ all: Infinity, perPeer: Infinity }, 8),
      streams: new Streams(limits.transferSources),
      holders: () => [...this.peers.keys()],
      log: silentLog,
    })
  }

  askedFor(kind: string): readonly PeerId[] {
    return [...new Set(this.asked.filter(({ question }) => question.kind === kind).map(({ id }) => id))]
  }

  #lines(): FileLines {
    return {
      ask: (id, question) => Promise.resolve().then(() => this.#answer(id, question)),
      use: (id, job) => job(this.#connection(id)),
      cut() {},
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  }

  #peer(id: PeerId): Scripted {
    const peer = this.peers.get(id)
    if (peer === undefined) throw new P2PError('peer-unreachable', `${id} is not there`)
    const failure = peer.failure?.()
    if (failure !== undefined) throw failure
    return peer
  }

  #answer(id: PeerId, question: FileQuestion): Uint8Array {
    this.asked.push({ id, question })
    const { has, fellows = [] } = this.#peer(id)
    if (question.kind === 'tree') return this.leaves
    return encodeAvailability({
      sizeBytes: this.content.length,
      chunks: has ?? new Uint8Array(),
      complete: has === undefined,
      fellows,
      open: true,
    })
  }

  #connection(id: PeerId): FileConnection {
    return {
      peerId: id,
      closed: Promise.resolve(),
      ask: (question) => Promise.resolve(this.#answer(id, question)),
      fetch: async (question, take, options) => {
        this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce)
        try {
          await this.#send(id, question, take, options)
        } finally {
          this.#atOnce--
        }
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  }

  async #send(
    id: PeerId,
    question: ContentQuestion,
    take: (piece: Piece) => void,
    { signal, begun }: FetchOptions = {},
  ): Promise<void> {
    this.asked.push({ id, question })
    const { has, change = (chunk) => chunk, pieceMs = 0 } = this.#peer(id)
    assert.ok(question.kind === 'content')
    for (let at = question.start; at < question.end; at += leafBytes) {
      const { breaksAfter = Infinity } = this.#peer(id)
      if (at + leafBytes - question.start > breaksAfter && question.end - question.start > breaksAfter) {
        begun?.(change(Uint8Array.from(this.content.subarray(at, question.start + breaksAfter))))
        throw new P2PError('peer-unreachable', 'It hung up.')
      }
      await new Promise((resolve) => setTimeout(resolve, pieceMs))
      signal?.throwIfAborted()
      assert.ok(has === undefined || hasChunk(has, Math.floor(at / leafBytes)), 'asked for what it has not')
      this.#peer(id)
      const chunk = Uint8Array.from(this.content.subarray(at, Math.min(at + leafBytes, question.end)))
      take({ bytes: change(chunk), release() {} })
    }
  }
}

const mebibyte = 1024 * 1024

function withAnotherStart(bytes: Uint8Array): Uint8Array {
  return bytes.fill((bytes[0] ?? 0) ^ 1, 0, 1)
}

test('after a new start of the machine, what was there is hashed again, and only what is missing is fetched', async () => {
  const world = new World(6 * mebibyte)
  world.peers.set(peerOf(1), {})
  const chunks = emptyChunks(6)
  for (const chunk of [0, 1, 4]) {
    addChunk(chunks, chunk)
    world.out.set(world.content.subarray(chunk * leafBytes, (chunk + 1) * leafBytes), chunk * leafBytes)
  }
  // It was said to be there, and never reached the disk.
  world.out.fill(0, mebibyte, 2 * mebibyte)
  await world.fetch({ chunks, isFresh: false, isUnsure: true }).run()
  assert.ok(world.out.equals(world.content))
  assert.deepEqual(world.lost, [1])
  assert.deepEqual(
    world.arrived.map(([chunk]) => chunk).toSorted((a, b) => a - b),
    [1, 2, 3, 5],
  )
  assert.equal(countChunks(chunks), 6)
})

test('twin: believed without a look, the hole would be taken for the content', async () => {
  const world = new World(6 * mebibyte)
  world.peers.set(peerOf(1), {})
  const chunks = emptyChunks(6)
  addChunk(chunks, 1)
  await world.fetch({ chunks, isFresh: false, isUnsure: false }).run()
  assert.equal(world.out.equals(world.content), false)
})

test('what was left half-written in a part is written again', async () => {
  const world = new World(4 * mebibyte)
  world.peers.set(peerOf(1), {})
  world.out.fill(7)
  await world.fetch({ isFresh: false }).run()
  assert.ok(world.out.equals(world.content))
})

test('F6: who names fellows that have nothing does not make us ask them over and over', async () => {
  const world = new World(16 * mebibyte)
  const fellows = Array.from({ length: limits.fellows }, (_, number) => peerOf(100 + number))
  world.peers.set(peerOf(1), { fellows, pieceMs: 300 })
  await world.fetch().run()
  const questions = world.asked.filter(({ id }) => fellows.includes(id)).length
  const rounds = world.asked.filter(({ question }) => question.kind === 'availability').length - questions
  assert.ok(rounds >= 6, 'they were named again and again')
  assert.ok(questions <= 5 * fellows.length, `${questions} questions`)
})

test('fellows that a source names give too, and theirs in turn', async () => {
  const world = new World(20 * mebibyte)
  const half = emptyChunks(20)
  for (let chunk = 0; chunk < 10; chunk++) addChunk(half, chunk)
  world.peers.set(peerOf(1), { fellows: [peerOf(2)], pieceMs: 20 })
  world.peers.set(peerOf(2), { has: half, fellows: [peerOf(3)], pieceMs: 20 })
  world.peers.set(peerOf(3), { pieceMs: 20 })
  await world.fetch().run()
  assert.ok(world.out.equals(world.content))
  assert.deepEqual(world.askedFor('content').toSorted(), [peerOf(1), peerOf(2), peerOf(3)])
})

test('at most so many sources, whoever names how many', async () => {
  const world = new World(24 * mebibyte)
  const all = Array.from({ length: 32 }, (_, index) => peerOf(index + 2))
  for (const id of all) world.peers.set(id, { pieceMs: 5 })
  world.peers.set(peerOf(1), { fellows: all, pieceMs: 50 })
  await world.fetch().run()
  assert.ok(world.out.equals(world.content))
  assert.ok(world.mostAtOnce <= limits.transferSources)
  assert.equal(world.askedFor('content').length, limits.transferSources)
})

test('when the source is gone, others are asked whether they have it, but not everybody', async () => {
  const world = new World(4 * mebibyte)
  for (let number = 2; number < 200; number++)
    world.peers.set(peerOf(number), { failure: () => new P2PError('file-unknown', 'it has not got it') })
  await assert.rejects(world.fetch().run(), { code: 'peer-unreachable' })
  assert.equal(world.askedFor('availability').length, limits.askedHolders)
  world.peers.clear()
  world.peers.set(peerOf(9), {})
  await world.fetch().run()
  assert.ok(world.out.equals(world.content))
})

test('a source that fails some times is asked again, one that fails always is given up', async () => {
  const world = new World(4 * mebibyte)
  let failures = 2
  const broken = new P2PError('peer-unreachable', 'it broke off')
  world.peers.set(peerOf(1), { failure: () => (failures-- > 0 ? broken : undefined) })
  await world.fetch().run()
  assert.ok(world.out.equals(world.content))
  world.peers.set(peerOf(1), { failure: () => broken })
  await assert.rejects(world.fetch({ chunks: emptyChunks(4) }).run(), { code: 'peer-unreachable' })
})

test('a peer that nobody has it of says so, and one with wrong chunks is told apart', async () => {
  const world = new World(4 * mebibyte)
  world.peers.set(peerOf(1), { failure: () => new P2PError('file-unknown', 'not for you') })
  await assert.rejects(world.fetch().run(), { code: 'file-unknown' })
  world.peers.set(peerOf(1), { change: (chunk) => chunk.with(5, chunk[5]! ^ 1) })
  await assert.rejects(world.fetch().run(), { code: 'content-corrupt' })
  world.peers.set(peerOf(1), { change: (chunk) => chunk.subarray(1) })
  await assert.rejects(world.fetch().run(), { code: 'content-corrupt' })
  assert.deepEqual(world.arrived, [])
})

test('an output that fails ends the fetch with what it failed with', async () => {
  const world = new World(4 * mebibyte)
  world.peers.set(peerOf(1), {})
  const full = new P2PError('disk-full', 'no room')
  const output = { write: () => Promise.reject(full), read: () => Promise.resolve(0) }
  await assert.rejects(world.fetch({ output }).run(), full)
})

test('a fetch that is given up ends at once with the reason', async () => {
  const world = new World(8 * mebibyte)
  world.peers.set(peerOf(1), { pieceMs: 20 })
  const giveUp = new AbortController()
  const running = world.fetch({ signal: giveUp.signal }).run()
  setTimeout(() => giveUp.abort(new Error('enough')), 50)
  await assert.rejects(running, /enough/)
  const written = world.arrived.length
  await new Promise((resolve) => setTimeout(resolve, 60))
  assert.equal(world.arrived.length, written)
})

test('a source that breaks off in every chunk is asked for the rest of each, and nothing comes twice', async () => {
  const world = new World(3 * mebibyte + 100)
  world.peers.set(peerOf(1), { breaksAfter: 300_000 })
  await world.fetch().run()
  assert.ok(world.out.equals(world.content))
  const starts = world.asked.flatMap(({ question }) => (question.kind === 'content' ? [question.start] : []))
  assert.equal(new Set(starts).size, starts.length, 'nothing is asked for twice')
  assert.equal(starts.length, 3 * 4 + 1)
})

test('who gives something wrong before it breaks off is found out with the rest, and others complete it', async () => {
  const world = new World(3 * mebibyte)
  world.peers.set(peerOf(1), { breaksAfter: 700_000, change: withAnotherStart })
  world.peers.set(peerOf(2), {})
  await world.fetch().run()
  assert.ok(world.out.equals(world.content))
  const asked = world.asked.filter(({ id, question }) => id === peerOf(1) && question.kind === 'content')
  assert.equal(asked.length, 2)
})

test('of sources that break off, only a few beginnings are kept', async () => {
  const world = new World(40 * mebibyte)
  const sources = Array.from({ length: 8 }, (_, number) => peerOf(number + 1))
  for (const id of sources) world.peers.set(id, { breaksAfter: 700_000, fellows: sources, pieceMs: 50 })
  await world.fetch().run()
  assert.ok(world.out.equals(world.content))
  const began = world.asked.filter(
    ({ question }) => question.kind === 'content' && question.start % leafBytes === 0,
  )
  assert.ok(began.length > 40, 'some began anew')
})
