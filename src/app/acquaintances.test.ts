import assert from 'node:assert/strict'
import { test } from 'node:test'

import { limits } from '../base/limits.ts'
import { ephemeralIdentity } from '../identity/identity.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { openMessageStore } from '../store/message-store.ts'
import { Acquaintances } from './acquaintances.ts'
import type { Peer } from './node-event.ts'

function peerOf(id: PeerId): Peer {
  const path = { address: '192.0.2.1', port: 8001, via: ['memory'], seenAt: new Date() }
  const shown = { id, address: path.address, port: path.port, kind: 'p2p', via: path.via, name: '' } as const
  return { ...shown, paths: [path], seenAt: new Date(), protection: 'encrypted', trust: 'seen', alias: '' }
}

/** Strangers who all said something leave one after the other; a friend was met before them. */
async function meetMany(isFamiliar: (id: PeerId) => boolean, friend: PeerId) {
  const store = await openMessageStore({ path: undefined })
  const acquaintances = new Acquaintances({
    store,
    isOfInterest: () => true,
    isFamiliar,
    find: peerOf,
    ping: () => Promise.resolve(false),
    present: () => {},
    emit: () => {},
    warn: (error) => assert.fail(String(error)),
  })
  acquaintances.lost({ ...peerOf(friend), seenAt: new Date(0) })
  for (let count = 0; count < limits.acquaintances + 8; count++)
    acquaintances.lost(peerOf(ephemeralIdentity().id))
  return { acquaintances, store }
}

test('strangers take half of the room, and push out nobody whom our user knows', async () => {
  const friend = ephemeralIdentity().id
  const { acquaintances, store } = await meetMany((id) => id === friend, friend)
  assert.equal(store.acquaintances().length, limits.acquaintances / 2)
  assert.deepEqual(acquaintances.lastAddresses(friend), [{ address: '192.0.2.1', port: 8001 }])
})

test('twin: if everybody counted as known, the friend would be gone', async () => {
  const friend = ephemeralIdentity().id
  const { acquaintances, store } = await meetMany(() => true, friend)
  assert.equal(store.acquaintances().length, limits.acquaintances)
  assert.deepEqual(acquaintances.lastAddresses(friend), [])
})
