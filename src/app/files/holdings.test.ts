import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFile, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { fileIdOf, leavesOfContent } from '../../files/hash-tree.ts'
import { leafBytes } from '../../protocol/file-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { ChunkOutput } from './fetch-job.ts'
import { Holdings } from './holdings.ts'

const peer = '11111111-1111-8111-8111-111111111111' as PeerId
const sizeBytes = 3 * leafBytes + 100

function held() {
  const content = randomBytes(sizeBytes)
  const leaves = leavesOfContent(content)
  const shelf = { groups: () => undefined, leaves: () => leaves, keep() {} }
  const output: ChunkOutput = {
    write: () => Promise.resolve(),
    read: (position, into) => Promise.resolve(content.copy(into, 0, position, position + into.length)),
  }
  const holdings = new Holdings(shelf)
  return {
    content,
    holdings,
    held: holdings.open({ id: fileIdOf(leaves), sizeBytes }),
    output,
    id: fileIdOf(leaves),
  }
}

test('only chunks that came from a peer are given on, and never what lies beyond them', async () => {
  const { content, held: holding, output } = held()
  assert.equal(holding.growsIn(output), true)
  holding.gave(1)
  holding.gave(2)
  assert.deepEqual([...holding.chunks!], [0b110])
  const into = Buffer.alloc(leafBytes)
  await assert.rejects(holding.read(0, into), { code: 'file-changed' })
  assert.equal(await holding.read(leafBytes + 5, into), leafBytes)
  assert.deepEqual(into, content.subarray(leafBytes + 5, 2 * leafBytes + 5))
  assert.equal(await holding.read(2 * leafBytes + 5, into), leafBytes - 5)
  await assert.rejects(holding.read(3 * leafBytes, into), { code: 'file-changed' })
  holding.gave(0)
  holding.gave(3)
  assert.equal(holding.chunks, undefined)
  assert.equal(await holding.read(3 * leafBytes, into), 100)
  await assert.rejects(holding.read(sizeBytes, into), { code: 'file-changed' })
})

test('two parts of one content do not mix', () => {
  const { held: holding, output } = held()
  assert.equal(holding.growsIn(output), true)
  assert.equal(holding.growsIn({ ...output }), false)
  holding.stopped()
  assert.equal(holding.growsIn({ ...output }), true)
})

test('what is whole is read under its name, until it is another file', async (t) => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'p2p-holding-')))
  t.after(() => rm(folder, { recursive: true }))
  const { content, held: holding, output } = held()
  holding.growsIn(output)
  for (const chunk of [0, 1, 2, 3]) holding.gave(chunk)
  assert.equal(await holding.whole(), undefined)
  await writeFile(join(folder, 'done'), content)
  await holding.finished(folder, 'done')
  const into = Buffer.alloc(100)
  assert.equal(await holding.read(3 * leafBytes, into), 100)
  assert.deepEqual(into, content.subarray(3 * leafBytes))
  assert.deepEqual(Buffer.from((await holding.whole())?.leaves ?? []), Buffer.from(leavesOfContent(content)))
  await appendFile(join(folder, 'done'), 'x')
  await assert.rejects(holding.read(0, into), { code: 'file-changed' })
  assert.equal(holding.growsIn(output), false)
  assert.equal(await holding.whole(), undefined)
  assert.equal(holding.growsIn(output), true, 'it may be fetched again, in another place')
})

test('a file that is removed as soon as it is whole is given to nobody', async () => {
  const { held: holding, output } = held()
  holding.growsIn(output)
  holding.gave(0)
  await holding.finished('/nowhere', 'gone')
  await assert.rejects(holding.read(0, Buffer.alloc(10)), { code: 'file-changed' })
  assert.equal(holding.allows(peer), false)
})

test('a content is held once, and forgotten on request', () => {
  const { holdings, held: holding, id } = held()
  assert.equal(holdings.open({ id, sizeBytes }), holding)
  assert.equal(holdings.find(id), holding)
  holdings.forget(id)
  assert.equal(holdings.find(id), undefined)
})
