import { explorerContract } from '../../test/contracts/explorer.ts'
import { loopbackPair } from '../../test/contracts/loopback.ts'

explorerContract('broadcast', loopbackPair('broadcast'))
