/** H12 and W2 on a whole node: what others say of a peer never takes the place of what was heard or proved. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { WebSocket } from 'ws'

import type { PeerId } from '../../src/index.ts'
import { encodePeerList } from '../../src/protocol/peer-list.ts'
import { announcementOf } from '../contracts/listening-node.ts'
import { inventId, openNode, until } from '../app/nodes.ts'

interface ListServer extends AsyncDisposable {
  readonly port: number
}

/** A peer whose /peers tells these addresses. */
async function openListServer(entries: readonly (readonly [PeerId, string])[]): Promise<ListServer> {
  const body = encodePeerList(
    entries.map(([id, ip]) => announcementOf({ id, ip, isPublicIp: true, upgrade: undefined })),
  )
  const server = createServer((_, response) => response.end(body))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

test('H12: a list names ourselves, a peer we know elsewhere, and this machine: only the unknown one is new', async () => {
  const [known, unknown, inward] = [inventId(1), inventId(2), inventId(3)]
  await using asking = await openNode()
  const { node, hearsay } = asking
  await using server = await openListServer([
    [node.id, '10.9.9.1'],
    [known, '10.9.9.2'],
    [unknown, '10.9.9.3'],
    [inward, '127.0.0.1'],
  ])
  hearsay.tell({ id: known, port: server.port })
  assert.equal(await node.peers.load(known), 1)
  assert.deepEqual(
    node.peers.list().map(({ id, address }) => [id, address]),
    [
      [known, '127.0.0.1'],
      [unknown, '10.9.9.3'],
    ],
  )
  const { paths, via } = node.peers.get(known)
  assert.deepEqual(
    paths.map(({ address }) => address),
    ['127.0.0.1', '10.9.9.2'],
    'the hint is tried last',
  )
  assert.deepEqual(via, ['hearsay'])
})

test('W2: who uses a known ID from another address gets a session, and moves nothing', async () => {
  const id = inventId(4)
  await using called = await openNode()
  const { node, hearsay } = called
  hearsay.tell({ id, port: 1 }, '127.0.0.9')
  const ws = new WebSocket(`ws://127.0.0.1:${node.info.port}/ws`, { headers: { PeerID: id } })
  await once(ws, 'open')
  await until(() => node.sessions.list().length === 1, 'the session')
  const [session] = node.sessions.list()
  assert.deepEqual([session?.peerId, session?.incoming], [id, true])
  assert.deepEqual(
    node.peers.get(id).paths.map(({ address }) => address),
    ['127.0.0.9'],
  )
  ws.terminate()
})
