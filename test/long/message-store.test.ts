/** What the tests of the message store check, more often. */
import { test } from 'node:test'
import { assertSurvivesKills } from '../store/killed-writers.ts'
import { messagesPath } from '../store/messages.ts'

test('a process that is killed at 200 points loses and doubles nothing that it stored', async (t) => {
  await assertSurvivesKills(messagesPath(t), 200)
})
