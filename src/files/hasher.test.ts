import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  lstatSync,
  openSync,
  closeSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bytesOf, indexed, newFolder, put, tickingFolder } from '../../test/files/shares.ts'
import { leafBytes } from '../protocol/file-id.ts'
import { openFileWorkers } from './file-workers.ts'
import { fileIdOfContent, groupsOf, leavesOfContent } from './hash-tree.ts'
import { hashFiles } from './hasher.ts'
import type { HashOutcome } from './hasher-jobs.ts'
import { stampOf, type FileOfShare } from './opened-file.ts'

async function outcomesOf(files: readonly FileOfShare[]): Promise<readonly HashOutcome[]> {
  await using worker = openFileWorkers()
  const outcomes: HashOutcome[] = []
  for await (const { file, outcome } of hashFiles(worker, files)) {
    assert.equal(file, files[outcomes.length], 'in the order asked for')
    outcomes.push(outcome)
  }
  return outcomes
}

test('files of any size get the ID and leaves of their content', async (t) => {
  const share = newFolder(t)
  const sizes = [0, 1, 4_096, leafBytes - 1, leafBytes, leafBytes + 1, 2 * leafBytes, 5 * leafBytes + 7, 9]
  const contents = sizes.map((size, index) => bytesOf(size, index + 1))
  for (const [index, content] of contents.entries()) put(share, `file ${index}`, content)
  const outcomes = await outcomesOf(contents.map((_, index) => indexed(share, `file ${index}`)))
  assert.deepEqual(
    outcomes,
    contents.map((content) => ({
      kind: 'hashed',
      id: fileIdOfContent(content),
      leaves: new Uint8Array(leavesOfContent(content)),
      groups: groupsOf(leavesOfContent(content)),
    })),
  )
})

test('more small files than fit one batch are all hashed', async (t) => {
  const share = newFolder(t)
  const files = Array.from({ length: 1_500 }, (_, index) => {
    put(share, `${index}`, `content ${index}`)
    return indexed(share, `${index}`)
  })
  const outcomes = await outcomesOf(files)
  assert.equal(outcomes.length, files.length)
  for (const [index, outcome] of outcomes.entries())
    assert.equal(outcome.kind === 'hashed' && outcome.id, fileIdOfContent(Buffer.from(`content ${index}`)))
})

test('the holes of a sparse file are zeros', async (t) => {
  const share = newFolder(t)
  const place = put(share, 'sparse', '')
  truncateSync(place, 3 * leafBytes + 100)
  const fd = openSync(place, 'r+')
  writeSync(fd, 'x', leafBytes + 5)
  closeSync(fd)
  const content = Buffer.alloc(3 * leafBytes + 100)
  content.write('x', leafBytes + 5)
  const [outcome] = await outcomesOf([indexed(share, 'sparse')])
  assert.equal(outcome?.kind === 'hashed' && outcome.id, fileIdOfContent(content))
})

for (const size of [10, 3 * leafBytes]) {
  test(`what cannot be hashed says why, and the others are hashed all the same (${size} bytes)`, async (t) => {
    const share = newFolder(t)
    for (const name of ['first', 'gone', 'changed', 'linked', 'last']) put(share, name, bytesOf(size))
    const files = ['first', 'gone', 'changed', 'linked', 'last'].map((name) => indexed(share, name))
    rmSync(join(share, 'gone'))
    appendFileSync(join(share, 'changed'), 'x')
    rmSync(join(share, 'linked'))
    symlinkSync('first', join(share, 'linked'))
    const outcomes = await outcomesOf(files)
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['hashed', 'gone', 'changed', 'gone', 'hashed'],
    )
  })
}

test('F2: a pipe in the place of a file is gone, and nobody waits for its other end', async (t) => {
  const share = newFolder(t)
  put(share, 'file', 'x')
  const file = indexed(share, 'file')
  rmSync(join(share, 'file'))
  execFileSync('mkfifo', [join(share, 'file')])
  assert.deepEqual(await outcomesOf([file]), [{ kind: 'gone' }])
})

test('a file that is written after it was hashed has another stamp, however quickly', async (t) => {
  const share = tickingFolder(t) ?? newFolder(t)
  const stampNow = (): string => stampOf(lstatSync(join(share, 'file'), { bigint: true }))
  await using worker = openFileWorkers()
  for (let round = 0; round < 30; round++) {
    put(share, 'file', `before ${round}`.padEnd(20))
    const file = indexed(share, 'file')
    for await (const { outcome } of hashFiles(worker, [file])) assert.equal(outcome.kind, 'hashed')
    writeFileSync(join(share, 'file'), `after ${round}`.padEnd(20))
    assert.notEqual(stampNow(), file.stamp)
  }
})

test('twin: without that wait two writes have the same stamp, where the clock of the file system ticks', (t) => {
  const share = tickingFolder(t)
  if (share === undefined) return t.skip('needs root on Linux, to mount a file system whose clock ticks')
  const stampNow = (): string => stampOf(lstatSync(join(share, 'file'), { bigint: true }))
  let same = false
  for (let round = 0; !same && round < 200; round++) {
    put(share, 'file', `before ${round}`.padEnd(20))
    const before = stampNow()
    writeFileSync(join(share, 'file'), `after ${round}`.padEnd(20))
    same = before === stampNow()
  }
  assert.ok(same)
})

test('progress goes up to all bytes', async (t) => {
  const share = newFolder(t)
  put(share, 'large', bytesOf(4 * leafBytes + 3))
  put(share, 'small', 'hello')
  const files = [indexed(share, 'large'), indexed(share, 'small')]
  const told: number[] = []
  await using worker = openFileWorkers()
  for await (const { outcome } of hashFiles(worker, files, { progress: (bytes) => told.push(bytes) }))
    assert.equal(outcome.kind, 'hashed')
  assert.deepEqual(
    told,
    told.toSorted((a, b) => a - b),
  )
  assert.equal(told.at(-1), 4 * leafBytes + 8)
})

test('an abort ends the hashing of a large file in the middle, with its reason', async (t) => {
  const share = newFolder(t)
  const place = put(share, 'huge', '')
  // Hashing all of it would take a minute: an abort that waits for the end does not pass unnoticed.
  truncateSync(place, 200 * 1024 * leafBytes)
  const abort = new AbortController()
  const reason = new Error('enough')
  await using worker = openFileWorkers()
  const hashing = hashFiles(worker, [indexed(share, 'huge')], {
    signal: abort.signal,
    progress: () => abort.abort(reason),
  })
  await assert.rejects(hashing.next(), reason)
  const aborted = hashFiles(worker, [indexed(share, 'huge')], { signal: AbortSignal.abort(reason) })
  await assert.rejects(aborted.next(), reason)
})

test('other jobs get their turn while a large file is hashed', async (t) => {
  const share = newFolder(t)
  truncateSync(put(share, 'huge', ''), 200 * 1024 * leafBytes)
  put(share, 'small', 'hello')
  const abort = new AbortController()
  await using worker = openFileWorkers()
  const hashing = hashFiles(worker, [indexed(share, 'huge')], { signal: abort.signal })
  const huge = hashing.next()
  for await (const { outcome } of hashFiles(worker, [indexed(share, 'small')]))
    assert.equal(outcome.kind, 'hashed')
  abort.abort(new Error('enough'))
  await assert.rejects(huge, /enough/)
})

test('a disposed worker ends what it was doing', async (t) => {
  const share = newFolder(t)
  truncateSync(put(share, 'huge', ''), 200 * 1024 * leafBytes)
  const worker = openFileWorkers()
  const ended = assert.rejects(hashFiles(worker, [indexed(share, 'huge')]).next(), { code: 'node-stopped' })
  await worker[Symbol.asyncDispose]()
  await ended
})
