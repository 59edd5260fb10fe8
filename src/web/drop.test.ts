import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../base/limits.ts'
import type { OfferInfo, PeerId } from '../index.ts'
import type { Snapshot } from '../control/view-state.ts'
import { parsePeerId } from '../protocol/peer-id.ts'
import { isAnswerAwaited, Uploader } from './drop.ts'
import type { UploadWish } from './link.ts'
import { initialState, next, type Action, type PageState } from './page-state.ts'

const at = new Date('2026-01-02T03:04:05Z')
const maya = parsePeerId('0f1e2d3c-4b5a-8978-8695-a4b3c2d1e0f9')
const other = parsePeerId('1f1e2d3c-4b5a-8978-8695-a4b3c2d1e0f9')
assert.ok(maya && other)

const snapshot: Snapshot = {
  version: '1',
  node: { id: other, name: 'me', port: 1, addresses: [], policy: 'open' },
  identity: { id: other, publicKey: '', safetyNumber: '', invitation: '' },
  peers: [],
  sessions: [],
  contacts: [],
  conversations: [],
  verifications: [],
  shares: [],
  offers: [],
  transfers: [],
  limits: { download: Infinity, upload: Infinity, perPeer: Infinity, active: 4 },
}

interface Stage {
  readonly uploader: Uploader
  /** What is being read now, by name. */
  readonly reading: ReadonlyMap<string, { readonly done: () => void; readonly failed: (why: Error) => void }>
  /** All that the node was given whole, in order. */
  readonly given: readonly string[]
  readonly alarms: readonly string[]
  readonly state: () => PageState
  readonly send: (count: number, name?: string, to?: PeerId) => void
  readonly dispatch: (action: Action) => void
  /** Everybody answers what was offered to him so far, and is told of on the page. */
  readonly answer: () => void
}

/** An uploader whose node takes a file when the test says so, and tells of its offers when they are answered. */
function openStage(): Stage {
  let state = initialState({ view: 'people' })
  const [given, alarms, open] = [[] as string[], [] as string[], [] as OfferInfo[]]
  const reading = new Map<string, { done: () => void; failed: (why: Error) => void }>()
  const dispatch = (action: Action): void => {
    state = next(state, action)
    if (action.type === 'notice' && action.news.kind === 'alarm') alarms.push(action.news.text)
  }
  const upload = async ({ peerId, file, signal, onProgress }: UploadWish): Promise<OfferInfo> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    reading.set(file.name, { done: resolve, failed: reject })
    signal.addEventListener('abort', () => reject(signal.reason))
    onProgress(1)
    try {
      await promise
      given.push(file.name)
    } finally {
      reading.delete(file.name)
    }
    const id = String(given.length) as OfferInfo['id']
    const offer = { id, peerId, incoming: false, at, entries: [], totalBytes: 1, reason: '' } as const
    open.push({ ...offer, state: 'open' })
    return open.at(-1)!
  }
  const store = {
    get state() {
      return state
    },
    dispatch,
  }
  dispatch({ type: 'link', link: { kind: 'open' } })
  dispatch({ type: 'state', snapshot })
  const uploader = new Uploader({ upload }, store)
  return {
    uploader,
    reading,
    given,
    alarms,
    dispatch,
    state: () => state,
    send: (count, name = 'file', to = maya!) =>
      uploader.send(
        to,
        Array.from({ length: count }, (_, number) => new File(['x'], `${name} ${number}`)),
      ),
    answer() {
      for (const offer of open.splice(0))
        dispatch({
          type: 'event',
          event: { type: 'offer:changed', at, offer: { ...offer, state: 'received' } },
        })
      uploader.advance()
    },
  }
}

function moment(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Lets the node take everything that is read, and everybody answer, until nothing is left. */
async function finishAll({ reading, answer }: Stage): Promise<void> {
  while (reading.size > 0) {
    for (const { done } of reading.values()) done()
    await moment()
    answer()
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
  assert.deepEqual(given, [...Array.from({ length: most }, (_, number) => `file ${number}`), 'later 0'])
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

test('F12: a sixth offer waits here for an answer, instead of being declined there; others go meanwhile', async () => {
  const stage = openStage()
  const { reading, given, answer } = stage
  const most = limits.pendingOffersPerPeer
  const readAll = async (): Promise<void> => {
    for (let left = 20; reading.size > 0 && left > 0; left--) {
      for (const { done } of reading.values()) done()
      await moment()
    }
  }
  stage.send(most + 3)
  await readAll()
  assert.equal(given.length, most)
  assert.equal(stage.state().uploads.length, 3)
  // What the node has made is counted before the page is told of it, and afterwards.
  const offers = given.map((_, number) => offerOf(String(number + 1)))
  stage.dispatch({ type: 'state', snapshot: { ...snapshot, offers } })
  stage.uploader.advance()
  assert.equal(reading.size, 0)
  assert.ok(isAnswerAwaited(offers, maya) && !isAnswerAwaited(offers, other))

  stage.send(1, 'to another', other)
  await readAll()
  assert.equal(given.at(-1), 'to another 0')
  answer()
  await readAll()
  assert.equal(given.length, most + 4)
  assert.deepEqual(stage.state().uploads, [])
})

function offerOf(id: string): OfferInfo {
  const fixed = { incoming: false, at, entries: [], totalBytes: 1, state: 'open', reason: '' } as const
  return { id: id as OfferInfo['id'], peerId: maya!, ...fixed }
}

test('while the node is away files wait, and go on when it is there again', async () => {
  const stage = openStage()
  stage.dispatch({ type: 'link', link: { kind: 'lost' } })
  stage.send(3)
  assert.equal(stage.reading.size, 0)
  assert.deepEqual(stage.alarms, [])
  stage.dispatch({ type: 'link', link: { kind: 'open' } })
  stage.uploader.advance()
  await finishAll(stage)
  assert.equal(stage.given.length, 3)
})
