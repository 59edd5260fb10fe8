/** Whatever is done to a store of transfers, it answers like arrays that are kept by hand, before and after restarts. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { ann, bo } from '../../test/store/messages.ts'
import type { FileId } from '../protocol/file-id.ts'
import { TransferModel } from '../../test/store/transfer-model.ts'
import {
  fileId,
  offer,
  offerId,
  storePath,
  transfer,
  transferFile,
  transferId,
} from '../../test/store/transfers.ts'
import {
  openTransferStore,
  type PartHeader,
  type StoredOffer,
  type StoredTransfer,
  type TransferFile,
  type TransferStore,
} from './transfer-store.ts'

const anyNumber = fc.nat(3)
const anyText = fc.oneof(fc.constant(''), fc.string({ unit: 'grapheme', maxLength: 8 }))
const orNone = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })
const anyPeer = fc.constantFrom(ann, bo)
const anyCount = fc.maxSafeNat()
const noNull: { noNullPrototype: true; requiredKeys: [] } = { noNullPrototype: true, requiredKeys: [] }

const anyTransferChanges: fc.Arbitrary<Partial<Omit<StoredTransfer, 'id'>>> = fc.record(
  {
    peerId: anyPeer,
    offer: orNone(anyNumber.map(offerId)),
    path: anyText,
    into: anyText,
    existing: fc.constantFrom('rename', 'skip', 'ask'),
    state: fc.constantFrom('queued', 'paused', 'done', 'failed', 'cancelled'),
    reason: anyText,
    savedAs: orNone(anyText),
    bytes: anyCount,
    totalBytes: anyCount,
    files: anyCount,
    totalFiles: anyCount,
    listedAfter: orNone(anyText),
    askedAtMs: anyCount,
    endedAtMs: orNone(anyCount),
  },
  noNull,
)

const anyFile: fc.Arbitrary<TransferFile> = fc
  .record(
    {
      number: fc.nat(6),
      path: anyText,
      sizeBytes: anyCount,
      modifiedAtMs: fc.double({ noNaN: true, noDefaultInfinity: true }).map((ms) => ms + 0),
      id: orNone(anyNumber.map(fileId)),
      target: orNone(anyText),
      state: fc.constantFrom('open', 'done', 'skipped', 'failed'),
      reason: anyText,
    },
    { noNullPrototype: true },
  )
  .map((file) => transferFile(file.number, file))

const anyPart: fc.Arbitrary<PartHeader> = fc.record(
  { transferId: anyNumber.map(transferId), number: fc.nat(6), partPath: anyText, bootId: anyText },
  { noNullPrototype: true },
)

const anyOfferChanges: fc.Arbitrary<Partial<Pick<StoredOffer, 'state' | 'reason' | 'sentBytes'>>> = fc.record(
  {
    state: fc.constantFrom('open', 'accepted', 'declined', 'received', 'failed', 'withdrawn'),
    reason: anyText,
    sentBytes: anyCount,
  },
  noNull,
)

/** The same done to both: those that are known now, and those that wait for the disk. */
type Step = (pair: Pair) => unknown

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(anyNumber, anyTransferChanges).map(([number, changes]) => (pair: Pair) => {
    const one = transfer(number, changes)
    if (pair.model.has(one.id)) return
    pair.model.transfers.push(one)
    pair.wait(pair.store.add(one))
  }),
  fc.tuple(anyNumber, anyTransferChanges).map(([number, changes]) => (pair: Pair) => {
    pair.model.change(transferId(number), changes)
    pair.wait(pair.store.change(transferId(number), changes))
  }),
  anyNumber.map((number) => (pair: Pair) => {
    pair.model.remove(transferId(number))
    pair.wait(pair.store.remove(transferId(number)))
  }),
  fc
    .tuple(anyNumber, fc.array(anyFile, { maxLength: 4 }), orNone(anyText))
    .map(([number, files, listedAfter]) => (pair: Pair) => {
      pair.model.addFiles(transferId(number), files, listedAfter)
      pair.wait(pair.store.addFiles(transferId(number), files, listedAfter))
    }),
  fc
    .tuple(anyNumber, fc.array(anyFile, { maxLength: 4 }), anyCount)
    .map(([number, files, bytes]) => (pair: Pair) => {
      const changes = files.map((file) => ({ number: file.number, state: file.state, target: file.target }))
      pair.model.changeFiles(transferId(number), changes, { bytes })
      pair.wait(pair.store.changeFiles(transferId(number), changes, { bytes }))
    }),
  anyNumber.map((number) => async (pair: Pair) => {
    await pair.settle()
    await pair.store.rememberPlaced(transferId(number))
    const isTold = (id: FileId): boolean => pair.store.placed([id]).length > 0
    for (let file = 0; file < 4; file++)
      if (pair.model.placedBy(transferId(number), fileId(file))) assert.ok(isTold(fileId(file)))
  }),
  anyPart.map((part) => (pair: Pair) => {
    pair.model.putPart(part)
    void pair.store.putPart(part)
  }),
  fc
    .tuple(anyPart, fc.nat(3), fc.uint8Array({ maxLength: 128 }))
    .map(([{ transferId: id, number }, group, bits]) => (pair: Pair) => {
      pair.model.putChunks(id, number, { group, bits })
      pair.store.putChunks(id, number, { group, bits })
    }),
  anyPart.map(({ transferId: id, number }) => (pair: Pair) => {
    pair.model.removePart(id, number)
    pair.store.removePart(id, number)
  }),
  fc.tuple(anyNumber, anyOfferChanges, fc.boolean()).map(([number, changes, incoming]) => (pair: Pair) => {
    const one = offer(number, { ...changes, incoming })
    if (!pair.model.offers.some(({ id }) => id === one.id)) pair.model.offers.push(one)
    pair.wait(pair.store.addOffer(one))
  }),
  fc.tuple(anyNumber, anyOfferChanges).map(([number, changes]) => (pair: Pair) => {
    const id = offerId(number)
    pair.model.offers = pair.model.offers.map((one) =>
      one.id === id ? Object.assign({}, one, changes) : one,
    )
    pair.wait(pair.store.changeOffer(id, changes))
  }),
  fc.constant((pair: Pair) => pair.settle()),
  fc.constant((pair: Pair) => pair.restart()),
)

function byNumber(a: PartHeader, b: PartHeader): number {
  return a.transferId < b.transferId || (a.transferId === b.transferId && a.number < b.number) ? -1 : 1
}

/** A store beside its model. */
class Pair {
  store: TransferStore
  readonly model = new TransferModel()
  readonly #path: string
  #writes: Promise<unknown>[] = []

  constructor(store: TransferStore, path: string) {
    this.store = store
    this.#path = path
  }

  wait(write: Promise<unknown>): void {
    this.#writes.push(write)
  }

  async settle(): Promise<void> {
    await Promise.all(this.#writes)
    this.#writes = []
  }

  async restart(): Promise<void> {
    await this.settle()
    await this.store[Symbol.asyncDispose]()
    this.store = await openTransferStore({ path: this.#path })
    assert.equal(this.store.damage, undefined)
  }

  assertSame(): void {
    const { store, model } = this
    assert.deepEqual(store.transfers(), model.transfers)
    assert.deepEqual(store.offers(), model.offers)
    assert.deepEqual(store.parts().toSorted(byNumber), model.parts.toSorted(byNumber))
    for (let number = 0; number < 4; number++) {
      const id = transferId(number)
      assert.deepEqual(
        store.transfer(id),
        model.transfers.find((one) => one.id === id),
      )
      assert.deepEqual(
        store.offer(offerId(number)),
        model.offers.find((one) => one.id === offerId(number)),
      )
      assert.deepEqual(store.openFiles(id, 1, 3), model.openFiles(id, 1, 3))
      assert.deepEqual(store.file(id, 2), model.file(id, 2))
      assert.deepEqual(store.part(id, 2), model.part(id, 2))
      const all = model.placed(fileId(number))
      for (const one of store.placed([fileId(number)]))
        assert.ok(all.some((other) => isDeepStrictEqual(one, other)))
    }
  }
}

test('a store of transfers answers like arrays that are kept by hand', async (t) => {
  const path = storePath(t, 'transfers.db')
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 30 }), async (steps) => {
      for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
      const pair = new Pair(await openTransferStore({ path }), path)
      try {
        for (const step of steps) {
          await step(pair)
          pair.assertSame()
        }
        await pair.restart()
        pair.assertSame()
      } finally {
        await pair.store[Symbol.asyncDispose]()
      }
    }),
    { numRuns: 80 },
  )
})
