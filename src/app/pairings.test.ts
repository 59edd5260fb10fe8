import assert from 'node:assert/strict'
import { test } from 'node:test'

import { inventId } from '../../test/app/nodes.ts'
import { pairingChannels } from '../../test/app/pairing-channels.ts'
import { limits } from '../base/limits.ts'
import { ephemeralIdentity } from '../identity/identity.ts'
import { openTrustStore } from '../store/trust-store.ts'
import type { PairingChannel } from '../transport/channel.ts'
import { Pairings } from './pairings.ts'
import { TrustBook } from './trust-book.ts'
import { Verifications } from './verifications.ts'

const friend = inventId(1)

async function openPairings(): Promise<Pairings> {
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
    met: () => {},
    acceptSuccession: () => {},
  })
}

/** Opens a connection that says nothing. */
function occupy(pairings: Pairings): PairingChannel {
  const stranger = ephemeralIdentity().credentials
  const [out, back] = pairingChannels(stranger, stranger)
  void pairings.accept(back)
  return out
}

test('one peer may open so many pairing connections a minute', async () => {
  const pairings = await openPairings()
  const admitted = Array.from({ length: 10 }, () => pairings.admits(inventId(2))).filter(Boolean)
  assert.equal(admitted.length, limits.pairingsPerPeerPerMinute)
  assert.ok(pairings.admits(inventId(3)), 'another one is not concerned')
})

test('strangers with fresh keys may open so many in all, and somebody whom we know is let in all the same', async () => {
  const pairings = await openPairings()
  const admitted = Array.from({ length: 100 }, (_, number) => pairings.admits(inventId(100 + number)))
  assert.equal(admitted.filter(Boolean).length, limits.pairingsPerMinute)
  assert.ok(pairings.admits(friend))
})

test('strangers never take all the room, and what they leave is free again', async () => {
  const pairings = await openPairings()
  const open: PairingChannel[] = []
  while (pairings.admits(inventId(200 + open.length))) open.push(occupy(pairings))
  assert.ok(open.length < limits.pairings, `${open.length} of ${limits.pairings}`)
  assert.ok(pairings.admits(friend))
  await Promise.all(open.map((channel) => channel.close(1000, '')))
  assert.ok(pairings.admits(inventId(300)))
})
