import assert from 'node:assert/strict'
import { test } from 'node:test'

import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import type { FileQuestion } from '../../protocol/file-request.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { FileConnection } from '../../transport/files.ts'
import { OpenLines } from './file-lines.ts'

const peer = '11111111-1111-8111-8111-111111111111' as PeerId
const question: FileQuestion = { kind: 'list', offer: undefined, path: '', after: '', deep: false }

/** Lines that answer with their number. */
function openHouse(options: { readonly dead?: readonly number[]; readonly allowed?: () => boolean } = {}) {
  const opened: { end(): void }[] = []
  const lines = new OpenLines({
    require() {
      if (options.allowed?.() === false) throw new P2PError('policy-refused', 'not now')
    },
    dial() {
      const number = opened.length
      const { promise: closed, resolve } = Promise.withResolvers<void>()
      opened.push({ end: resolve })
      let asked = 0
      const line: FileConnection = {
        peerId: peer,
        closed,
        ask() {
          if (options.dead?.includes(number) === true && asked++ > 0)
            return Promise.reject(new P2PError('peer-unreachable', 'it has gone'))
          return Promise.resolve(Uint8Array.of(number))
        },
        fetch: () => Promise.resolve(),
        [Symbol.asyncDispose]: () => {
          resolve()
          return Promise.resolve()
        },
      }
      return Promise.resolve(line)
    },
  })
  return { lines, opened }
}

test('one line is used again and again', async () => {
  const { lines, opened } = openHouse()
  for (let times = 0; times < 5; times++) assert.deepEqual(await lines.ask(peer, question), Uint8Array.of(0))
  assert.equal(opened.length, 1)
  await lines[Symbol.asyncDispose]()
})

test('jobs at the same time have a line each, up to the limit; others wait for one', async () => {
  const { lines, opened } = openHouse()
  const gate = Promise.withResolvers<void>()
  let running = 0
  let most = 0
  const jobs = Array.from({ length: 12 }, () =>
    lines.use(peer, async () => {
      most = Math.max(most, ++running)
      await gate.promise
      running--
    }),
  )
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(running, limits.fileConnectionsPerPeer)
  gate.resolve()
  await Promise.all(jobs)
  assert.equal(most, limits.fileConnectionsPerPeer)
  assert.equal(opened.length, limits.fileConnectionsPerPeer)
  await lines[Symbol.asyncDispose]()
})

test('who gives up while waiting takes no line from others', async () => {
  const { lines } = openHouse()
  const gate = Promise.withResolvers<void>()
  const holders = Array.from({ length: limits.fileConnectionsPerPeer }, () =>
    lines.use(peer, () => gate.promise),
  )
  const giveUp = new AbortController()
  const impatient = lines.use(peer, () => Promise.resolve(), { signal: giveUp.signal })
  const patient = lines.use(peer, () => Promise.resolve('done'))
  giveUp.abort(new Error('no more'))
  await assert.rejects(impatient, /no more/)
  gate.resolve()
  assert.equal(await patient, 'done')
  await Promise.all(holders)
  await lines[Symbol.asyncDispose]()
})

test('a question on an old line that turns out to be dead is asked once more on a new one', async () => {
  const { lines, opened } = openHouse({ dead: [0] })
  await lines.ask(peer, question)
  assert.deepEqual(await lines.ask(peer, question), Uint8Array.of(1))
  assert.equal(opened.length, 2)
  await lines[Symbol.asyncDispose]()
})

test('a line that the other side has closed is not used again', async () => {
  const { lines, opened } = openHouse()
  await lines.ask(peer, question)
  opened[0]!.end()
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(await lines.ask(peer, question), Uint8Array.of(1))
  await lines[Symbol.asyncDispose]()
})

test('what policy and trust forbid is not asked, also on a line that is open', async () => {
  let allowed = true
  const { lines } = openHouse({ allowed: () => allowed })
  await lines.ask(peer, question)
  allowed = false
  await assert.rejects(lines.ask(peer, question), { code: 'policy-refused' })
  await lines[Symbol.asyncDispose]()
})

test('after disposal nothing is asked', async () => {
  const { lines } = openHouse()
  await lines.ask(peer, question)
  await lines[Symbol.asyncDispose]()
  await lines[Symbol.asyncDispose]()
  await assert.rejects(lines.ask(peer, question), { code: 'node-stopped' })
})
