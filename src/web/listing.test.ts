import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../base/limits.ts'
import type { SharedFile } from '../index.ts'
import { parsePeerId } from '../protocol/peer-id.ts'
import { find, isFull, list, type Listing } from './listing.ts'
import type { Link } from './link.ts'

const peerId = parsePeerId('0f1e2d3c-4b5a-8978-8695-a4b3c2d1e0f9')
assert.ok(peerId)

function file(number: number): SharedFile {
  return {
    peerId: peerId!,
    path: `${number}.txt`,
    kind: 'file',
    sizeBytes: 1,
    modifiedAtMs: 0,
    id: undefined,
  }
}

interface Shown {
  listing: Listing
  readonly change: (change: (listing: Listing) => Listing) => void
}

/** Where a listing is shown. */
function openShown(): Shown {
  const shown: Shown = {
    listing: { entries: [], next: '', state: 'loading', why: '' },
    change: (change) => (shown.listing = change(shown.listing)),
  }
  return shown
}

/** Answers as the node does, which always has one more. */
function answering(node: object): Pick<Link, 'call' | 'lines'> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a test knows what it asks for
  return node as Pick<Link, 'call' | 'lines'>
}

test('a folder without an end is held up to the bound', async () => {
  const shown = openShown()
  const { signal } = new AbortController()
  let asked = 0
  const link = answering({
    call: () => {
      const from = asked++ * 999
      const entries = Array.from({ length: 999 }, (_, at) => file(from + at))
      return Promise.resolve({ entries, next: String(from) })
    },
  })
  const wanted = { peerId, path: '', pattern: '', signal, change: shown.change }
  await list(link, wanted)
  while (!isFull(shown.listing)) await list(link, wanted, shown.listing.next)
  assert.equal(shown.listing.entries.length, limits.pageEntries)
  assert.equal(asked, Math.ceil(limits.pageEntries / 999))
  assert.deepEqual(shown.listing.entries.at(-1), file(limits.pageEntries - 1))
})

test('a search without an end is held up to the bound, and then ended', async () => {
  const shown = openShown()
  const { signal } = new AbortController()
  let hasEnded = false
  const link = answering({
    async *lines() {
      try {
        for (let number = 0; ; number++) yield await Promise.resolve(file(number))
      } finally {
        hasEnded = true
      }
    },
  })
  await find(link, { path: '', pattern: '.txt', signal, change: shown.change })
  assert.equal(shown.listing.entries.length, limits.pageEntries)
  assert.equal(shown.listing.state, 'there')
  assert.ok(hasEnded)
})

test('who does not answer keeps nobody waiting for what others have', async () => {
  const shown = openShown()
  const stop = new AbortController()
  const asked: unknown[] = []
  const link = answering({
    async *lines(_name: string, input: object) {
      asked.push(input)
      yield file(1)
      await new Promise((_, reject) =>
        stop.signal.addEventListener('abort', () => reject(stop.signal.reason)),
      )
    },
  })
  const looking = find(link, { path: '', pattern: '.txt', signal: stop.signal, change: shown.change })
  while (shown.listing.entries.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.deepEqual(shown.listing.entries, [file(1)])
  assert.equal(shown.listing.state, 'loading')
  stop.abort()
  await looking
  assert.equal(shown.listing.state, 'loading', 'what is no longer wanted changes nothing')
  assert.deepEqual(asked, [{ pattern: '.txt' }], 'everybody is asked')
})
