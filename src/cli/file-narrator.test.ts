import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  limits,
  startNode,
  type NodeEvent,
  type OfferId,
  type OfferInfo,
  type PeerId,
  type Share,
  type Transfer,
} from '../index.ts'
import { MemoryNetwork } from '../testing/index.ts'
import { savedLine } from '../face/saved-line.ts'
import { plainStyle } from '../face/style.ts'
import { View } from '../face/view.ts'
import { Narrator } from './narrator.ts'
import { ShellState } from './shell-state.ts'

const peerId = '7c21ab90-0000-8000-8000-000000000001' as PeerId
const who = '7c21ab90 unverified'

interface Desk extends AsyncDisposable {
  readonly state: ShellState
  /** What is told of an event, so many milliseconds after the start. */
  readonly told: (event: EventAtNoTime, ms?: number) => readonly string[]
}

type EventAtNoTime = NodeEvent extends infer Event
  ? Event extends NodeEvent
    ? Omit<Event, 'at'>
    : never
  : never

async function openDesk(): Promise<Desk> {
  const node = await startNode({ ...new MemoryNetwork().host() })
  const state = new ShellState(node)
  const narrator = new Narrator(state, new View(node, plainStyle, { wholeIds: false }))
  const start = Date.now()
  return {
    state,
    told: (event, ms = 0) => narrator.lines({ ...event, at: new Date(start + ms) }),
    [Symbol.asyncDispose]: () => node.close(),
  }
}

function transfer(more: Partial<Transfer> = {}): Transfer {
  const counts = { bytes: 0, totalBytes: 1.2e9, files: 0, totalFiles: 1, bytesPerSecond: 0 }
  const rest = { state: 'active', reason: '', sources: [] } as const
  return { id: 'a', direction: 'in', peerId, path: 'disk.iso', ...counts, ...rest, ...more }
}

function offer(more: Partial<OfferInfo> = {}): OfferInfo {
  const id = 'ab'.repeat(16) as OfferId
  const entries = [{ name: 'build.tar', kind: 'file', sizeBytes: 12.3e6, files: 1, id: undefined }] as const
  const rest = { at: new Date(), totalBytes: 12.3e6, state: 'open', reason: '' } as const
  return { id, peerId, incoming: true, entries, ...rest, ...more }
}

function share(more: Partial<Share>): EventAtNoTime {
  const usual = { name: 'photos', path: '/photos', kind: 'folder', visibleTo: 'all', files: 1_204 } as const
  const counts = { totalBytes: 3.2e9, unhashedFiles: 0, unhashedBytes: 0, problem: '' }
  return { type: 'share:changed', share: { ...usual, ...counts, ...more } }
}

test('a transfer is told when it begins and ends, with how fast it was, and not in between', async () => {
  await using desk = await openDesk()
  assert.deepEqual(desk.told({ type: 'transfer:changed', transfer: transfer({ state: 'queued' }) }), [])
  assert.deepEqual(desk.told({ type: 'transfer:started', transfer: transfer() }, 5_000), [
    `Taking disk.iso (1.2 GB) from ${who}.`,
  ])
  assert.deepEqual(desk.told({ type: 'transfer:progress', transfer: transfer() }, 6_000), [])
  const ended = transfer({ state: 'done', bytes: 1.2e9, savedAs: '/home/me/disk.iso' })
  assert.deepEqual(desk.told({ type: 'transfer:done', transfer: ended }, 8_000), [
    'Saved as /home/me/disk.iso: 1.2 GB in 3.0 s (400 MB/s), verified.',
  ])
})

test('what was there already is told, and is no part of the speed', () => {
  const folder = { path: 'photos', savedAs: '/home/me/photos', totalBytes: 3e6, totalFiles: 22 }
  const line = (more: Partial<Transfer>) => savedLine({ ...folder, ...more }, 1_000)
  assert.equal(
    line({ reusedFiles: 22, reusedBytes: 3e6 }),
    'There already: /home/me/photos, 22 files, 3.0 MB.',
  )
  assert.equal(
    line({ reusedFiles: 3, reusedBytes: 1e6 }),
    'Saved as /home/me/photos: 22 files, 3.0 MB in 1.0 s (2.0 MB/s), verified; 3 of 22 files were there already.',
  )
  assert.equal(
    line({ reusedBytes: 1e6, totalFiles: 1 }),
    'Saved as /home/me/photos: 3.0 MB in 1.0 s (2.0 MB/s), verified; 1.0 MB of it did not have to be fetched.',
  )
  assert.equal(
    line({ reusedBytes: 3e6 }),
    'Saved as /home/me/photos: 22 files, 3.0 MB in 1.0 s, verified; 3.0 MB of it did not have to be fetched.',
  )
})

test('of what somebody takes of a share the size is told when it is one file: of more, only a part is known', async () => {
  await using desk = await openDesk()
  const started = (more: Partial<Transfer>) =>
    desk.told({ type: 'transfer:started', transfer: transfer({ direction: 'out', ...more }) })
  assert.deepEqual(started({}), [`${who} takes disk.iso (1.2 GB).`])
  assert.deepEqual(started({ path: 'photos', totalFiles: 3 }), [`${who} takes photos.`])
})

test('what waits or fails is told once, with why', async () => {
  await using desk = await openDesk()
  const waiting = transfer({ state: 'waiting', reason: 'nobody who has it is here' })
  assert.deepEqual(desk.told({ type: 'transfer:changed', transfer: waiting }), [
    'disk.iso waits: nobody who has it is here.',
  ])
  assert.deepEqual(desk.told({ type: 'transfer:changed', transfer: waiting }), [])
  assert.deepEqual(
    desk.told({
      type: 'transfer:failed',
      transfer: transfer({ state: 'failed', reason: 'The disk is full.' }),
    }),
    [`Not taken: disk.iso, ${who}. The disk is full.`],
  )
})

test('a transfer that a command begins is told by the command alone', async () => {
  await using desk = await openDesk()
  const { promise, resolve } = Promise.withResolvers<Transfer>()
  const beginning = desk.state.ongoing.begin(promise, ({ id }) => ({ kind: 'transfer', id }))
  assert.deepEqual(desk.told({ type: 'transfer:started', transfer: transfer() }), [])
  resolve(transfer())
  await beginning
  assert.deepEqual(desk.told({ type: 'transfer:started', transfer: transfer() }), [])
  assert.equal(desk.told({ type: 'transfer:started', transfer: transfer({ id: 'b' }) }).length, 1)
})

test('an offer is told with how to answer, and the number stays its own', async () => {
  await using desk = await openDesk()
  assert.deepEqual(desk.told({ type: 'offer:received', offer: offer() }), [
    `${who} offers build.tar (12.3 MB). accept 1 takes it, decline 1 refuses.`,
  ])
  const second = offer({ id: 'cd'.repeat(16) as OfferId })
  assert.match(desk.told({ type: 'offer:received', offer: second })[0] ?? '', /accept 2 takes it/)
  desk.state.listedOffers = [second.id]
  assert.match(desk.told({ type: 'offer:received', offer: offer() })[0] ?? '', /accept 2 takes it/)
  desk.state.attach(peerId)
  assert.match(
    desk.told({ type: 'offer:received', offer: second })[0] ?? '',
    /\/quit, then accept 1 takes it/,
  )
})

test('the answers to an offer of ours are told, and the transfer that it is says nothing more', async () => {
  await using desk = await openDesk()
  const tell = (state: OfferInfo['state'], reason = ''): string | undefined =>
    desk.told({ type: 'offer:changed', offer: offer({ incoming: false, state, reason }) })[0]
  assert.equal(tell('accepted'), `${who} takes build.tar (12.3 MB).`)
  assert.equal(tell('received'), `${who} has build.tar (12.3 MB), verified.`)
  assert.equal(tell('declined'), `${who} declined build.tar (12.3 MB).`)
  assert.equal(tell('failed', 'disk full'), `${who} could not take build.tar (12.3 MB): disk full.`)
  assert.equal(tell('withdrawn'), undefined)
  const out = transfer({ direction: 'out', offerId: offer().id })
  assert.deepEqual(desk.told({ type: 'transfer:started', transfer: out }), [])
})

test('a share is told when all of it can be fetched, and when it cannot be read', async () => {
  await using desk = await openDesk()
  assert.deepEqual(desk.told(share({})), [])
  assert.deepEqual(desk.told(share({ unhashedFiles: 4 })), [])
  assert.deepEqual(desk.told(share({})), ['photos can be fetched: 1,204 files, 3.2 GB.'])
  assert.deepEqual(desk.told(share({ problem: 'it is gone' })), ['photos: it is gone'])
  assert.deepEqual(desk.told(share({ problem: 'it is gone' })), [])
})

test('L1, F7: whatever a peer calls its files, nothing of it commands the terminal', async () => {
  await using desk = await openDesk()
  const evil = 'a\u001b[2J\u202Egpj.\nb\u0007'
  const entries = [{ name: evil, kind: 'folder', sizeBytes: 1, files: 2, id: undefined }] as const
  const events: readonly EventAtNoTime[] = [
    { type: 'transfer:started', transfer: transfer({ path: evil }) },
    { type: 'transfer:done', transfer: transfer({ path: evil, state: 'done' }) },
    { type: 'transfer:done', transfer: transfer({ path: evil, state: 'done', savedAs: evil }) },
    { type: 'transfer:failed', transfer: transfer({ path: evil, state: 'failed', reason: evil }) },
    { type: 'transfer:changed', transfer: transfer({ path: evil, state: 'waiting', reason: evil }) },
    { type: 'offer:received', offer: offer({ entries }) },
    { type: 'offer:changed', offer: offer({ incoming: false, entries, state: 'failed', reason: evil }) },
  ]
  for (const event of events) {
    const lines = desk.told(event)
    assert.equal(lines.length, 1, event.type)
    assert.doesNotMatch(lines.join(''), /[\p{Cc}\p{Cf}]/u)
  }
})

test('U15: offers and fetches without end become a few lines, and how many more there were', async () => {
  await using desk = await openDesk()
  const flood = limits.unaskedLineBurst * 3
  let lines = 0
  for (let number = 0; number < flood; number++) {
    const id = number.toString(16).padStart(32, '0') as OfferId
    lines += desk.told({ type: 'offer:received', offer: offer({ id }) }).length
    const out = transfer({ id, direction: 'out' })
    lines += desk.told({ type: 'transfer:started', transfer: out }).length
  }
  assert.equal(lines, limits.unaskedLineBurst * 2)
  assert.equal(desk.state.listedOffers.length, limits.unaskedLineBurst)
  const [more] = desk.told({ type: 'offer:received', offer: offer() }, 2_000)
  assert.match(more ?? '', /and 40 more \(offers\)/)
})
