/** Processes that are killed while they index what is shared. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { openShareStore, type ShareStore } from '../../src/store/share-store.ts'
import { ann } from './shares.ts'

/** Walks, hashes, forgets, and removes a share without end. */
function writer(path: string): string {
  return `
    import { writeSync } from 'node:fs'
    import { openShareStore } from ${JSON.stringify(import.meta.resolve('../../src/store/share-store.ts'))}
    import { content, found, share, walk } from ${JSON.stringify(import.meta.resolve('./shares.ts'))}
    const store = await openShareStore({ path: ${JSON.stringify(path)} })
    const { row } = store.shares().find((one) => one.name === 'kept') ?? (await store.addShare(share('kept')))
    writeSync(1, 'shared\\n')
    for (let round = 0; ; round++) {
      const name = 'passing ' + Math.random()
      const passing = await store.addShare(share(name))
      for (const one of [row, passing.row]) {
        const files = Array.from({ length: 300 }, (_, number) =>
          found((number % 7) + '/' + number + '-' + (round % 3), { sizeBytes: number % 10 === 0 ? 3000000 : number }),
        )
        await walk(store, one, files)
      }
      for (const file of store.unhashed(100)) {
        const { id, ...hashes } = content(file.path, file.sizeBytes)
        await store.hashed(file, id, hashes)
      }
      await store.removeShare(passing.row)
    }`
}

async function kill(path: string, afterMs: number): Promise<void> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', writer(path)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  await sleep(afterMs)
  child.kill('SIGKILL')
  await once(child, 'close')
}

/** Kills a writer at random points, each going on where the last was killed. */
export async function assertSharesSurviveKills(path: string, points: number): Promise<void> {
  for (let point = 0; point < points; point++) {
    await kill(path, Math.random() * 150)
    await using store = await openShareStore({ path })
    assert.equal(store.damage, undefined)
    assert.ok(store.shares().some(({ name }) => name === 'kept'))
    assertTrueTotals(store)
    using database = new DatabaseSync(path)
    const verdict = database.prepare('PRAGMA integrity_check').get()?.['integrity_check']
    assert.equal(verdict, 'ok')
  }
}

/** The totals of each share are those of the files in it, but for those that are still to be deleted. */
function assertTrueTotals(store: ShareStore): void {
  for (const { row, name } of store.shares()) {
    const place = { offer: undefined, path: name, after: '', deep: true }
    const files = (store.list(ann, place, 10_000)?.entries ?? []).filter(({ kind }) => kind === 'file')
    const { files: count, unhashedFiles } = store.totals(row)
    assert.ok(count >= files.length && unhashedFiles <= count)
    for (const { id, sizeBytes } of files)
      if (id !== undefined && sizeBytes > 2 ** 20)
        assert.ok(store.leaves(id, 0)?.length === 32 * 3, 'hashes are lost')
  }
}
