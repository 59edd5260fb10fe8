import assert from 'node:assert/strict'
import { test } from 'node:test'

import { inventId } from '../../test/app/nodes.ts'
import { pairingChannels } from '../../test/app/pairing-channels.ts'
import { limits } from '../base/limits.ts'
import { ephemeralIdentity } from '../identity/identity.ts'
import { encodePairing } from '../protocol/pairing.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { openTrustStore } from '../store/trust-store.ts'
import type { PairingChannel } from '../transport/channel.ts'
import { Pairings } from './pairings.ts'
import { TrustBook } from './trust-book.ts'
import { Verifications } from './verifications.ts'

const friend = inventId(1)

async function openPairings(blocked?: PeerId): Promise<Pairings> {
  const self = ephemeralIdentity().credentials
  const book = new TrustBook(await openTrustStore({ path: undefined }), {
    announcedKey: () => undefined,
    met: () => {},
    decided: () => {},
    unwritable: () => {},
  })
  return new Pairings({
    verifications: new Verifications({ self, book, pair: () => Promise.reject(new Error()), emit: () => {} }),
    isContact: (id) => id === friend,
    isBlocked: (id) => id === blocked,
    met: () => {},
    acceptSuccession: () => {},
  })
}

/** Opens a connection that says nothing. */
function occupy(pairings: Pairings, address: string): PairingChannel {
  const stranger = ephemeralIdentity().credentials
  const [out, back] = pairingChannels(stranger, stranger)
  void pairings.accept(Object.assign(back, { address }))
  return out
}

const host = (number: number): string => `10.0.0.${number}`

test('one peer may open so many pairing connections a minute', async () => {
  const pairings = await openPairings()
  const admitted = Array.from({ length: 10 }, () => pairings.admits(inventId(2), host(1))).filter(Boolean)
  assert.equal(admitted.length, limits.pairingsPerPeerPerMinute)
  assert.ok(pairings.admits(inventId(3), host(1)), 'another one is not concerned')
})

test('strangers with fresh keys may open so many in all, and somebody whom we know is let in all the same', async () => {
  const pairings = await openPairings()
  const admitted = Array.from({ length: 100 }, (_, number) =>
    pairings.admits(inventId(100 + number), host(number)),
  )
  assert.equal(admitted.filter(Boolean).length, limits.pairingsPerMinute)
  assert.ok(pairings.admits(friend, host(1)))
})

test('fresh keys of one address use up only its own share a minute, and strangers elsewhere are let in', async () => {
  const pairings = await openPairings()
  const admitted = Array.from({ length: 100 }, (_, number) =>
    pairings.admits(inventId(100 + number), host(1)),
  )
  assert.equal(admitted.filter(Boolean).length, limits.pairingsPerAddressPerMinute)
  assert.ok(pairings.admits(inventId(300), host(2)))
})

test('fresh keys of one address hold only its own share of the room, and strangers elsewhere are let in', async () => {
  const pairings = await openPairings()
  const open: PairingChannel[] = []
  while (pairings.admits(inventId(200 + open.length), host(1))) open.push(occupy(pairings, host(1)))
  assert.equal(open.length, limits.pairingsPerAddress)
  assert.ok(pairings.admits(inventId(300), host(2)))
  assert.ok(pairings.admits(friend, host(1)))
  await Promise.all(open.map((channel) => channel.close(1000, '')))
  assert.ok(pairings.admits(inventId(301), host(1)), 'what they leave is free again')
})

test('strangers never take all the room, and what they leave is free again', async () => {
  const pairings = await openPairings()
  const open: PairingChannel[] = []
  while (pairings.admits(inventId(200 + open.length), host(open.length)))
    open.push(occupy(pairings, host(open.length)))
  assert.ok(open.length < limits.pairings, `${open.length} of ${limits.pairings}`)
  assert.ok(pairings.admits(friend, host(1)))
  await Promise.all(open.map((channel) => channel.close(1000, '')))
  assert.ok(pairings.admits(inventId(300), host(1)))
})

test('who is blocked after it was let in is not listened to', async () => {
  const blocked = ephemeralIdentity().credentials
  const pairings = await openPairings(blocked.id)
  const [out, back] = pairingChannels(blocked, ephemeralIdentity().credentials)
  void pairings.accept(back)
  void out.send(encodePairing({ kind: 'commit', commitment: new Uint8Array(32) }))
  assert.equal((await out.closed).reason, 'pairing refused')
})
