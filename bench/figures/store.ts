/** The store of messages, next to SQLite that stores the same rows in batches and does nothing else. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { messageIdToBytes } from '../../src/protocol/message-id.ts'
import { newMessageId } from '../../src/store/message-id.ts'
import { openMessageStore, type MessageStore, type NewMessage } from '../../src/store/message-store.ts'
import { peer } from '../../test/store/pins.ts'
import { inTurn, type Figure, type Measurement } from '../figure.ts'
import { openWorker } from '../worker.ts'

const runs = 5
/** Messages of one tick, as a busy session brings them. */
const batch = 200
const addedPerRun = 40_000
export const historyMessages = 1_000_000
const peers = Array.from({ length: 20 }, (_, number) => peer(number).id)
/** Few words are frequent and many are rare, as in what people say. */
const words = Array.from(
  { length: 20_000 },
  (_, number) => `${number.toString(36)}w${(number * 7919) % 1000}`,
)

function text(number: number): string {
  const wordAt = (at: number) =>
    words[Math.floor((((number * 7919 + at * 104_729) % 1009) / 1009) ** 3 * words.length)]
  return Array.from({ length: 8 }, (_, at) => wordAt(at)).join(' ')
}

/** Message `number` of a history in which the first `among` peers talk in turn. */
function messageAt(number: number, among: number): NewMessage {
  const peerId = peers[number % among]
  if (peerId === undefined) throw new Error('there are no peers')
  const sentAtMs = 1_700_000_000_000 + number
  return {
    id: newMessageId(sentAtMs),
    peerId,
    incoming: number % 3 === 0,
    place: number + 1,
    after: 0,
    text: text(number),
    sentAtMs,
  }
}

interface Span {
  readonly from: number
  readonly to: number
  /** Peers that talk. */
  readonly among: number
}

/** Stores messages, a tick at a time. @returns how many a second */
async function addRate(store: MessageStore, { from, to, among }: Span): Promise<number> {
  let tookMs = 0
  for (let at = from; at < to; at += batch) {
    const messages = Array.from({ length: batch }, (_, index) => messageAt(at + index, among))
    const startedAt = performance.now()
    await store.add(messages)
    tookMs += performance.now() - startedAt
  }
  return ((to - from) / tookMs) * 1000
}

/** The same rows in the same batches, each as durable, in a table of their own without an index. */
function bareRate(database: DatabaseSync, { from, to, among }: Span): number {
  const insert = database.prepare('INSERT INTO messages VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)')
  let tookMs = 0
  for (let at = from; at < to; at += batch) {
    const messages = Array.from({ length: batch }, (_, index) => messageAt(at + index, among))
    const startedAt = performance.now()
    database.exec('BEGIN IMMEDIATE')
    for (const { id, incoming, place, after, sentAtMs, text: said } of messages)
      insert.run(
        messageIdToBytes(id),
        place % peers.length,
        incoming ? 1 : 0,
        place,
        after,
        sentAtMs,
        sentAtMs,
        said,
      )
    database.exec('COMMIT')
    tookMs += performance.now() - startedAt
  }
  return ((to - from) / tookMs) * 1000
}

function openBare(path: string): DatabaseSync {
  const database = new DatabaseSync(path)
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE messages (
      row INTEGER PRIMARY KEY, id BLOB, conversation INTEGER, author INTEGER, place INTEGER, after_place INTEGER,
      sent_at_ms INTEGER, stored_at_ms INTEGER, text TEXT
    ) STRICT`)
  return database
}

function next(spans: Iterator<Span>): Span {
  const { value, done } = spans.next()
  if (done === true) throw new Error('there are fewer messages than runs')
  return value
}

function inFolder(): Disposable & { file(name: string): string } {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-bench-store-'))
  return {
    file: (name) => join(folder, name),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}

export const storeAdd: Figure = {
  name: 'store-add',
  about: 'messages stored durably a second, next to SQLite that stores the same rows in the same batches',
  async measure() {
    using folder = inFolder()
    await using store = await openMessageStore({ path: folder.file('messages.db') })
    using bare = openBare(folder.file('bare.db'))
    const spans = Array.from({ length: runs }, (_, run): Span => {
      return { from: run * addedPerRun, to: (run + 1) * addedPerRun, among: 1 }
    })
    const ours = spans.values()
    const theirs = spans.values()
    const taken = await inTurn(
      runs,
      () => addRate(store, next(ours)),
      async () => bareRate(bare, next(theirs)),
    )
    return [
      {
        name: 'store-add',
        unit: '1/s',
        ...taken,
        targets: [
          { of: 'ratio', is: 'at least', bound: 0.3 },
          { of: 'value', is: 'at least', bound: 10_000 },
        ],
        note: `from and to one peer, in ticks of ${batch}; the baseline has no index at all`,
      },
    ]
  },
}

async function timed(work: () => unknown): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

async function manyTimes(work: (run: number) => Promise<number>): Promise<readonly number[]> {
  const taken: number[] = []
  for (let run = 0; run < runs; run++) taken.push(await work(run))
  return taken
}

function expect(messages: readonly unknown[], count: number): void {
  if (messages.length !== count) throw new Error(`${messages.length} messages were found, not ${count}`)
}

function milliseconds(name: string, ours: readonly number[], bound: number, note: string): Measurement {
  return { name, unit: 'ms', ours, baseline: [], targets: [{ of: 'value', is: 'at most', bound }], note }
}

/** Makes a store of so many messages, with all peers or the first of them. */
export async function fill(
  path: string,
  {
    messages = historyMessages,
    among = peers.length,
  }: { readonly messages?: number; readonly among?: number } = {},
): Promise<void> {
  await using store = await openMessageStore({ path })
  for (let at = 0; at < messages; at += 20_000) {
    await addRate(store, { from: at, to: at + 20_000, among })
    store.history({ search: 'w', limit: 1 })
  }
  for (const peerId of peers) await store.mark(peerId, { delivered: historyMessages })
}

/** Resident memory in MiB of a process that has this store open and does nothing. */
async function residentMiB(path: string): Promise<number> {
  await using holder = await openWorker('ours/store-holder.ts', [path], {
    bundled: true,
    nodeArgs: ['--expose-gc'],
  })
  return await holder.ask<number>('resident')
}

export const storeHistory: Figure = {
  name: 'store-history',
  about: `a store of ${historyMessages} messages: its last page, a search, and its memory next to an empty one`,
  async measure() {
    using folder = inFolder()
    const path = folder.file('messages.db')
    await fill(path)
    const page = await manyTimes((run) =>
      timed(async () => {
        await using store = await openMessageStore({ path })
        expect(store.history({ ...(peers[run] && { peerId: peers[run] }), limit: 50 }), 50)
      }),
    )
    await using store = await openMessageStore({ path })
    const frequent = await manyTimes((run) =>
      timed(() => expect(store.history({ search: words[run] ?? '', limit: 50 }), 50)),
    )
    const within = await manyTimes((run) =>
      timed(() =>
        expect(store.history({ ...(peers[run] && { peerId: peers[run] }), search: '0', limit: 50 }), 50),
      ),
    )
    await store[Symbol.asyncDispose]()
    const memory = await inTurn(
      runs,
      () => residentMiB(path),
      () => residentMiB(folder.file('empty.db')),
    )
    return [
      milliseconds('store-last-page', page, 20, 'the last 50 of one conversation, with opening the file'),
      milliseconds('store-search', frequent, 100, 'the last 50 with a frequent word'),
      milliseconds(
        'store-search-in-one',
        within,
        100,
        'the last 50 of one conversation with a word that begins with 0',
      ),
      { name: 'store-memory', unit: 'MiB', ...memory, targets: [{ of: 'ratio', is: 'at most', bound: 1.2 }] },
    ]
  },
}
