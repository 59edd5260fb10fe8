import assert from 'node:assert/strict'
import { test } from 'node:test'

import { inventId } from '../../test/app/nodes.ts'
import { announcementOf } from '../../test/contracts/listening-node.ts'
import { EventHub } from '../base/events.ts'
import { KnownPeers } from './known-peers.ts'
import type { NodeEvent } from './node-event.ts'
import { PeerDirectory } from './peer-directory.ts'

test('waiting for a peer leaves no reader of events behind, whether it is there already or comes', async () => {
  const hub = new EventHub<NodeEvent>((error) => assert.ifError(error))
  using directory = new PeerDirectory({
    selfId: inventId(0),
    ping: () => Promise.resolve(true),
    changed: (type, peer) => hub.emit({ type, at: new Date(), peer }),
    trustOf: () => 'unknown',
    aliasOf: () => '',
  })
  const calls = { load: () => Promise.resolve(0) }
  const peers = new KnownPeers(directory, calls, (options) => hub.events(options))
  const announcement = announcementOf()
  const comes = peers.waitFor({})
  assert.equal(hub.has('message:state'), true)
  const source = { address: '10.0.0.1', port: 40_000 }
  directory.see({ announcement, source, via: 'test', answer: false })
  assert.equal((await comes).id, announcement.id)
  assert.equal(hub.has('message:state'), false)
  assert.equal((await peers.waitFor({ id: announcement.id })).id, announcement.id)
  assert.equal(hub.has('message:state'), false)
})
