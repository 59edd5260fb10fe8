import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { asNobody, indexed, newFolder, put, swapping } from '../../test/files/shares.ts'
import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { openFileWorkers } from './file-workers.ts'
import { entryOf, type FoundEntry } from './found-entry.ts'
import { hashFiles } from './hasher.ts'
import { entryAt, resolveShare, walkShare } from './walk.ts'
import type { LeftOut } from './walk-job.ts'

interface Walked {
  readonly entries: readonly FoundEntry[]
  readonly leftOut: LeftOut | undefined
}

async function walked(sharePath: string): Promise<Walked> {
  await using worker = openFileWorkers()
  const entries: FoundEntry[] = []
  let leftOut: LeftOut | undefined
  const options = { leftOut: (what: LeftOut) => (leftOut = what) }
  for await (const batch of walkShare(worker, sharePath, options)) entries.push(...batch)
  return { entries, leftOut }
}

const pathsOf = ({ entries }: Walked): readonly string[] => entries.map(({ path }) => path).sort()
const nothingLeftOut: LeftOut = { special: 0, name: 0, size: 0, unreadable: 0 }
const onLinux = { skip: process.platform !== 'linux' }

test('a walk finds files and folders, a folder before what is in it, with what the index needs of each', async (t) => {
  const share = newFolder(t)
  const place = put(share, 'a/b/file', 'hello')
  put(share, 'top', '')
  mkdirSync(join(share, 'empty'))
  utimesSync(place, 1, 1_700_000_000.123)
  const found = await walked(share)
  assert.deepEqual(pathsOf(found), ['a', 'a/b', 'a/b/file', 'empty', 'top'])
  assert.deepEqual(found.leftOut, nothingLeftOut)
  const order = found.entries.map(({ path }) => path)
  assert.ok(order.indexOf('a') < order.indexOf('a/b') && order.indexOf('a/b') < order.indexOf('a/b/file'))
  assert.deepEqual(
    found.entries.find(({ path }) => path === 'a/b/file'),
    {
      path: 'a/b/file',
      kind: 'file',
      sizeBytes: 5,
      modifiedAtMs: 1_700_000_000_123,
      stamp: indexed(share, 'a/b/file').stamp,
    },
  )
  const folder = found.entries.find(({ path }) => path === 'a')
  assert.deepEqual([folder?.kind, folder?.sizeBytes], ['folder', 0])
})

test('a share that is one file has one entry without a path', async (t) => {
  const place = put(newFolder(t), 'file', 'hello')
  const { entries } = await walked(place)
  assert.deepEqual(
    entries.map(({ path, kind, sizeBytes }) => [path, kind, sizeBytes]),
    [['', 'file', 5]],
  )
  assert.equal((await entryAt(place, ''))?.sizeBytes, 5)
})

test(
  'names in every script, composed and decomposed, and of 255 bytes are shared as they are',
  onLinux,
  async (t) => {
    const share = newFolder(t)
    const names = [
      'Grüße',
      'caf\u00e9',
      'cafe\u0301',
      'Ελληνικά',
      'кириллица',
      '日本語',
      '한국어',
      '\u1112\u1161\u11ab',
      'العربية',
      'עברית',
      'हिन्दी',
      'ไทย',
      '👩‍👩‍👧‍👦',
      'new\nline',
      'back\\slash',
      'a:b',
      ' leading',
      'trailing ',
      '-rf',
      '.hidden',
      'con.txt',
      '\u202Egnp.exe',
      '\uFFFD',
      '%2e%2e',
      '__proto__',
      'x'.repeat(255),
      'é'.repeat(127),
      '語'.repeat(85),
      '\u{1F600}'.repeat(63),
    ]
    for (const name of names) put(share, name, name)
    const found = await walked(share)
    assert.deepEqual(pathsOf(found), names.toSorted())
    assert.deepEqual(found.leftOut, nothingLeftOut)
    await using worker = openFileWorkers()
    for (const name of names) assert.equal((await entryAt(share, name))?.path, name)
    const files = names.map((name) => indexed(share, name))
    for await (const { file, outcome } of hashFiles(worker, files))
      assert.equal(outcome.kind, 'hashed', file.path)
  },
)

test('a name that is no text is left out and counted, and its neighbours are found', onLinux, async (t) => {
  const share = newFolder(t)
  put(share, 'good', 'x')
  const bad = Buffer.concat([Buffer.from(`${share}/bad-`), Buffer.of(0xff, 0xfe)])
  writeFileSync(bad, 'x')
  mkdirSync(Buffer.concat([Buffer.from(`${share}/folder-`), Buffer.of(0x80)]))
  const found = await walked(share)
  assert.deepEqual(pathsOf(found), ['good'])
  assert.deepEqual(found.leftOut, { ...nothingLeftOut, name: 2 })
})

test('F2: links, pipes, sockets and devices are left out and counted', onLinux, async (t) => {
  const share = newFolder(t)
  const outside = newFolder(t)
  put(outside, 'secret', 'secret')
  put(share, 'file', 'x')
  symlinkSync(outside, join(share, 'folder link'))
  symlinkSync(join(outside, 'secret'), join(share, 'file link'))
  symlinkSync('file', join(share, 'inner link'))
  symlinkSync('/proc/self/environ', join(share, 'environ'))
  symlinkSync('.', join(share, 'circle'))
  execFileSync('mkfifo', [join(share, 'pipe')])
  const server = createServer().listen(join(share, 'socket'))
  t.after(() => server.close())
  await once(server, 'listening')
  const found = await walked(share)
  for (const path of [
    'folder link',
    'file link',
    'folder link/secret',
    'circle/file',
    'pipe',
    'socket',
    '../',
    '..',
  ])
    assert.equal(await entryAt(share, path), undefined, path)
  assert.deepEqual(pathsOf(found), ['file'])
  assert.deepEqual(found.leftOut, { ...nothingLeftOut, special: 7 })
  // Twin: a walk that asks what is at the end of a name goes out, and in circles.
  assert.ok(readdirSync(share).includes('folder link'))
  assert.deepEqual(readdirSync(join(share, 'folder link')), ['secret'])
  assert.ok(readdirSync(join(share, 'circle/circle')).includes('file'))
})

test(
  'F2: a walk never leaves a share while a folder is swapped for a link all the time',
  onLinux,
  async (t) => {
    const share = newFolder(t)
    const outside = newFolder(t)
    put(share, 'folder/inside', 'x')
    put(outside, 'secret', 'x')
    await swapping(t, join(share, 'folder'), outside)
    await using worker = openFileWorkers()
    const seen = new Set<string>()
    for (const end = performance.now() + 1_000; performance.now() < end;)
      for await (const batch of walkShare(worker, share))
        for (const { path } of batch) seen.add(basename(path))
    assert.ok(seen.has('inside'), 'the folder was there at times')
    assert.ok(!seen.has('secret'))

    // Twin: one that looks first and then reads the folder is led out.
    let leaked = false
    for (const end = performance.now() + 60_000; !leaked && performance.now() < end;) {
      try {
        const place = join(share, 'folder')
        if (lstatSync(place).isDirectory()) leaked = readdirSync(place).includes('secret')
      } catch {
        // It was neither at that moment.
      }
    }
    assert.ok(leaked)
  },
)

test('what is too deep, too long or too large to be told is left out and counted', onLinux, async (t) => {
  const share = newFolder(t)
  const deep = Array.from({ length: limits.folderDepth - 1 }, () => 'd').join('/')
  put(share, `${deep}/deepest`, 'x')
  put(share, `${deep}/d/too-deep`, 'x')
  const found = await walked(share)
  assert.ok(pathsOf(found).includes(`${deep}/deepest`))
  assert.ok(!found.entries.some(({ path }) => path.includes('too-deep')))
  assert.deepEqual(found.leftOut, { ...nothingLeftOut, size: 1 })

  const long = newFolder(t)
  const fits = limits.filePathBytes - limits.fileNameBytes - 1
  const path = Array.from({ length: 15 }, () => 'n'.repeat(250)).join('/')
  makeLongPath(long, `${path}/${'n'.repeat(fits - path.length - 1)}`)
  makeLongPath(long, `${path}/${'n'.repeat(fits - path.length)}`)
  const longest = await walked(long)
  assert.equal(Math.max(...longest.entries.map((entry) => entry.path.length)), fits)
  assert.deepEqual(longest.leftOut, { ...nothingLeftOut, name: 1 })
})

test('the largest file that can be told is shared, and one that is larger is not', (t) => {
  const stats = lstatSync(put(newFolder(t), 'file', 'x'), { bigint: true })
  const ofSize = (bytes: number): unknown => entryOf('file', Object.assign(stats, { size: BigInt(bytes) }))
  assert.equal(ofSize(limits.fileBytes + 1), 'size')
  assert.notEqual(ofSize(limits.fileBytes), 'size')
})

test('our own part files are not shown', async (t) => {
  const share = newFolder(t)
  put(share, '.x.p2p-part', 'x')
  put(share, 'file', 'x')
  assert.deepEqual(pathsOf(await walked(share)), ['file'])
  assert.equal(await entryAt(share, '.x.p2p-part'), undefined)
})

test('a folder with more entries than a batch comes in several, and all of them', async (t) => {
  const share = newFolder(t)
  const names = Array.from({ length: 2_500 }, (_, index) => `f${index}`)
  for (const name of names) put(share, name, '')
  await using worker = openFileWorkers()
  const sizes: number[] = []
  const seen = new Set<string>()
  for await (const batch of walkShare(worker, share)) {
    sizes.push(batch.length)
    for (const { path } of batch) seen.add(path)
  }
  assert.deepEqual(sizes, [1_000, 1_000, 500])
  assert.equal(seen.size, 2_500)
})

test('a walk that is aborted, left or without a share ends, and the worker goes on', async (t) => {
  const share = newFolder(t)
  for (let index = 0; index < 1_500; index++) put(share, `f${index}`, '')
  await using worker = openFileWorkers()
  const abort = new AbortController()
  const reason = new Error('enough')
  const aborted = walkShare(worker, share, { signal: abort.signal })
  await aborted.next()
  abort.abort(reason)
  await aborted.next().then(
    () => assert.rejects(aborted.next(), reason),
    (error) => assert.equal(error, reason),
  )
  for await (const batch of walkShare(worker, share)) {
    assert.equal(batch.length, 1_000)
    break
  }
  await assert.rejects(walkShare(worker, join(share, 'nothing')).next(), (error) =>
    isP2PError(error, 'file-unusable'),
  )
  let batches = 0
  for await (const _ of walkShare(worker, share)) batches++
  assert.equal(batches, 2)
})

test('a folder that cannot be read is left out and counted', async (t) => {
  const share = newFolder(t)
  put(share, 'closed/file', 'x')
  execFileSync('chmod', ['0', join(share, 'closed')])
  {
    using _nobody = asNobody(share)
    const found = await walked(share)
    assert.deepEqual(pathsOf(found), [])
    assert.deepEqual(found.leftOut, { ...nothingLeftOut, unreadable: 1 })
  }
  execFileSync('chmod', ['700', join(share, 'closed')])
})

test(
  'what is shared is found where it really is, through links that its own user names',
  onLinux,
  async (t) => {
    const folder = newFolder(t)
    const file = put(folder, 'real/file', 'x')
    symlinkSync('real', join(folder, 'link'))
    assert.deepEqual(await resolveShare(join(folder, 'link')), { path: join(folder, 'real'), kind: 'folder' })
    assert.deepEqual(await resolveShare(join(folder, 'link/file')), { path: file, kind: 'file' })
    execFileSync('mkfifo', [join(folder, 'pipe')])
    for (const path of ['nothing', 'pipe', 'real/file/below'])
      await assert.rejects(
        resolveShare(join(folder, path)),
        (error) => isP2PError(error, 'share-invalid'),
        path,
      )
  },
)

test('one entry is looked at as a walk does, and one that is gone is nothing', async (t) => {
  const share = newFolder(t)
  put(share, 'a/file', 'hello')
  const { entries } = await walked(share)
  for (const entry of entries) assert.deepEqual(await entryAt(share, entry.path), entry)
  rmSync(join(share, 'a'), { recursive: true })
  assert.equal(await entryAt(share, 'a/file'), undefined)
  assert.equal(await entryAt(share, 'a'), undefined)
})

/** Makes a file whose path is longer than the system takes in one go. */
function makeLongPath(share: string, path: string): void {
  execFileSync(
    process.execPath,
    [
      '-e',
      `const { mkdirSync, writeFileSync } = require('node:fs')
       const names = process.argv[1].split('/')
       const last = names.pop()
       for (const name of names) { mkdirSync(name, { recursive: true }); process.chdir(name) }
       writeFileSync(last, '')`,
      path,
    ],
    { cwd: share },
  )
}
