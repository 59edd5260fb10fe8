/** What the tests of shares and transfers check, more often. */
import { test } from 'node:test'
import { assertSharesSurviveKills } from '../store/killed-shares.ts'
import { assertTransfersSurviveKills } from '../store/killed-transfers.ts'
import { storePath } from '../store/transfers.ts'

test('a process that is killed at 100 points loses no transfer, chunk or file that it noted', async (t) => {
  await assertTransfersSurviveKills(storePath(t, 'transfers.db'), 100)
})

test('a process that is killed at 100 points keeps its shares, and an index that is whole', async (t) => {
  await assertSharesSurviveKills(storePath(t, 'shares.db'), 100)
})
