import assert from 'node:assert/strict'

import { explorerContract } from '../../test/contracts/explorer.ts'
import { MemoryNetwork } from './memory-network.ts'

explorerContract('memory', ({ periodMs }) => {
  const lan = new MemoryNetwork({ periodMs })
  const [here, there] = [lan.host(), lan.host()]
  const [first, second] = [...here.explorers, ...there.explorers]
  assert.ok(first && second)
  const { address } = there
  return Promise.resolve({
    first,
    second,
    secondAt: { address, port: 8001 },
    nobodyAt: { address, port: 9 },
  })
})
