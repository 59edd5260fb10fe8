import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../base/limits.ts'
import type { OfferInfo, PeerId } from '../index.ts'
import type { Snapshot } from '../control/view-state.ts'
import { parsePeerId } from '../protocol/peer-id.ts'
import { isAnswerAwaited, Uploader } from './drop.ts'
import type { Dropped } from './dropped.ts'
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
  /** What is being read now, by the path of its first file. */
  readonly reading: ReadonlyMap<string, { readonly done: () => void; readonly failed: (why: Error) => void }>
  /** All that the node was given whole, in order, likewise. */
  readonly given: readonly string[]
  /** What was said of it. */
  readonly lines: readonly string[]
  readonly alarms: readonly string[]
  readonly state: () => PageState
  /** Sends files, each by itself. */
  readonly send: (count: number, name?: string, to?: PeerId) => Promise<void>
  /** Sends what is dropped together. */
  readonly drop: (dropped: readonly Dropped[]) => Promise<void>
  readonly dispatch: (action: Action) => void
  /** Everybody answers what was offered to him so far, and is told of on the page. */
  readonly answer: () => void
}

/** An uploader whose node takes a file when the test says so, and tells of its offers when they are answered. */
function openStage(): Stage {
  let state = initialState({ view: 'people' })
  const [given, lines, alarms] = [[] as string[], [] as string[], [] as string[]]
  const open: OfferInfo[] = []
  const reading = new Map<string, { done: () => void; failed: (why: Error) => void }>()
  const dispatch = (action: Action): void => {
    state = next(state, action)
    if (action.type === 'notice' && action.news.kind === 'alarm') alarms.push(action.news.text)
  }
  const upload = async ({ peerId, line, contents, signal, onProgress }: UploadWish): Promise<OfferInfo> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const name = contents[0]?.path ?? ''
    reading.set(name, { done: resolve, failed: reject })
    signal.addEventListener('abort', () => reject(signal.reason))
    onProgress(1)
    try {
      await promise
      given.push(name)
      lines.push(new TextDecoder().decode(line))
    } finally {
      reading.delete(name)
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
    lines,
    alarms,
    dispatch,
    state: () => state,
    send: async (count, name = 'file', to = maya!) => {
      for (let number = 0; number < count; number++) await uploader.send(to, [fileOf(`${name} ${number}`)])
    },
    drop: (dropped) => uploader.send(maya!, dropped),
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

function fileOf(name: string, text = 'x'): File {
  return new File([text], name)
}

function folderOf(name: string, ...inside: unknown[]): FileSystemEntry {
  const readEntries = (resolve: (some: unknown) => void): void => resolve(inside.splice(0))
  return { name, isDirectory: true, createReader: () => ({ readEntries }) } as unknown as FileSystemEntry
}

function filesOf(count: number, name = 'file'): readonly File[] {
  return Array.from({ length: count }, (_, number) => fileOf(`${name} ${number}`))
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

test('what is dropped together is one upload and one offer, and the node is told what is in it', async () => {
  const stage = openStage()
  await stage.drop([fileOf('one.jpg', '1'), fileOf('two.jpg', '22'), fileOf('three.jpg', '')])
  assert.deepEqual(
    stage.state().uploads.map(({ name, totalBytes }) => [name, totalBytes]),
    [['one.jpg and 2 more', 3]],
  )
  await finishAll(stage)
  assert.equal(
    stage.lines.join(),
    '[{"path":"one.jpg","sizeBytes":1},{"path":"two.jpg","sizeBytes":2},{"path":"three.jpg","sizeBytes":0}]\n',
  )
  assert.deepEqual(stage.state().uploads, [])
  assert.ok(stage.state().notices.some(({ text }) => text === 'one.jpg and 2 more are offered.'))
})

test('a row has the name of its one file, or of its folder with how many are in it', async () => {
  const stage = openStage()
  await stage.drop([fileOf('a\u202Eb.txt')])
  await stage.drop([folderOf('holiday', fileOf('1'), folderOf('deep', fileOf('2'), fileOf('3')))])
  await stage.drop([folderOf('one', fileOf('1')), fileOf('beside.txt')])
  assert.deepEqual(
    stage.state().uploads.map(({ name }) => name),
    ['a<U+202E>b.txt', 'holiday (3 files)', 'one (1 file) and 1 more'],
  )
})

test('as many files as one offer may have go; one more, and nothing of it is sent', async () => {
  const stage = openStage()
  await stage.drop(filesOf(limits.sentContents + 1))
  assert.deepEqual(stage.state().uploads, [])
  assert.match(stage.alarms.join(), /^At most 1,000 files can be sent together, .* nothing is sent\. /)
  await stage.drop(filesOf(limits.sentContents))
  assert.equal(stage.state().uploads.length, 1)
  await finishAll(stage)
  assert.equal(JSON.parse(stage.lines[0] ?? '').length, limits.sentContents)
  assert.equal(stage.alarms.length, 1)
})

test('names that are too long together are refused before anything is sent', async () => {
  const stage = openStage()
  const long = 'x'.repeat(limits.sentContentsLineBytes / 100)
  await stage.drop(filesOf(100, long))
  assert.match(stage.alarms.join(), /^The names of these files are too long .* nothing is sent\. /)
  await stage.drop(filesOf(98, long))
  assert.equal(stage.state().uploads.length, 1)
})

test('so many files wait in all; what would be more is refused as a whole, and what was taken is not lost', async () => {
  const stage = openStage()
  const { reading, given, alarms } = stage
  const most = limits.pageUploads
  await stage.send(2)
  await stage.drop(filesOf(most - 2, 'many'))
  assert.deepEqual(alarms, [])
  assert.equal(reading.size, limits.pageUploadsAtOnce)
  await stage.drop(filesOf(2, 'late'))
  assert.equal(stage.state().uploads.length, 3)
  assert.match(alarms.join(), /^1,000 files of at most 1,000 .*nothing of this is sent\./)

  // Each that is done makes room for one.
  reading.get('file 0')?.done()
  await moment()
  await stage.drop(filesOf(2, 'later'))
  assert.match(alarms[1] ?? '', /^999 files of at most 1,000 /)
  await stage.drop(filesOf(1, 'last'))
  await finishAll(stage)
  assert.deepEqual(given, ['file 0', 'file 1', 'many 0', 'last 0'])
  assert.deepEqual(stage.state().uploads, [])
})

test('what is not to be sent leaves at once, whether it is read or waits, and makes room', async () => {
  const stage = openStage()
  const { uploader, given, alarms } = stage
  await stage.send(3)
  await stage.drop(filesOf(limits.pageUploads - 3, 'many'))
  const [first, , , fourth] = stage.state().uploads
  for (const one of [first, fourth]) uploader.cancel(one?.id ?? -1)
  await moment()
  assert.equal(stage.state().uploads.length, 2)
  await stage.drop(filesOf(limits.pageUploads - 2, 'more'))
  assert.deepEqual(alarms, [])
  await finishAll(stage)
  assert.deepEqual(given, ['file 1', 'file 2', 'more 0'])
})

test('what fails is told, and the next has its turn; those that are read stand before those that wait', async () => {
  const stage = openStage()
  await stage.send(4)
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
  await stage.send(most + 3)
  await readAll()
  assert.equal(given.length, most)
  assert.equal(stage.state().uploads.length, 3)
  // What the node has made is counted before the page is told of it, and afterwards.
  const offers = given.map((_, number) => offerOf(String(number + 1)))
  stage.dispatch({ type: 'state', snapshot: { ...snapshot, offers } })
  stage.uploader.advance()
  assert.equal(reading.size, 0)
  assert.ok(isAnswerAwaited(offers, maya) && !isAnswerAwaited(offers, other))

  await stage.send(1, 'to another', other)
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
  await stage.send(3)
  assert.equal(stage.reading.size, 0)
  assert.deepEqual(stage.alarms, [])
  stage.dispatch({ type: 'link', link: { kind: 'open' } })
  stage.uploader.advance()
  await finishAll(stage)
  assert.equal(stage.given.length, 3)
})
