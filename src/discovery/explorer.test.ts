import { suite } from 'node:test'

import { explorerContract } from '../../test/contracts/explorer.ts'
import { loopbackPair } from '../../test/contracts/loopback.ts'

// Both at once: their tests wait for the same times.
suite('explorers on the loopback interface', { concurrency: true }, () => {
  explorerContract('multicast', loopbackPair('multicast'))
  explorerContract('broadcast', loopbackPair('broadcast'))
})
