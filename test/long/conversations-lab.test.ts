/** Networks that fail in the middle of a conversation: what was said arrives once, in its order, and soon. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test, type TestContext } from 'node:test'
import { labUnavailable, openLab, type LabHost } from '../lab/lab.ts'
import { allMeet, meetByEmitting, openPeer, type PeerProcess } from '../lab/peer.ts'
import { Dialogue } from './dialogue.ts'

describe('a conversation', { skip: labUnavailable(), concurrency: 2 }, () => {
  test('survives a partition of 60 s: what was said meanwhile is there within 10 s (p95)', async (t) => {
    await using lab = await openLab({ hosts: 2 })
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1) })
    await allMeet([one, two])
    const dialogue = await Dialogue.open(one, two)
    await dialogue.talk({ forMs: 3_000 })
    for (const host of lab.hosts) host.drop()
    await dialogue.talk({ forMs: 60_000 })
    for (const host of lab.hosts) host.dropNothing()
    const healedAt = performance.now()
    await dialogue.talk({ forMs: 3_000 })
    await dialogue.settled({ timeoutMs: 60_000 })
    const tookMs = dialogue.lateness(healedAt)
    assert.ok(tookMs.length > 200, `${tookMs.length} messages were said during the partition`)
    const p95 = tookMs[Math.floor(tookMs.length * 0.95)]!
    t.diagnostic(`95 % were there ${Math.round(p95)} ms after the end of the partition`)
    assert.ok(p95 <= 10_000, `95 % were there ${p95} ms after the end of the partition`)
  })

  test('survives the loss of 30 % of all packets: 200 messages each way', async (t) => {
    await using lab = await openLab({ hosts: 2 })
    for (const host of lab.hosts) host.drop('', 0.3)
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1) })
    await meetByEmitting(one, two)
    const dialogue = await Dialogue.open(one, two)
    await dialogue.talk({ messages: 200, everyMs: 50 })
    await dialogue.settled({ timeoutMs: 120_000 })
    t.diagnostic(`the slowest message took ${Math.round(dialogue.slowestMs())} ms`)
  })

  for (const mover of ['who dialled', 'who was dialled'] as const) {
    test(`follows the address of the one ${mover} when it changes, within 15 s`, async (t) => {
      await using lab = await openLab({ hosts: 2 })
      await using one = await openPeer({ host: lab.host(0) })
      await using two = await openPeer({ host: lab.host(1) })
      await allMeet([one, two])
      await one.command(`connect ${two.id}`)
      await one.command('/quit')
      const host = mover === 'who dialled' ? lab.host(0) : lab.host(1)
      await assertFollows(t, { host, one, two })
    })
  }
})

interface Moving {
  readonly host: LabHost
  readonly one: PeerProcess
  readonly two: PeerProcess
}

async function assertFollows(t: TestContext, { host, one, two }: Moving): Promise<void> {
  const dialogue = await Dialogue.open(one, two)
  // So old that a second session is no accident of two dials at the same time.
  await sleep(11_000)
  await dialogue.talk({ forMs: 1_000 })
  host.changeAddress('10.77.0.99')
  await dialogue.talk({ forMs: 3_000 })
  await dialogue.settled({ timeoutMs: 40_000 })
  const slowest = dialogue.slowestMs()
  assert.ok(slowest <= 15_000, `the slowest message took ${slowest} ms`)
  t.diagnostic(`the slowest message took ${Math.round(slowest)} ms`)
}
