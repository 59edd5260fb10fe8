import assert from 'node:assert/strict'
import { test } from 'node:test'
import { indexed, newFolder, put } from '../../test/files/shares.ts'
import { openFileWorkers } from './file-workers.ts'

test('jobs are done side by side, each answered for itself, also when another fails', async (t) => {
  const share = newFolder(t)
  put(share, 'file', 'hello')
  await using worker = openFileWorkers()
  const file = indexed(share, 'file')
  const answers = await Promise.allSettled([
    worker.run('lookAtFiles', [file]),
    worker.run('fillPack', { files: [{ ...file, stamp: 'other' }], into: new Uint8Array(5) }),
    worker.run('hashSmallFiles', [file, file]),
    worker.run('lookAtFiles', [file, file, file]),
  ])
  assert.deepEqual(
    answers.map((answer) =>
      answer.status === 'rejected'
        ? answer.reason.code
        : Array.isArray(answer.value) && answer.value.map(({ kind }) => kind),
    ),
    [['there'], 'file-changed', ['hashed', 'hashed'], ['there', 'there', 'there']],
  )
})

test('an error of the job travels with its code, and the thread goes on', async (t) => {
  const share = newFolder(t)
  put(share, 'file', 'hello')
  await using worker = openFileWorkers()
  const file = indexed(share, 'file')
  // A place that is too small: a mistake of ours, and no error of the disk.
  const noRoom = worker.run('idOfLeaves', new Uint8Array(31))
  await assert.rejects(noRoom, { code: 'internal' })
  assert.deepEqual(await worker.run('lookAtFiles', [file]), [{ kind: 'there', sizeBytes: 5 }])
})

test('after disposal nothing is done any more, and disposal may be asked for twice', async () => {
  const worker = openFileWorkers()
  await worker[Symbol.asyncDispose]()
  await worker[Symbol.asyncDispose]()
  await assert.rejects(worker.run('lookAtFiles', []), { code: 'node-stopped' })
})
