import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { PeerId } from '../../protocol/peer-id.ts'
import { Grants, Streams, type Grant } from './fetch-job.ts'

const [owner, fellow, stranger, liar] = ['owner', 'fellow', 'stranger', 'liar'] as PeerId[] as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
]

function grant(change: Partial<Omit<Grant, 'fellows'>> & { readonly fellows?: readonly PeerId[] }): Grant {
  return { complete: true, open: false, ...change, fellows: new Set(change.fellows) }
}

test('F5: nobody may have what nobody has given', () => {
  const grants = new Grants()
  grants.said(owner, grant({ open: true }))
  assert.equal(grants.isOpen, false)
  assert.equal(grants.allows(stranger), false)
})

test('what is open at its owner is open here, and otherwise those may have it whom the owner named', () => {
  const open = new Grants()
  open.said(owner, grant({ open: true }))
  open.gave(owner)
  assert.equal(open.isOpen, true)
  assert.equal(open.allows(stranger), true)
  const named = new Grants()
  named.said(owner, grant({ fellows: [fellow] }))
  named.gave(owner)
  assert.equal(named.isOpen, false)
  assert.equal(named.allows(fellow), true)
  assert.equal(named.allows(stranger), false)
})

test('F5: a peer that gave a part cannot give away what the owner gave in confidence', () => {
  for (const lie of [grant({ open: true }), grant({ fellows: [stranger] })]) {
    for (const complete of [true, false]) {
      const grants = new Grants()
      grants.asked(owner)
      grants.said(liar, { ...lie, complete })
      grants.gave(liar)
      // The first chunk may be here before the owner has said who may have it.
      grants.gave(owner)
      assert.equal(grants.allows(stranger), false)
      grants.said(owner, grant({ fellows: [fellow] }))
      assert.equal(grants.isOpen, false)
      assert.equal(grants.allows(stranger), false)
      assert.equal(grants.allows(fellow), !complete || lie.open, 'both have to allow it')
    }
  }
})

test('F5: nor what fellows of the owner gave, who is away', () => {
  const grants = new Grants()
  grants.asked(owner)
  grants.said(fellow, grant({ complete: false, fellows: [stranger] }))
  grants.gave(fellow)
  assert.equal(grants.allows(stranger), true, 'as the fellow says')
  grants.said(liar, grant({ open: true }))
  grants.gave(liar)
  assert.equal(grants.isOpen, false)
  assert.equal(grants.allows(stranger), true)
  assert.equal(grants.allows(liar), false, 'the fellow has not named the liar')
})

test('F5, twin: where the owner is not known as such, one chunk of a liar who says that it has all gives it away', () => {
  const grants = new Grants()
  grants.asked(liar)
  grants.said(liar, grant({ open: true }))
  grants.gave(liar)
  grants.gave(owner)
  grants.said(owner, grant({ fellows: [fellow] }))
  assert.equal(grants.allows(stranger), true)
})

test('who was named stays named while the transfer lasts', () => {
  const grants = new Grants()
  grants.said(owner, grant({ fellows: [fellow] }))
  grants.said(owner, grant({ fellows: [] }))
  grants.gave(owner)
  assert.equal(grants.allows(fellow), true)
})

test('only so many answers come at the same time, first come, first served', async () => {
  const streams = new Streams(2)
  const { signal } = new AbortController()
  const order: number[] = []
  let running = 0
  await Promise.all(
    Array.from({ length: 8 }, (_, number) =>
      streams.take(async () => {
        order.push(number)
        assert.ok(++running <= 2)
        await new Promise((resolve) => setImmediate(resolve))
        running--
      }, signal),
    ),
  )
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7])
})

test('who gives up waiting for its turn takes it from nobody', async () => {
  const streams = new Streams(1)
  const gate = Promise.withResolvers<void>()
  const holder = streams.take(() => gate.promise, new AbortController().signal)
  const giveUp = new AbortController()
  const impatient = streams.take(() => Promise.resolve(), giveUp.signal)
  const patient = streams.take(() => Promise.resolve('served'), new AbortController().signal)
  giveUp.abort(new Error('no more'))
  gate.resolve()
  await assert.rejects(impatient, /no more/)
  assert.equal(await patient, 'served')
  await holder
  assert.equal(await streams.take(() => Promise.resolve('free'), new AbortController().signal), 'free')
})
