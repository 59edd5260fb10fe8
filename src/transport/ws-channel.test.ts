import { channelContract } from '../../test/contracts/channel.ts'
import { openPair } from '../../test/transport/open.ts'

channelContract('WebSocket', () => openPair())
