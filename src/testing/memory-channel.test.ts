import { channelContract } from '../../test/contracts/channel.ts'
import { parsePeerId, type PeerId } from '../protocol/peer-id.ts'
import { memoryChannelPair } from './memory-channel.ts'

function id(text: string): PeerId {
  const parsed = parsePeerId(text)
  if (parsed === undefined) throw new Error('not an ID')
  return parsed
}

channelContract('memory', () => {
  const [dialler, accepter] = memoryChannelPair(
    { peerId: id('00000000-0000-4000-8000-000000000001'), address: '10.0.0.1', proof: undefined },
    { peerId: id('00000000-0000-4000-8000-000000000002'), address: '10.0.0.2', proof: undefined },
    (deliver) => void setTimeout(deliver, 1),
  )
  return Promise.resolve({
    dialler,
    accepter,
    async [Symbol.asyncDispose]() {
      await Promise.all([dialler.close(1000, ''), accepter.close(1000, '')])
    },
  })
})
