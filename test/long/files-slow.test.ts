/** Transfers that are slow, because the link is or because somebody wishes it: not one connection is cut, and nothing comes twice. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { describe, test, type TestContext } from 'node:test'
import { labUnavailable, openLab } from '../lab/lab.ts'
import { allMeet, openPeer, type PeerProcess } from '../lab/peer.ts'
import {
  assertSameFile,
  begin,
  countBytes,
  done,
  mebibyte,
  noise,
  openFolder,
  shape,
  shareHashed,
} from '../lab/sharing-hosts.ts'

interface Slow {
  readonly bytes: number
  readonly bytesPerSecond: number
  /** Makes it slow: the link of the sender, or one of the two. */
  readonly limit: 'link' | 'upload' | 'download'
  /** What may come at once before it is slow. */
  readonly freeBytes: number
}

const cases: readonly Slow[] = [
  { limit: 'link', bytesPerSecond: 40_000, bytes: 2 * mebibyte, freeBytes: 256 * 1024 },
  { limit: 'upload', bytesPerSecond: 30_000, bytes: 2 * mebibyte, freeBytes: 256 * 1024 },
  // Several of the buffers that a connection has, so that its reader holds it back.
  { limit: 'download', bytesPerSecond: 80_000, bytes: 9 * mebibyte, freeBytes: 4 * mebibyte },
]

async function setLimit(peer: PeerProcess, { limit, bytesPerSecond }: Slow): Promise<void> {
  await peer.command(`limit ${limit} ${bytesPerSecond}`)
}

async function assertPasses(t: TestContext, slow: Slow): Promise<void> {
  const { bytes, bytesPerSecond, limit, freeBytes } = slow
  await using lab = await openLab({ hosts: 2 })
  await using folder = await openFolder()
  await writeFile(folder.file('film.bin'), noise(bytes))
  await using one = await openPeer({ host: lab.host(0) })
  await using two = await openPeer({ host: lab.host(1) })
  await allMeet([one, two])
  await shareHashed(one, folder.file('film.bin'))
  if (limit === 'link') shape(lab.host(0), bytesPerSecond)
  if (limit === 'upload') await setLimit(one, slow)
  if (limit === 'download') await setLimit(two, slow)
  const received = countBytes(lab.host(1))
  const beganAt = performance.now()
  const leastMs = ((bytes - freeBytes) * 1_000) / bytesPerSecond
  const { savedAs } = await done(
    two,
    await begin(two, `${one.id}:film.bin`, folder.file('in')),
    leastMs * 1.5 + 20_000,
  )
  const tookMs = performance.now() - beganAt
  await assertSameFile(savedAs!, folder.file('film.bin'))
  t.diagnostic(`${(tookMs / 1_000).toFixed(0)} s, ${(received() / bytes).toFixed(2)} times the file`)
  assert.ok(tookMs >= leastMs * 0.85, `${tookMs} ms is faster than it may be`)
  assert.ok(received() < bytes * 1.15, `${received()} bytes came`)
}

describe('files that come slowly', { skip: labUnavailable(), concurrency: 3 }, () => {
  for (const slow of cases)
    test(`${slow.limit} of ${slow.bytesPerSecond / 1_000} KB/s`, (t) => assertPasses(t, slow))
})
