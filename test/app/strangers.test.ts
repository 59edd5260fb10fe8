/** Nobody fills the disk of somebody who never answered; what was refused stays with who said it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { limits } from '../../src/index.ts'
import { openLan } from './lan.ts'
import { until } from './nodes.ts'

const messageRate = { perSecond: Infinity, burst: Infinity }

test('a stranger is heard so far; who was given an alias is heard to the end, and nothing is lost', async () => {
  await using lan = openLan()
  const desk = await lan.join('desk', { messageRate })
  const stranger = await lan.join('stranger', { messageRate })
  const most = limits.strangerMessagesPerPeer
  const conversation = stranger.node.conversation(desk.node.id)
  for (let number = 0; number < most + 10; number++) await conversation.send(`message ${number}`)
  const { code, reason } = await stranger.heard('session:closed')
  assert.deepEqual([code, reason], [1008, 'say no more until you are answered'])
  const { error } = await desk.heard('warning')
  assert.equal(error.code, 'too-many')
  const heard = (): number => desk.of('message:received').length
  assert.ok(heard() <= most, `${heard()} messages`)
  assert.ok(conversation.info.pending >= 10, 'the rest waits with who said it')

  await desk.node.trust.setAlias(stranger.node.id, 'stranger')
  await until(() => conversation.info.pending === 0, 'that everything has arrived', 20_000)
  assert.deepEqual(
    desk.of('message:received').map(({ message }) => message.text),
    Array.from({ length: most + 10 }, (_, number) => `message ${number}`),
  )
})
