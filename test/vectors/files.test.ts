/** What another implementation made of section 9 of docs/protocol.md (files.json, written by files.py). */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { fileIdOf, groupsOf, hashLeaf, rootOf } from '../../src/files/hash-tree.ts'
import {
  fileIdFromRoot,
  groupLeaves,
  hashBytes,
  leafBytes,
  leavesOf,
  type FileId,
} from '../../src/protocol/file-id.ts'
import {
  decodeAvailability,
  decodeFileList,
  decodeOffer,
  decodeOfferAnswer,
  encodeAvailability,
  encodeFileList,
  encodeOffer,
  encodeOfferAnswer,
  type Availability,
  type FileList,
  type Offer,
  type OfferAnswer,
} from '../../src/protocol/file-messages.ts'
import { encodeRequest, parseRequest, type FileRequest } from '../../src/protocol/file-request.ts'
import { messageIdFromBytes } from '../../src/protocol/message-id.ts'
import { decodeMessage, encodeMessage, type MessageContent } from '../../src/protocol/message.ts'
import { decodePackTable, encodePackTable } from '../../src/protocol/pack.ts'

interface HttpVector {
  readonly target: string
  readonly range: string | null
}

interface Vectors {
  readonly trees: readonly {
    readonly size: number
    readonly id: FileId
    readonly groups: readonly string[]
    readonly lastLeaf: string
  }[]
  readonly requests: readonly (HttpVector & {
    readonly request: FileRequest
    readonly method: 'GET' | 'POST'
    readonly body: string | null
  })[]
  readonly refused: readonly (HttpVector & { readonly status: number })[]
  readonly fileLists: readonly { readonly list: FileList; readonly bytes: string }[]
  readonly availabilities: readonly {
    readonly availability: Omit<Availability, 'chunks'> & { readonly chunks: string }
    readonly bytes: string
  }[]
  readonly offers: readonly { readonly offer: Offer; readonly bytes: string; readonly message: string }[]
  readonly answers: readonly { readonly answer: OfferAnswer; readonly bytes: string; readonly message: string }[]
  readonly packs: readonly { readonly sizes: readonly (number | undefined)[]; readonly table: string }[]
}

const written = readFileSync(new URL('files.json', import.meta.url), 'utf8')
const vectors = JSON.parse(written, (_key, value: unknown) => value ?? undefined) as Vectors
/** JSON has null for what is undefined here; a reviver cannot put that in, only leave it out. */
const full = <Value extends object>(value: Value, keys: readonly string[]): Value =>
  Object.assign(Object.fromEntries(keys.map((key) => [key, undefined])), value)

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))
const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex')

/** Hashes of the leaves of the content whose byte i is i modulo 251: there are few different ones. */
const pattern = Uint8Array.from({ length: leafBytes + 251 }, (_, at) => at % 251)
const known = new Map<string, Uint8Array>()
function leafHash(start: number, length: number): Uint8Array {
  const key = `${start % 251} ${length}`
  const hash = known.get(key) ?? hashLeaf(pattern.subarray(start % 251, (start % 251) + length))
  known.set(key, hash)
  return hash
}

function leavesOfPattern(size: number): Uint8Array {
  const leaves = new Uint8Array(leavesOf(size) * hashBytes)
  for (let at = 0; at < leavesOf(size); at++) {
    const start = at * leafBytes
    leaves.set(leafHash(start, Math.min(leafBytes, size - start)), at * hashBytes)
  }
  return leaves
}

test('contents of these sizes have these trees, from nothing to several groups', () => {
  assert.ok(vectors.trees.some(({ size }) => size === groupLeaves * leafBytes))
  for (const { size, id, groups, lastLeaf } of vectors.trees) {
    const leaves = leavesOfPattern(size)
    assert.equal(fileIdOf(leaves), id, `${size}`)
    assert.deepEqual(hex(groupsOf(leaves)), groups.join(''))
    assert.equal(fileIdFromRoot(rootOf(groupsOf(leaves))), id)
    assert.equal(hex(leaves.subarray(-hashBytes)), lastLeaf)
  }
})

test('requests are written like this, and read like that', () => {
  for (const { request, method, target, range, body } of vectors.requests) {
    const asked = full(request, request.kind === 'list' ? ['offer'] : request.kind === 'tree' ? ['group'] : [])
    const http = { method, target, range: range ?? undefined, body: body == null ? undefined : bytes(body) }
    assert.deepEqual(encodeRequest(asked), http)
    assert.deepEqual(parseRequest(http), { ...asked })
  }
})

test('F1, F4: these are no requests', () => {
  for (const { target, range, status } of vectors.refused) {
    const parsed = parseRequest({ method: 'GET', target, range: range ?? undefined, body: undefined })
    assert.deepEqual(parsed, { kind: 'refused', status }, `${target} ${range}`)
  }
})

test('lists, availability, offers and answers have these bytes', () => {
  for (const vector of vectors.fileLists) {
    const list = { ...vector.list, entries: vector.list.entries.map((entry) => full(entry, ['id'])) }
    assert.equal(hex(encodeFileList(list)), vector.bytes)
    assert.deepEqual(decodeFileList(bytes(vector.bytes)), list)
  }
  for (const vector of vectors.availabilities) {
    const availability = { ...vector.availability, chunks: bytes(vector.availability.chunks) }
    assert.equal(hex(encodeAvailability(availability)), vector.bytes)
    assert.deepEqual(decodeAvailability(bytes(vector.bytes)), availability)
  }
  for (const vector of vectors.offers) {
    const offer = { ...vector.offer, entries: vector.offer.entries.map((entry) => full(entry, ['id'])) }
    assert.equal(hex(encodeOffer(offer)), vector.bytes)
    assert.deepEqual(decodeOffer(bytes(vector.bytes)), offer)
    assertMessage(vector.message, 7, { kind: 'offer', bytes: bytes(vector.bytes) })
  }
  for (const vector of vectors.answers) {
    assert.equal(hex(encodeOfferAnswer(vector.answer)), vector.bytes)
    assert.deepEqual(decodeOfferAnswer(bytes(vector.bytes)), vector.answer)
    assertMessage(vector.message, 8, { kind: 'answer', bytes: bytes(vector.bytes) })
  }
})

function assertMessage(frame: string, place: number, content: MessageContent): void {
  const id = messageIdFromBytes(Uint8Array.from({ length: 16 }, (_, at) => at))!
  const message = { text: '', sentAt: undefined, delivery: { id, place, after: 0, part: 0, parts: 1 }, content }
  assert.equal(hex(encodeMessage(message)), frame)
  assert.deepEqual(decodeMessage(bytes(frame)), message)
}

test('a pack begins with this table', () => {
  for (const { sizes, table } of vectors.packs) {
    const given = Array.from(sizes, (size) => size ?? undefined)
    assert.equal(hex(encodePackTable(given)), table)
    assert.deepEqual(decodePackTable(bytes(table)), given)
  }
})

const python = spawnSync('python3', ['--version'])
test(
  'the other implementation still makes the same of the page',
  { skip: python.status === 0 ? false : 'no python3 here' },
  () => {
    const script = fileURLToPath(new URL('files.py', import.meta.url))
    const { stdout } = spawnSync('python3', [script, '--print'], { encoding: 'utf8' })
    assert.equal(stdout, written)
  },
)
