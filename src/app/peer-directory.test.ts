import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'

import { inventId } from '../../test/app/nodes.ts'
import { announcementOf } from '../../test/contracts/listening-node.ts'
import type { Sighting } from '../discovery/explorer.ts'
import type { TrustState } from '../rules/trust.ts'
import { PeerDirectory } from './peer-directory.ts'

const peer = announcementOf()
const goodbye = { ...peer, upgrade: { ...peer.upgrade!, leaving: true } }

/** Trust in nobody. */
const nobody = { trustOf: (): TrustState => 'unknown', aliasOf: () => '' }

function sighting(announcement: Sighting['announcement'], address: string): Sighting {
  return { announcement, source: { address, port: 40_000 }, via: 'test', answer: false }
}

/** Pings of a living peer that a stranger causes with 200 forged goodbyes. */
async function pingsAfterGoodbyes(falseGoodbyeMs?: number): Promise<number> {
  let pings = 0
  const ping = (): Promise<boolean> => {
    pings++
    return Promise.resolve(true)
  }
  using directory = new PeerDirectory(
    { selfId: inventId(0), ping, changed: () => {}, ...nobody },
    falseGoodbyeMs,
  )
  directory.see(sighting(peer, '10.0.0.1'))
  for (let sent = 0; sent < 200; sent++) {
    directory.see(sighting(goodbye, '10.0.0.66'))
    await delay(1)
  }
  assert.ok(directory.has(peer.id), 'it is not dropped')
  return pings
}

test('U16: a stranger who says again and again that a peer leaves makes us ask it once', async () => {
  assert.equal(await pingsAfterGoodbyes(), 1)
})

test('U16 twin: without the pause every goodbye is a knock at the peer', async () => {
  assert.ok((await pingsAfterGoodbyes(0)) > 100)
})

test('U16: who really leaves is dropped at once, and again when it came back meanwhile', async () => {
  const lost: string[] = []
  const context = {
    selfId: inventId(0),
    ping: () => Promise.resolve(false),
    changed: (type: string) => void lost.push(type),
    ...nobody,
  }
  using directory = new PeerDirectory(context)
  for (let round = 0; round < 3; round++) {
    directory.see(sighting(peer, '10.0.0.1'))
    directory.see(sighting(goodbye, '10.0.0.1'))
    await delay(1)
    assert.equal(directory.has(peer.id), false)
  }
  assert.deepEqual(lost, Array.from({ length: 3 }, () => ['peer:found', 'peer:lost']).flat())
})
