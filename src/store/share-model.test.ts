/** Whatever is done to a store of shares, it answers like maps that are kept by hand, before and after restarts. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ShareModel } from '../../test/store/share-model.ts'
import { ann, bo, content, found, foundFolder, share } from '../../test/store/shares.ts'
import { offerId, storePath } from '../../test/store/transfers.ts'
import { leafBytes } from '../protocol/file-id.ts'
import type { SharedEntry } from '../protocol/file-messages.ts'
import { openShareStore, type FoundEntry, type ShareStore, type StoredShare } from './share-store.ts'

const anyName = fc.constantFrom('a', 'b', 'B', 'é', 'a.b', '\u{1F600}', '\u{ffee}')
const anyPath = fc.array(anyName, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'))
const sizes = [0, 5, leafBytes, 3 * leafBytes, 1030 * leafBytes] as const
const anyEntry: fc.Arbitrary<FoundEntry> = fc
  .tuple(fc.oneof({ weight: 9, arbitrary: anyPath }, fc.constant('')), fc.boolean(), fc.nat(sizes.length - 1))
  .map(([path, isFolder, size]) => {
    if (isFolder) return foundFolder(path)
    return found(path, { version: size, sizeBytes: sizes[size] ?? 0 })
  })
const anyEntries = fc.array(anyEntry, { maxLength: 8 })
const viewers = [ann, bo] as const
const offers = [undefined, offerId(1)] as const
const anyShare = fc
  .record({
    name: anyName,
    kind: fc.constantFrom('file', 'folder'),
    offer: fc.constantFrom(...offers),
    visibleTo: fc.constantFrom('all', 'verified', 'named'),
    peers: fc.subarray([ann.peerId, bo.peerId]),
  })
  .map(({ name, ...rest }) => share(name, rest))
const anyNumber = fc.nat(3)

type Step = (pair: Pair) => unknown

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  anyShare.map((one) => (pair: Pair) => pair.add(one)),
  fc.tuple(anyNumber, anyEntries, fc.boolean()).map(([number, entries, ends]) => async (pair: Pair) => {
    const row = pair.row(number)
    const walk = pair.store.beginWalk(row)
    await pair.store.note(row, walk, entries.slice(0, 4))
    await pair.store.note(row, walk, entries.slice(4))
    pair.model.note(row, entries)
    if (ends) assert.equal(await pair.store.endWalk(row, walk), pair.model.keepOnly(row, entries))
  }),
  fc.tuple(anyNumber, anyEntry).map(([number, entry]) => async (pair: Pair) => {
    await pair.store.noteOne(pair.row(number), entry)
    pair.model.note(pair.row(number), [entry])
  }),
  fc.tuple(anyNumber, fc.oneof(anyPath, fc.constant(''))).map(([number, path]) => async (pair: Pair) => {
    await pair.store.forgetOne(pair.row(number), path)
    pair.model.forget(pair.row(number), path)
  }),
  fc.nat(3).map((most) => (pair: Pair) => pair.hash(most)),
  fc.tuple(anyNumber, anyShare).map(([number, { visibleTo, peers }]) => async (pair: Pair) => {
    const row = pair.row(number)
    await pair.store.setVisibility(row, visibleTo, peers)
    const one = pair.model.shares.get(row)
    if (one !== undefined) one.share = { ...one.share, visibleTo, peers }
  }),
  anyNumber.map((number) => async (pair: Pair) => {
    await pair.store.removeShare(pair.row(number))
    pair.model.shares.delete(pair.row(number))
  }),
  fc.constant((pair: Pair) => pair.restart()),
)

/** A store beside its model. */
class Pair {
  store: ShareStore
  readonly model = new ShareModel()
  readonly #path: string

  constructor(store: ShareStore, path: string) {
    this.store = store
    this.#path = path
  }

  /** The row of one of those that are there. */
  row(number: number): number {
    return [...this.model.shares.keys()][number] ?? 999
  }

  async add(one: Omit<StoredShare, 'row'>): Promise<void> {
    const isTaken = [...this.model.shares.values()].some(
      ({ share: { name, offer } }) => name === one.name && offer === one.offer,
    )
    if (isTaken) await assert.rejects(this.store.addShare(one), { code: 'share-taken' })
    else this.model.add(await this.store.addShare(one))
  }

  /** Files with the same size and stamp have the same content. */
  async hash(most: number): Promise<void> {
    const files = this.store.unhashed(most)
    await Promise.all(
      files.map(async (file) => {
        const { id, ...hashes } = content(file.stamp, file.sizeBytes)
        await this.store.hashed(file, id, hashes)
        this.model.identify(file.share.row, file, id)
      }),
    )
  }

  async restart(): Promise<void> {
    await this.store[Symbol.asyncDispose]()
    this.store = await openShareStore({ path: this.#path })
    assert.equal(this.store.damage, undefined)
  }

  async assertSame(): Promise<void> {
    const { store, model } = this
    assert.deepEqual(
      store.shares(),
      [...model.shares.values()].map((one) => one.share),
    )
    for (const row of model.shares.keys()) assert.deepEqual(store.totals(row), model.totals(row))
    for (const viewer of viewers) {
      for (const offer of offers) this.#assertSameLists(viewer, offer)
      await this.#assertSameFinds(viewer)
    }
    this.#assertSameContents()
    const unhashed = model.files(undefined).filter(({ entry: { kind, id } }) => kind === 'file' && !id)
    assert.deepEqual(
      namesOf(store.unhashed(100)),
      namesOf(unhashed.map(({ share: one, entry }) => ({ share: one, path: entry.path }))),
    )
  }

  #assertSameLists(viewer: (typeof viewers)[number], offer: (typeof offers)[number]): void {
    const { store, model } = this
    const seen = model.seen(viewer, offer)
    for (const path of ['', 'a', 'a/a', ...seen.map((entry) => entry.path)]) {
      for (const [deep, after] of [
        [false, ''],
        [true, ''],
        [false, 'b'],
        [true, 'a/b'],
        [true, 'a.b/x'],
      ] as const) {
        const place = { offer, path, after, deep }
        assert.deepEqual(
          store.list(viewer, place, 1000)?.entries,
          model.list(viewer, place),
          JSON.stringify(place),
        )
        assert.deepEqual(everyPage(store, viewer, place), model.list(viewer, place), JSON.stringify(place))
      }
      const file = seen.find((entry) => entry.path === path && entry.kind === 'file')
      const at = store.fileAt(viewer, { offer, path })
      assert.deepEqual(at && { size: at.sizeBytes, id: at.id }, file && { size: file.sizeBytes, id: file.id })
    }
  }

  async #assertSameFinds(viewer: (typeof viewers)[number]): Promise<void> {
    const seen = this.model.seen(viewer, undefined)
    const finds = [
      ['b', (path: string) => /b/i.test(path)],
      ['a/B', (path: string) => /a\/b/i.test(path)],
      ['E\u0301', (path: string) => path.includes('é')],
      ['*b', (path: string) => /b$/i.test(path)],
      ['?', (path: string) => /(^|\/).$/u.test(path)],
    ] as const
    for (const [pattern, fits] of finds) {
      const entries: SharedEntry[] = []
      for (let after = ''; ;) {
        const page = await this.store.find(viewer, { pattern, after, limit: 3 })
        entries.push(...page.entries)
        after = page.next
        if (after === '') break
      }
      assert.deepEqual(
        entries,
        seen.filter(({ path }) => fits(path)),
        pattern,
      )
    }
  }

  #assertSameContents(): void {
    for (const [version, size] of sizes.entries()) {
      const { id, leaves, groups } = content(`stamp ${version}`, size)
      for (const viewer of [undefined, ...viewers]) {
        const files = this.store.withContent(id, viewer)
        const expected = this.model.files(viewer).filter(({ entry }) => entry.id === id)
        assert.equal(files.length, Math.min(4, expected.length))
        for (const file of files)
          assert.ok(expected.some((one) => one.share.row === file.share.row && one.entry.path === file.path))
      }
      const all = this.model.files(undefined).filter(({ entry }) => entry.id === id)
      const isOpen = all.some(({ share: { offer, visibleTo } }) => offer === undefined && visibleTo === 'all')
      assert.equal(this.store.isOpen(id), isOpen)
      assert.deepEqual(this.store.groups(id), all.length > 0 ? groups : undefined)
      assert.deepEqual(this.store.leaves(id, 0), all.length > 0 ? leaves.slice(0, 1024 * 32) : undefined)
      if (leaves.length === 0) continue
      const last = leaves.length / 32 - 1
      const places = this.store.withLeaf(leaves.slice(32 * last))
      assert.equal(places.length, Math.min(4, all.length))
      assert.ok(places.every(({ file, leaf }) => leaf === last && file.id === id))
    }
  }
}

function namesOf(
  files: readonly { readonly share: StoredShare; readonly path: string }[],
): readonly string[] {
  return files.map((file) => `${file.share.row}/${file.path}`).toSorted()
}

function everyPage(
  store: ShareStore,
  viewer: (typeof viewers)[number],
  place: Parameters<ShareStore['list']>[1],
): readonly SharedEntry[] | undefined {
  const entries: SharedEntry[] = []
  for (let { after } = place; ;) {
    const page = store.list(viewer, { ...place, after }, 2)
    if (page === undefined) return undefined
    entries.push(...page.entries)
    if (page.next === '') return entries
    after = page.next
  }
}

test('a store of shares answers like maps that are kept by hand', async (t) => {
  const path = storePath(t, 'shares.db')
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 20 }), async (steps) => {
      for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
      const pair = new Pair(await openShareStore({ path }), path)
      try {
        for (const step of steps) {
          await step(pair)
          await pair.assertSame()
        }
        await pair.restart()
        await pair.assertSame()
      } finally {
        await pair.store[Symbol.asyncDispose]()
      }
    }),
    { numRuns: 60 },
  )
})
