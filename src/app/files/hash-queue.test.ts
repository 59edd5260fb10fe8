import assert from 'node:assert/strict'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { offerId } from '../../../test/store/transfers.ts'
import { peer } from '../../../test/store/pins.ts'
import { openFileWorkers } from '../../files/file-workers.ts'
import { stampOf } from '../../files/opened-file.ts'
import { leafBytes } from '../../protocol/file-id.ts'
import { openShareStore, type IndexedFile } from '../../store/share-store.ts'
import { HashQueue } from './hash-queue.ts'

for (const sizeBytes of [1_000, 3 * leafBytes])
  test(`what is offered to 30 peers is read once: ${sizeBytes} bytes`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'p2p-hash-'))
    await using worker = openFileWorkers()
    await using store = await openShareStore({ path: undefined })
    const path = join(folder, 'a.bin')
    await writeFile(path, new Uint8Array(sizeBytes).fill(7))
    const read: IndexedFile[] = []
    const told: IndexedFile[] = []
    using queue = new HashQueue({
      store: {
        unhashed: (limit) => store.unhashed(limit),
        hurry: (file) => store.hurry(file),
        adopt: (file) => store.adopt(file),
        hashed: async (file, id, hashes) => {
          read.push(file)
          await store.hashed(file, id, hashes)
        },
      },
      worker,
      hashed: (file) => told.push(file),
      failed: () => Promise.reject(new Error('it cannot be read')),
      warn: (error) => assert.fail(String(error)),
    })
    const stats = await stat(path, { bigint: true })
    const entry = { path: '', kind: 'file', sizeBytes, modifiedAtMs: 0, stamp: stampOf(stats) } as const
    const ids = await Promise.all(
      Array.from({ length: 30 }, async (_, number) => {
        const [offer, { id: peerId }] = [offerId(number), peer(number)]
        const one = { name: 'a.bin', path, kind: 'file', offer, visibleTo: 'named', peers: [peerId] } as const
        const { row } = await store.addShare(one)
        await store.noteOne(row, entry)
        const viewer = { peerId, verified: false }
        return await queue.idOf(() => store.fileAt(viewer, { offer, path: 'a.bin' }))
      }),
    )
    assert.equal(new Set(ids).size, 1)
    assert.equal(read.length, 1)
    assert.equal(new Set(told.map(({ share }) => share.row)).size, 30)
    await rm(folder, { recursive: true })
  })
