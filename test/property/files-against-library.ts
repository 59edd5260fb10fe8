/** The codecs of what is said about files are held to the library like the others (wire-against-library.ts). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import * as fc from 'fast-check'

import { limits } from '../../src/base/limits.ts'
import { fileIdFromRoot, hashBytes, rootOfFileId, type FileId } from '../../src/protocol/file-id.ts'
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
  type OfferEntry,
  type SharedEntry,
} from '../../src/protocol/file-messages.ts'
import {
  AvailabilitySchema,
  FileListSchema,
  OfferAnswerSchema,
  OfferSchema,
  type Availability as WireAvailability,
  type OfferAnswer as WireOfferAnswer,
  type Offer as WireOffer,
  type FileList as WireFileList,
} from '../../src/protocol/generated/p2p_pb.ts'
import { offerIdFromBytes, offerIdToBytes } from '../../src/protocol/offer-id.ts'
import { isProvable, peerIdFromBytes, peerIdFromDigest, peerIdToBytes } from '../../src/protocol/peer-id.ts'
import { printableName } from '../../src/protocol/text.ts'
import { compare } from './compare.ts'
import { availabilityBytes, fileListBytes, offerAnswerBytes, offerBytes } from './wire-bytes.ts'
import { oracle } from './wire-oracle.ts'

/** Declares the tests, each with `numRuns` inputs. */
export function testFilesAgainstLibrary(numRuns: number): void {
  test('F10: any bytes are the same list of files to us and to the library, or to neither', () => {
    compare(numRuns, fileListBytes, (bytes) => {
      const list = decodeFileList(bytes)
      const wire = oracle(FileListSchema, bytes)
      assert.deepEqual(list, wire && listOf(wire))
      return list !== undefined
    })
  })

  test('F10: any bytes say the same of what a peer has to us and to the library, or to neither', () => {
    compare(numRuns, availabilityBytes, (bytes) => {
      const availability = decodeAvailability(bytes)
      const wire = oracle(AvailabilitySchema, bytes)
      assert.deepEqual(availability, wire && availabilityOf(wire))
      return availability !== undefined
    })
  })

  test('F10: any bytes are the same offer to us and to the library, or to neither', () => {
    compare(numRuns, offerBytes, (bytes) => {
      const offer = decodeOffer(bytes)
      const wire = oracle(OfferSchema, bytes)
      assert.deepEqual(offer, wire && offerOf(wire))
      return offer !== undefined
    })
  })

  test('any bytes are the same answer to an offer to us and to the library, or to neither', () => {
    compare(numRuns, offerAnswerBytes, (bytes) => {
      const answer = decodeOfferAnswer(bytes)
      const wire = oracle(OfferAnswerSchema, bytes)
      assert.deepEqual(answer, wire && answerOf(wire))
      return answer !== undefined
    })
  })

  test('any list of files becomes the same bytes as in the library, and comes back', () => {
    fc.assert(
      fc.property(lists, (list) => {
        const bytes = encodeFileList(list)
        assert.deepEqual(Buffer.from(bytes), Buffer.from(libraryList(list)))
        assert.deepEqual(decodeFileList(bytes), list)
      }),
      { numRuns: numRuns / 10 },
    )
  })

  test('whatever a peer has becomes the same bytes as in the library, and comes back', () => {
    fc.assert(
      fc.property(availabilities, (availability) => {
        const bytes = encodeAvailability(availability)
        assert.deepEqual(Buffer.from(bytes), Buffer.from(libraryAvailability(availability)))
        assert.deepEqual(decodeAvailability(bytes), availability)
      }),
      { numRuns: numRuns / 10 },
    )
  })

  test('any offer and any answer become the same bytes as in the library, and come back', () => {
    fc.assert(
      fc.property(offers, answers, (offer, answer) => {
        const bytes = encodeOffer(offer)
        assert.deepEqual(Buffer.from(bytes), Buffer.from(libraryOffer(offer)))
        assert.deepEqual(decodeOffer(bytes), offer)
        const said = encodeOfferAnswer(answer)
        assert.deepEqual(Buffer.from(said), Buffer.from(libraryAnswer(answer)))
        assert.deepEqual(decodeOfferAnswer(said), answer)
      }),
      { numRuns: numRuns / 10 },
    )
  })
}

const isCount = (value: bigint): boolean => value < 2n ** 53n
const kindOf = (folder: boolean): 'file' | 'folder' => (folder ? 'folder' : 'file')

interface WireEntry {
  readonly folder: boolean
  readonly size: bigint
  readonly root: Uint8Array
}

function isEntry(name: string, { folder, size, root }: WireEntry): boolean {
  const named = name.split('/').every((part) => Buffer.byteLength(part) <= limits.fileNameBytes)
  const rooted = root.length === 0 || (root.length === hashBytes && !folder)
  const fits = folder ? isCount(size) : size <= BigInt(limits.fileBytes)
  return named && rooted && fits && Buffer.byteLength(name) <= limits.filePathBytes
}

function listOf({ entries, next }: WireFileList): FileList | undefined {
  const possible = entries.every((entry) => isEntry(entry.path, entry) && isCount(entry.modifiedAtMs))
  if (!possible || Buffer.byteLength(next) > limits.filePathBytes) return undefined
  const mapped = entries.map(({ path, folder, size, modifiedAtMs, root }) => {
    const [sizeBytes, at] = [Number(size), Number(modifiedAtMs)]
    return { path, kind: kindOf(folder), sizeBytes, modifiedAtMs: at, id: fileIdFromRoot(root) }
  })
  return { entries: mapped, next }
}

function availabilityOf({
  size,
  complete,
  chunks,
  fellows,
  open,
}: WireAvailability): Availability | undefined {
  const ids = fellows.map((fellow) => peerIdFromBytes(fellow))
  const known = ids.filter((id) => id !== undefined && isProvable(id)).filter((id) => id !== undefined)
  const mostBytes = complete ? 0 : Math.ceil(Number(size) / 2 ** 20 / 8)
  const possible = size <= BigInt(limits.fileBytes) && chunks.length <= mostBytes
  if (!possible || known.length < ids.length || ids.length > limits.fellows) return undefined
  return { sizeBytes: Number(size), chunks: Uint8Array.from(chunks), complete, fellows: known, open }
}

function offerOf({ id, entries }: WireOffer): Offer | undefined {
  const named = offerIdFromBytes(id)
  const names = new Set(entries.map(({ name }) => name))
  const each = entries.every(({ name, ...entry }) => {
    const counted = isCount(entry.files) && (entry.folder || entry.files === 1n)
    return name !== '' && !name.includes('/') && counted && isEntry(name, entry)
  })
  const whole = isCount(entries.reduce((sum, { size }) => sum + size, 0n)) && names.size === entries.length
  if (named === undefined || !each || !whole || entries.length === 0) return undefined
  const mapped = entries.map(({ name, folder, size, files, root }) => {
    const [sizeBytes, count] = [Number(size), Number(files)]
    return { name, kind: kindOf(folder), sizeBytes, files: count, id: fileIdFromRoot(root) }
  })
  return { id: named, entries: mapped }
}

const stateNames = ['accepted', 'declined', 'received', 'failed', 'withdrawn'] as const

function answerOf({ offerId, state, reason }: WireOfferAnswer): OfferAnswer | undefined {
  const named = offerIdFromBytes(offerId)
  const stateName = stateNames[state - 1]
  if (named === undefined || stateName === undefined) return undefined
  return { offerId: named, state: stateName, reason: printableName(reason, limits.offerReasonBytes) }
}

function rootOf(id: FileId | undefined): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(id === undefined ? [] : rootOfFileId(id))
}

function libraryList({ entries, next }: FileList): Uint8Array {
  const wire = entries.map(({ path, kind, sizeBytes, modifiedAtMs, id }) => {
    const numbers = { size: BigInt(sizeBytes), modifiedAtMs: BigInt(modifiedAtMs) }
    return { path, folder: kind === 'folder', ...numbers, root: rootOf(id) }
  })
  return toBinary(FileListSchema, create(FileListSchema, { entries: wire, next }))
}

function libraryAvailability({ sizeBytes, fellows, chunks, ...flags }: Availability): Uint8Array {
  const wire = create(AvailabilitySchema, {
    ...flags,
    size: BigInt(sizeBytes),
    chunks: Uint8Array.from(chunks),
    fellows: fellows.map((fellow) => Uint8Array.from(peerIdToBytes(fellow))),
  })
  return toBinary(AvailabilitySchema, wire)
}

function libraryOffer({ id, entries }: Offer): Uint8Array {
  const wire = entries.map(({ name, kind, sizeBytes, files, id: fileId }) => {
    const numbers = { size: BigInt(sizeBytes), files: BigInt(files) }
    return { name, folder: kind === 'folder', ...numbers, root: rootOf(fileId) }
  })
  return toBinary(
    OfferSchema,
    create(OfferSchema, { id: Uint8Array.from(offerIdToBytes(id)), entries: wire }),
  )
}

function libraryAnswer({ offerId, state, reason }: OfferAnswer): Uint8Array {
  const wire = {
    offerId: Uint8Array.from(offerIdToBytes(offerId)),
    state: stateNames.indexOf(state) + 1,
    reason,
  }
  return toBinary(OfferAnswerSchema, create(OfferAnswerSchema, wire))
}

const fileIds = fc
  .uint8Array({ minLength: hashBytes, maxLength: hashBytes })
  .map((root) => fileIdFromRoot(root)!)
const names = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .map((name) => name.replaceAll('/', '_'))
const paths = fc.array(names, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
const sizes = fc.oneof(fc.nat(), fc.nat(limits.fileBytes), fc.constantFrom(0, limits.fileBytes))
const optionalIds = fc.option(fileIds, { nil: undefined })

const sharedEntries: fc.Arbitrary<SharedEntry> = fc.oneof(
  fc.record(
    {
      path: paths,
      kind: fc.constant('file' as const),
      sizeBytes: sizes,
      modifiedAtMs: fc.maxSafeNat(),
      id: optionalIds,
    },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      path: paths,
      kind: fc.constant('folder' as const),
      sizeBytes: fc.constant(0),
      modifiedAtMs: fc.maxSafeNat(),
      id: fc.constant(undefined),
    },
    { noNullPrototype: true },
  ),
)
const lists: fc.Arbitrary<FileList> = fc.record(
  { entries: fc.array(sharedEntries, { maxLength: 5 }), next: fc.oneof(fc.constant(''), paths) },
  { noNullPrototype: true },
)

const availabilities: fc.Arbitrary<Availability> = fc
  .record(
    {
      sizeBytes: sizes,
      chunks: fc.uint8Array({ maxLength: 40 }).map((chunks) => Uint8Array.from(chunks)),
      complete: fc.boolean(),
      fellows: fc.array(fc.uint8Array({ minLength: 16, maxLength: 16 }).map(peerIdFromDigest), {
        maxLength: 4,
      }),
      open: fc.boolean(),
    },
    { noNullPrototype: true },
  )
  .map(({ chunks, ...rest }) => {
    const most = rest.complete ? 0 : Math.ceil(rest.sizeBytes / 2 ** 20 / 8)
    return Object.assign(rest, { chunks: chunks.slice(0, most) })
  })

const offerIds = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => offerIdFromBytes(bytes)!)
const offerEntries: fc.Arbitrary<OfferEntry> = fc.oneof(
  fc.record(
    {
      name: names,
      kind: fc.constant('file' as const),
      sizeBytes: sizes,
      files: fc.constant(1),
      id: optionalIds,
    },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      name: names,
      kind: fc.constant('folder' as const),
      sizeBytes: fc.nat(2 ** 50),
      files: fc.maxSafeNat(),
      id: fc.constant(undefined),
    },
    { noNullPrototype: true },
  ),
)
const offers: fc.Arbitrary<Offer> = fc.record(
  {
    id: offerIds,
    entries: fc.uniqueArray(offerEntries, { minLength: 1, maxLength: 5, selector: ({ name }) => name }),
  },
  { noNullPrototype: true },
)
const answers: fc.Arbitrary<OfferAnswer> = fc.record(
  {
    offerId: offerIds,
    state: fc.constantFrom(...stateNames),
    reason: fc
      .string({ unit: 'grapheme', maxLength: 40 })
      .map((text) => printableName(text, limits.offerReasonBytes)),
  },
  { noNullPrototype: true },
)
