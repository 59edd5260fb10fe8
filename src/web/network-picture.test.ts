import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Peer, PeerId } from '../index.ts'
import { drawnPeers, spotsOf } from './network-picture.ts'

function peer(number: number): Peer {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only the ID is looked at
  return { id: `peer ${number}` } as unknown as Peer
}

test('so many peers are drawn, none over another, and those that talk first', () => {
  const peers = Array.from({ length: 1_000 }, (_, number) => peer(number))
  const spots = spotsOf(peers, new Set([peers[900]?.id as PeerId]))
  assert.equal(spots.length, drawnPeers)
  assert.equal(spots[0]?.peer.id, 'peer 900')
  for (const one of spots)
    for (const two of spots)
      if (one !== two)
        assert.ok(Math.hypot(one.x - two.x, one.y - two.y) > 44, `${one.peer.id} ${two.peer.id}`)
  for (const { x, y } of spots) assert.ok(Math.hypot(x, y) > 60)
})
