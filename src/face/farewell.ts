import type { P2PNode, Transfer } from '../index.ts'
import { countText } from './amounts.ts'

/** What a person has to know who ends a node: what waits, and what goes on another time. */
export function farewellLines({ conversations, files }: P2PNode): readonly string[] {
  const waiting = conversations.list().reduce((sum, { pending }) => sum + pending, 0)
  const coming = files.transfers().filter((one) => isToGoOn(one)).length
  return [
    ...(waiting === 0
      ? []
      : [`${countText(waiting, 'message waits', 'messages wait')} to be delivered when p2p runs again.`]),
    ...(coming === 0
      ? []
      : [`${countText(coming, 'transfer goes', 'transfers go')} on when p2p runs again.`]),
  ]
}

/** What comes to us and has neither ended nor been told to rest; what goes out is told as messages. */
function isToGoOn({ direction, state }: Transfer): boolean {
  return direction === 'in' && (state === 'active' || state === 'queued' || state === 'waiting')
}
