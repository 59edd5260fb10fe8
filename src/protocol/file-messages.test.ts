import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'

import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { fileIdFromRoot, hashBytes } from './file-id.ts'
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
  type Offer,
  type OfferEntry,
  type SharedEntry,
} from './file-messages.ts'
import { AvailabilitySchema, FileListSchema, OfferAnswerSchema, OfferSchema } from './generated/p2p_pb.ts'
import { parseOfferId } from './offer-id.ts'
import { parsePeerId } from './peer-id.ts'

const id = fileIdFromRoot(new Uint8Array(hashBytes).fill(0xab))!
const root = new Uint8Array(hashBytes).fill(0xab)
const offerId = parseOfferId('0123456789abcdef0123456789abcdef')!
const offerIdBytes = Uint8Array.from(Buffer.from(offerId, 'hex'))
const fellow = parsePeerId('01234567-89ab-8def-8123-456789abcdef')!

const file: SharedEntry = {
  path: 'photos/é.jpg',
  kind: 'file',
  sizeBytes: 5,
  modifiedAtMs: 1_795_334_643_204,
  id,
}
const folder: SharedEntry = { path: 'photos', kind: 'folder', sizeBytes: 0, modifiedAtMs: 0, id: undefined }
const has: Availability = {
  sizeBytes: 9 * 2 ** 20,
  chunks: Uint8Array.of(0xff, 1),
  complete: false,
  fellows: [fellow],
  open: true,
}
const offered: OfferEntry = { name: 'a.jpg', kind: 'file', sizeBytes: 5, files: 1, id }

/** A list or an offer as the library writes it, with one entry. */
const listOf = (entry: object, next = ''): Uint8Array =>
  toBinary(FileListSchema, create(FileListSchema, { entries: [entry], next }))
const offerOf = (...entries: readonly object[]): Uint8Array =>
  toBinary(OfferSchema, create(OfferSchema, { id: offerIdBytes, entries: [...entries] }))

const availabilityOf = (init: object): Uint8Array =>
  toBinary(AvailabilitySchema, create(AvailabilitySchema, init))
const answerOf = (init: object): Uint8Array => toBinary(OfferAnswerSchema, create(OfferAnswerSchema, init))

const names = (count: number, pad: string): OfferEntry[] =>
  Array.from({ length: count }, (_, at) => ({ ...offered, name: `${at}${pad}` }))
const offerOfNames = (entries: readonly OfferEntry[]): Uint8Array =>
  offerOf(...entries.map(({ name }) => ({ name, files: 1n })))

test('a list comes back as it was, and an empty one is no bytes', () => {
  const list = { entries: [folder, file], next: 'photos/é.jpg' }
  assert.deepEqual(decodeFileList(encodeFileList(list)), list)
  assert.equal(encodeFileList({ entries: [], next: '' }).length, 0)
  assert.deepEqual(decodeFileList(new Uint8Array()), { entries: [], next: '' })
})

test('times that cannot be told become 0, and entries that no peer would take are left out', () => {
  const entries = [-1, 1.5, 2 ** 53, NaN, Infinity].map((at) => Object.assign({}, file, { modifiedAtMs: at }))
  const odd = [
    { ...file, path: 'x'.repeat(limits.fileNameBytes + 1) },
    { ...file, path: `${'a/'.repeat(limits.filePathBytes / 2)}a` },
    { ...file, sizeBytes: limits.fileBytes + 1 },
  ]
  const told = decodeFileList(encodeFileList({ entries: [...entries, ...odd], next: '' }))
  assert.deepEqual(
    told?.entries.map(({ modifiedAtMs }) => modifiedAtMs),
    [0, 1, 0, 0, 0],
  )
})

test('a page that is too long is cut, and goes on behind the last entry that it has', () => {
  const short = Array.from({ length: limits.listEntries + 1 }, (_, at) => ({ ...file, path: `${at}` }))
  const long = short.map(({ path }) => ({ ...file, path: `${'n'.repeat(255)}/`.repeat(15) + path }))
  for (const entries of [short, long]) {
    const bytes = encodeFileList({ entries, next: 'somewhere' })
    const page = decodeFileList(bytes)
    assert.ok(page && page.entries.length > 0 && bytes.length <= limits.fileMessageBytes)
    assert.equal(page.next, page.entries.at(-1)?.path)
    assert.deepEqual(page.entries, entries.slice(0, page.entries.length))
  }
  const whole = decodeFileList(encodeFileList({ entries: short.slice(1), next: 'somewhere' }))
  const unaskable = encodeFileList({ entries: [file], next: 'x/'.repeat(limits.filePathBytes) })
  assert.equal(decodeFileList(unaskable)?.next, file.path)
  assert.equal(whole?.entries.length, limits.listEntries)
  assert.equal(whole.next, 'somewhere')
})

test('F10: a list with sizes, names or hashes that cannot be is refused', () => {
  const right = { path: 'a', size: 1n, modifiedAtMs: 1n, root }
  assert.ok(decodeFileList(listOf(right)))
  const wrong = [
    { ...right, size: BigInt(limits.fileBytes) + 1n },
    { ...right, size: 2n ** 53n + 1n },
    { ...right, size: 2n ** 64n - 1n },
    { ...right, folder: true, root: new Uint8Array(), size: 2n ** 53n },
    { ...right, modifiedAtMs: 2n ** 53n },
    { ...right, path: 'x'.repeat(limits.fileNameBytes + 1) },
    { ...right, path: `${'a/'.repeat(limits.filePathBytes / 2)}a` },
    { ...right, root: root.subarray(1) },
    { ...right, folder: true },
  ]
  for (const entry of wrong) assert.equal(decodeFileList(listOf(entry)), undefined)
  assert.equal(decodeFileList(listOf(right, 'x'.repeat(limits.filePathBytes + 1))), undefined)
  const many = Array.from({ length: limits.listEntries + 1 }, () => right)
  assert.equal(decodeFileList(toBinary(FileListSchema, create(FileListSchema, { entries: many }))), undefined)
  assert.equal(decodeFileList(new Uint8Array(limits.fileMessageBytes + 1)), undefined)
})

test('F10, twin: the library takes a size of minus one, as 2⁶⁴ − 1', () => {
  const bytes = listOf({ path: 'a', size: 2n ** 64n - 1n })
  assert.equal(fromBinary(FileListSchema, bytes).entries[0]?.size, 2n ** 64n - 1n)
  assert.equal(decodeFileList(bytes), undefined)
})

test('what a peer has comes back as it was', () => {
  for (const given of [
    has,
    { ...has, sizeBytes: 0, chunks: new Uint8Array(), fellows: [], open: false },
    { ...has, chunks: new Uint8Array(), complete: true },
    { ...has, sizeBytes: limits.fileBytes, fellows: Array.from({ length: limits.fellows }, () => fellow) },
  ])
    assert.deepEqual(decodeAvailability(encodeAvailability(given)), given)
})

test('of the largest file as many chunks are told as a message holds, and they are read again', () => {
  const chunks = new Uint8Array(limits.fileBytes / 2 ** 20 / 8).fill(0xff)
  const fellows = Array.from({ length: limits.fellows }, () => fellow)
  const bytes = encodeAvailability({ ...has, sizeBytes: limits.fileBytes, chunks, fellows })
  assert.ok(bytes.length <= limits.fileMessageBytes)
  assert.ok((decodeAvailability(bytes)?.chunks.length ?? 0) > limits.fileMessageBytes - 1024)
})

test('F10: more chunks than a file has, too many fellows, and fellows that can prove nothing are refused', () => {
  const right = { size: 8n * 2n ** 20n, chunks: Uint8Array.of(1), fellows: [new Uint8Array(16).fill(0x88)] }
  assert.ok(decodeAvailability(availabilityOf(right)))
  for (const wrong of [
    { ...right, chunks: Uint8Array.of(1, 1) },
    { ...right, complete: true },
    { ...right, size: 0n },
    { ...right, size: BigInt(limits.fileBytes) + 1n },
    { ...right, size: 2n ** 64n - 1n },
    { ...right, fellows: [new Uint8Array(15).fill(0x88)] },
    { ...right, fellows: [new Uint8Array(16).fill(0x44)] },
    { ...right, fellows: Array.from({ length: limits.fellows + 1 }, () => right.fellows[0]) },
  ])
    assert.equal(decodeAvailability(availabilityOf(wrong)), undefined)
  assert.equal(decodeAvailability(new Uint8Array(limits.fileMessageBytes + 1)), undefined)
  const tooMany = { ...has, fellows: Array.from({ length: limits.fellows + 1 }, () => fellow) }
  for (const wrong of [tooMany, { ...has, sizeBytes: -1 }])
    assert.throws(
      () => encodeAvailability(wrong),
      (error) => isP2PError(error, 'internal'),
    )
})

test('an offer comes back as it was', () => {
  const folderEntry: OfferEntry = { name: 'b', kind: 'folder', sizeBytes: 2 ** 50, files: 0, id: undefined }
  const offer: Offer = {
    id: offerId,
    entries: [offered, folderEntry, { ...offered, name: 'c', id: undefined }],
  }
  assert.deepEqual(decodeOffer(encodeOffer(offer)), offer)
})

test('F10: an offer of limits.offerEntries in limits.offerBytes is made and taken, a larger one is neither', () => {
  const most = encodeOffer({ id: offerId, entries: names(limits.offerEntries, 'x') })
  assert.equal(decodeOffer(most)?.entries.length, limits.offerEntries)
  for (const entries of [names(limits.offerEntries + 1, ''), names(300, 'x'.repeat(250))])
    assert.throws(
      () => encodeOffer({ id: offerId, entries }),
      (error) => isP2PError(error, 'too-many'),
    )
  assert.equal(
    decodeOffer(offerOfNames(names(limits.offerEntries, 'x')))?.entries.length,
    limits.offerEntries,
  )
  assert.equal(decodeOffer(offerOfNames(names(limits.offerEntries + 1, ''))), undefined)
  assert.equal(decodeOffer(offerOfNames(names(300, 'x'.repeat(250)))), undefined)
})

test('F10: an offer that names what cannot be is refused', () => {
  const right = { name: 'a', size: 1n, files: 1n, root }
  assert.ok(decodeOffer(offerOf(right)))
  for (const entries of [
    [],
    [right, right],
    [{ ...right, name: '' }],
    [{ ...right, name: 'a/b' }],
    [{ ...right, name: 'x'.repeat(limits.fileNameBytes + 1) }],
    [{ ...right, size: BigInt(limits.fileBytes) + 1n }],
    [{ ...right, size: 2n ** 64n - 1n }],
    [{ ...right, files: 2n }],
    [{ ...right, files: 0n }],
    [{ ...right, folder: true }],
    [
      { name: 'a', folder: true, size: 2n ** 53n - 1n },
      { name: 'b', folder: true, size: 1n },
    ],
  ])
    assert.equal(decodeOffer(offerOf(...entries)), undefined)
  const nameless = create(OfferSchema, { id: offerIdBytes.subarray(1), entries: [right] })
  assert.equal(decodeOffer(toBinary(OfferSchema, nameless)), undefined)
  for (const entries of [[], [offered, offered], [{ ...offered, name: 'a/b' }]])
    assert.throws(
      () => encodeOffer({ id: offerId, entries }),
      (error) => isP2PError(error, 'internal'),
    )
})

test('answers to an offer come back as they were, with a reason that is short and printable', () => {
  for (const state of ['accepted', 'declined', 'received', 'failed', 'withdrawn'] as const) {
    const answer = { offerId, state, reason: state === 'failed' ? 'The disk is full.' : '' }
    assert.deepEqual(decodeOfferAnswer(encodeOfferAnswer(answer)), answer)
  }
  const long = encodeOfferAnswer({ offerId, state: 'failed', reason: `\u001b[2J${'€'.repeat(1_000)}` })
  const reason = decodeOfferAnswer(long)?.reason ?? ''
  assert.ok(reason.startsWith('[2J€') && Buffer.byteLength(reason) <= limits.offerReasonBytes)
  const hostile = answerOf({ offerId: offerIdBytes, state: 4, reason: `\u202e${'x'.repeat(5_000)}` })
  assert.equal(decodeOfferAnswer(hostile)?.reason, 'x'.repeat(limits.offerReasonBytes))
  for (const init of [{ state: 1 }, { offerId: offerIdBytes }, { offerId: offerIdBytes, state: 6 }])
    assert.equal(decodeOfferAnswer(answerOf(init)), undefined)
})
