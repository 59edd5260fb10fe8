import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readFrames } from '../../test/contracts/channel.ts'
import { makeCredentials, openTransport, type TestTransport } from '../../test/transport/open.ts'
import { limits } from '../base/limits.ts'
import type { PairingChannel } from './channel.ts'

interface Pair extends AsyncDisposable {
  readonly left: TestTransport
  readonly right: TestTransport
  open(): Promise<readonly [PairingChannel, PairingChannel]>
}

async function openEnds(options: Parameters<typeof openTransport>[0] = {}): Promise<Pair> {
  const left = await openTransport({ ...options, credentials: makeCredentials() })
  const right = await openTransport({ ...options, credentials: makeCredentials() })
  return {
    left,
    right,
    async open() {
      const next = right.nextPairing()
      return [await left.pair(right.id, [right.here]), await next]
    },
    async [Symbol.asyncDispose]() {
      await left[Symbol.asyncDispose]()
      await right[Symbol.asyncDispose]()
    },
  }
}

test('both ends of a pairing know the keys and share 32 bytes, which no other connection has', async () => {
  await using ends = await openEnds()
  const [dialler, accepter] = await ends.open()
  assert.equal(dialler.peerId, ends.right.id)
  assert.equal(accepter.peerId, ends.left.id)
  assert.equal(dialler.incoming, false)
  assert.equal(accepter.incoming, true)
  assert.equal(dialler.binding.length, 32)
  assert.deepEqual(dialler.binding, accepter.binding)
  const [other] = await ends.open()
  assert.notDeepEqual(other.binding, dialler.binding)
  assert.deepEqual(ends.right.accepted, [], 'it is no session')
})

test('who pairs may prove another key of its own', async () => {
  await using ends = await openEnds()
  const former = makeCredentials()
  const next = ends.right.nextPairing()
  await ends.left.pair(ends.right.id, [ends.right.here], { as: former })
  const { peerId, proof } = await next
  assert.equal(peerId, former.id)
  assert.deepEqual(proof.key, former.key)
})

test('a frame as long as allowed arrives, a longer one ends it with 1009', async () => {
  await using ends = await openEnds()
  const [dialler, accepter] = await ends.open()
  const frames = readFrames(accepter)
  dialler.send(new Uint8Array(limits.pairingFrameBytes))
  dialler.send(new Uint8Array(limits.pairingFrameBytes + 1))
  assert.equal((await accepter.closed).code, 1009)
  assert.ok((await frames).length <= 1)
})

test('so many frames as allowed arrive, one more ends it with 1008', async () => {
  await using ends = await openEnds()
  const [dialler, accepter] = await ends.open()
  for (let i = 0; i < limits.pairingFrames; i++) dialler.send(Uint8Array.of(i))
  assert.equal((await readFrames(accepter, limits.pairingFrames)).length, limits.pairingFrames)
  dialler.send(Uint8Array.of(0))
  assert.equal((await accepter.closed).code, 1008)
})

test('twin: with a higher limit they all arrive', async () => {
  await using ends = await openEnds({ limits: { pairingFrames: 100, pairingFrameBytes: 5_000 } })
  const [dialler, accepter] = await ends.open()
  for (let i = 0; i < 50; i++) dialler.send(new Uint8Array(2_000))
  assert.equal((await readFrames(accepter, 50)).length, 50)
})

test('a node without room for a pairing refuses it', async () => {
  await using ends = await openEnds({ context: { admitsPairing: () => false } })
  await assert.rejects(ends.left.pair(ends.right.id, [ends.right.here]), { code: 'peer-refused' })
})
