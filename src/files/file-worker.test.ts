import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { newFolder } from '../../test/files/shares.ts'
import { isP2PError } from '../base/errors.ts'
import { openFileWorker } from './file-worker.ts'

/** A thread that runs `source`, which may use `parentPort`. */
function entry(source: string): URL {
  return new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort, threadId } from 'node:worker_threads'; ${source}`)}`,
  )
}

const job = (folder: string) => ({ folder, files: [] })
const answering = entry(`
  parentPort.on('message', ({ number, input }) => {
    if (input.folder === 'die') process.exit(3)
    if (input.folder === 'throw') throw new Error('something new')
    if (input.folder !== 'silent') parentPort.postMessage({ number, output: threadId })
  })`)

test('a job is done in a thread, and several at once get their own answers', async (t) => {
  await using worker = openFileWorker()
  const folder = newFolder(t)
  assert.deepEqual(await Promise.all([worker.run('place', job(folder)), worker.run('place', job(folder))]), [
    [],
    [],
  ])
})

test('a thread with nothing to do ends, and another one is started for the next job', async () => {
  await using worker = openFileWorker({ idleMs: 20, entry: answering })
  const first = await worker.run('place', job(''))
  assert.equal(await worker.run('place', job('')), first)
  await sleep(200)
  assert.notEqual(await worker.run('place', job('')), first)
})

test('a thread that works for long is not idle', async () => {
  const slow = entry(
    `parentPort.on('message', ({ number }) => setTimeout(() => parentPort.postMessage({ number, output: number }), 100))`,
  )
  await using worker = openFileWorker({ idleMs: 20, entry: slow })
  await worker.run('place', job(''))
  assert.deepEqual(await worker.run('place', job('')), 1)
})

test('when the thread dies its jobs fail, and the next one has a new thread', async () => {
  await using worker = openFileWorker({ entry: answering })
  for (const end of ['die', 'throw']) {
    const jobs = [worker.run('place', job('silent')), worker.run('place', job(end))]
    for (const { reason } of (await Promise.allSettled(jobs)) as PromiseRejectedResult[]) {
      assert.ok(isP2PError(reason, 'internal'))
      assert.match(reason.message, /has ended in the middle of its work\. Try it again\.$/)
    }
    assert.equal(typeof (await worker.run('place', job(''))), 'number')
  }
})

test('what is waited for at disposal fails, as does everything afterwards; twice is as well as once', async () => {
  const worker = openFileWorker({ entry: answering })
  const waiting = worker.run('place', job('silent'))
  await Promise.all([
    assert.rejects(waiting, (error) => isP2PError(error, 'node-stopped')),
    worker[Symbol.asyncDispose](),
  ])
  await worker[Symbol.asyncDispose]()
  await assert.rejects(worker.run('place', job('')), (error) => isP2PError(error, 'node-stopped'))
})
