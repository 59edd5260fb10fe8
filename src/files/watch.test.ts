import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { limits } from '../base/limits.ts'
import { isTold, watchShare, type ShareWatch } from './watch.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'p2p-watch-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

interface Heard {
  readonly watch: ShareWatch
  /** Resolves when this was told, now or earlier. */
  readonly told: (path: string | undefined) => Promise<void>
  readonly all: readonly (string | undefined)[]
}

function listen(t: TestContext, path: string, kind: 'file' | 'folder' = 'folder'): Heard {
  const all: (string | undefined)[] = []
  const waiting = new Set<() => void>()
  const watch = watchShare(path, kind, (changed) => {
    all.push(changed)
    for (const look of waiting) look()
  })
  // A watch does not keep the process: the test has to.
  const stay = setInterval(() => {}, 1_000)
  t.after(() => {
    clearInterval(stay)
    watch[Symbol.dispose]()
  })
  const told = (wanted: string | undefined): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!all.includes(wanted)) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  return { watch, told, all }
}

test('a file that is written, replaced or removed anywhere below a share is told', async (t) => {
  const share = folder(t)
  mkdirSync(join(share, 'a/b'), { recursive: true })
  const { watch, told } = listen(t, share)
  await watch.ready
  assert.equal(watch.complete, true)
  writeFileSync(join(share, 'a/b/new'), 'x')
  await told('a/b/new')
  writeFileSync(join(share, 'other'), 'y')
  renameSync(join(share, 'other'), join(share, 'a/moved'))
  await told('a/moved')
  rmSync(join(share, 'a/b/new'))
  await told('other')
})

test('a new folder means that anything may have changed, and is watched from then on', async (t) => {
  const share = folder(t)
  const { watch, told } = listen(t, share)
  await watch.ready
  mkdirSync(join(share, 'new/deep'), { recursive: true })
  await told(undefined)
  writeFileSync(join(share, 'new/deep/file'), 'x')
  await told('new/deep/file')
})

test('a folder that was moved within a share is told under its new name', async (t) => {
  const share = folder(t)
  mkdirSync(join(share, 'old/deep'), { recursive: true })
  const { watch, told, all } = listen(t, share)
  await watch.ready
  renameSync(join(share, 'old'), join(share, 'new'))
  await told(undefined)
  writeFileSync(join(share, 'new/deep/file'), 'x')
  await told('new/deep/file')
  assert.ok(!all.includes('old/deep/file'))
})

test('our own part files are no change', async (t) => {
  const share = folder(t)
  const { watch, told, all } = listen(t, share)
  await watch.ready
  writeFileSync(join(share, '.abc.p2p-part'), 'x')
  writeFileSync(join(share, 'whole'), 'x')
  await told('whole')
  assert.deepEqual(all, ['whole'])
})

test('a share that is one file is told when it is replaced, and nothing else beside it', async (t) => {
  const place = folder(t)
  writeFileSync(join(place, 'file'), '1')
  const { told, all } = listen(t, join(place, 'file'), 'file')
  writeFileSync(join(place, 'other'), 'x')
  writeFileSync(join(place, 'file.new'), '2')
  renameSync(join(place, 'file.new'), join(place, 'file'))
  await told('')
  assert.deepEqual(all, [''])
})

test('more changes at once than are told one by one are told as anything', async (t) => {
  const share = folder(t)
  const { watch, told, all } = listen(t, share)
  await watch.ready
  for (let number = 0; number <= limits.toldChanges; number++) writeFileSync(join(share, `${number}`), '')
  await told(undefined)
  assert.ok(all.length <= limits.toldChanges)
})

test(
  'beyond the folders that may be watched it says that not all are',
  { skip: process.platform !== 'linux' },
  async (t) => {
    const share = folder(t)
    for (let number = 0; number <= limits.watchedFolders; number++) mkdirSync(join(share, `${number}`))
    const { watch } = listen(t, share)
    await watch.ready
    assert.equal(watch.complete, false)
    watch[Symbol.dispose]()
    const next = listen(t, folder(t))
    await next.watch.ready
    assert.equal(next.watch.complete, true, 'the watches were given back')
  },
)

test('a share that is gone, or goes, is not watched any more', async (t) => {
  const share = folder(t)
  const missing = listen(t, join(share, 'nothing'))
  await missing.watch.ready
  assert.equal(missing.watch.complete, false)
  const inner = join(share, 'inner')
  mkdirSync(inner)
  const { watch, told } = listen(t, inner)
  await watch.ready
  assert.equal(watch.complete, true)
  rmSync(inner, { recursive: true })
  await told('inner')
  assert.equal(watch.complete, false)
})

test('nothing is told after disposal, also not what was gathered', async (t) => {
  const share = folder(t)
  const { watch, all } = listen(t, share)
  const second = listen(t, share)
  await Promise.all([watch.ready, second.watch.ready])
  writeFileSync(join(share, 'file'), 'x')
  watch[Symbol.dispose]()
  watch[Symbol.dispose]()
  await second.told('file')
  assert.deepEqual(all, [])
})

test('where others change files without a word of our system, it does not say that it hears all', () => {
  const [ext4, btrfs, tmpfs, nfs, smb, fuse] = [
    0xef53, 0x9123683e, 0x01021994, 0x6969, 0xff534d42, 0x65735546,
  ]
  assert.deepEqual([ext4, btrfs, tmpfs, nfs, smb, fuse].map(isTold), [true, true, true, false, false, false])
})
