import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../base/limits.ts'
import type { OfferInfo } from '../index.ts'
import { parsePeerId } from '../protocol/peer-id.ts'
import { Uploader } from './drop.ts'
import type { UploadWish } from './link.ts'
import { initialState, next, type Action, type PageState } from './page-state.ts'

const peerId = parsePeerId('0f1e2d3c-4b5a-8978-8695-a4b3c2d1e0f9')
assert.ok(peerId)

interface Stage {
  readonly uploader: Uploader
  /** What is being read now, by name. */
  readonly reading: ReadonlyMap<string, { readonly done: () => void; readonly failed: (why: Error) => void }>
  /** All that the node was given whole. */
  readonly given: readonly string[]
  readonly alarms: readonly string[]
  state(): PageState
  send(count: number, name?: string): void
}

/** An uploader whose node takes a file when the test says so. */
function openStage(): Stage {
  let state = initialState({ view: 'people' })
  const [given, alarms] = [[] as string[], [] as string[]]
  const reading = new Map<string, { done: () => void; failed: (why: Error) => void }>()
  const dispatch = (action: Action): void => {
    state = next(state, action)
    if (action.type === 'notice' && action.news.kind === 'alarm') alarms.push(action.news.text)
  }
  const upload = async ({ file, signal, onProgress }: UploadWish): Promise<OfferInfo> => {
    const { promise, resolve, reject } = Promise.withResolvers<OfferInfo>()
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nobody looks at the offer
    reading.set(file.name, { done: () => resolve({} as OfferInfo), failed: reject })
    signal.addEventListener('abort', () => reject(signal.reason))
    onProgress(1)
    try {
      const offer = await promise
      given.push(file.name)
      return offer
    } finally {
      reading.delete(file.name)
    }
  }
  const uploader = new Uploader({ upload }, dispatch)
  return {
    uploader,
    reading,
    given,
    alarms,
    state: () => state,
    send: (count, name = 'file') =>
      uploader.send(
        peerId!,
        Array.from({ length: count }, (_, at) => new File(['x'], `${name} ${at}`)),
      ),
  }
}

function moment(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Lets the node take everything that is read, until nothing is left. */
async function finishAll({ reading }: Stage): Promise<void> {
  while (reading.size > 0) {
    for (const { done } of reading.values()) done()
    await moment()
  }
}

test('so many files are taken at once; the others are refused with a word, and nothing that was taken is lost', async () => {
  const stage = openStage()
  const { reading, given, alarms } = stage
  const most = limits.pageUploads
  stage.send(most)
  assert.deepEqual(alarms, [])
  assert.equal(reading.size, limits.pageUploadsAtOnce)
  stage.send(3, 'late')
  assert.equal(stage.state().uploads.length, most)
  assert.equal(alarms.length, 1)
  assert.match(alarms[0] ?? '', /^Only 1,000 files can be sent at once: the last 3 files .*not taken\. /)

  // Each that is done makes room for one.
  reading.get('file 0')?.done()
  await moment()
  stage.send(2, 'later')
  assert.match(alarms[1] ?? '', /the last 1 file /)
  await finishAll(stage)
  assert.deepEqual(given, [...Array.from({ length: most }, (_, at) => `file ${at}`), 'later 0'])
  assert.deepEqual(stage.state().uploads, [])
})

test('more files than may be sent at once: the first of them are', async () => {
  const stage = openStage()
  stage.send(limits.pageUploads + 1)
  assert.match(stage.alarms[0] ?? '', /the last 1 file /)
  await finishAll(stage)
  assert.equal(stage.given.length, limits.pageUploads)
  assert.equal(stage.given.at(-1), `file ${limits.pageUploads - 1}`)
})

test('a file that is not to be sent leaves at once, whether it is read or waits, and makes room', async () => {
  const stage = openStage()
  const { uploader, given, alarms } = stage
  stage.send(limits.pageUploads)
  const [first, , , fourth] = stage.state().uploads
  for (const one of [first, fourth]) uploader.cancel(one?.id ?? -1)
  await moment()
  assert.equal(stage.state().uploads.length, limits.pageUploads - 2)
  stage.send(2, 'more')
  assert.deepEqual(alarms, [])
  await finishAll(stage)
  assert.equal(given.length, limits.pageUploads)
  assert.ok(!given.includes('file 0') && !given.includes('file 3'))
})

test('a file that fails is told, and the next has its turn; those that are read stand before those that wait', async () => {
  const stage = openStage()
  stage.send(4)
  assert.deepEqual(
    stage.state().uploads.map(({ name }) => name),
    ['file 0', 'file 1', 'file 2', 'file 3'],
  )
  stage.reading.get('file 0')?.failed(new Error('gone'))
  await moment()
  assert.match(stage.alarms[0] ?? '', /gone/)
  assert.deepEqual([...stage.reading.keys()], ['file 1', 'file 2'])
  await finishAll(stage)
  assert.deepEqual(stage.given, ['file 1', 'file 2', 'file 3'])
})
