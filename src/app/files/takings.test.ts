import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../../base/limits.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { NodeEvent } from '../node-event.ts'
import { Takings } from './takings.ts'

test('of those who take something only so many are shown', () => {
  const events: NodeEvent[] = []
  using takings = new Takings({ emit: (event) => void events.push(event) })
  const share = {
    row: 1,
    name: 'stuff',
    path: '/stuff',
    kind: 'folder',
    offer: undefined,
    visibleTo: 'all',
    peers: [],
  } as const
  const file = {
    share,
    path: 'a',
    kind: 'file',
    sizeBytes: 5,
    modifiedAtMs: 0,
    stamp: '',
    id: undefined,
  } as const
  for (let peer = 0; peer < limits.shownTakings + 10; peer++) {
    const id = `00000000-0000-8000-8000-${peer.toString(16).padStart(12, '0')}` as PeerId
    takings.begin(id, [file])(5)
  }
  assert.equal(takings.list().length, limits.shownTakings)
  assert.equal(events.filter(({ type }) => type === 'transfer:done').length, 10)
})
