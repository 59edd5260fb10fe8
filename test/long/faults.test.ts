/** Faults that take a minute to be sure of. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { labUnavailable, openLab } from '../lab/lab.ts'
import { allMeet, openPeer } from '../lab/peer.ts'

const skip = labUnavailable()

describe('hosts that fail', { skip, concurrency: 3 }, () => {
  test('a program that is killed, and a host whose cable is cut, are lost within 70 s', async () => {
    await using lab = await openLab({ hosts: 3 })
    await using watching = await openPeer({ host: lab.host(0) })
    await using killed = await openPeer({ host: lab.host(1) })
    await using cut = await openPeer({ host: lab.host(2) })
    await allMeet([watching, killed, cut])
    killed.kill('SIGKILL')
    lab.host(2).cut()
    await Promise.all([
      watching.lost(killed.id, { timeoutMs: 70_000 }),
      watching.lost(cut.id, { timeoutMs: 70_000 }),
      cut.lost(watching.id, { timeoutMs: 70_000 }),
    ])
    lab.host(2).mend()
    await allMeet([watching, cut], { timeoutMs: 30_000 })
  })

  test('a partition of 30 s: found dead within 25 s, connected again within 10 s of its end', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1) })
    await allMeet([one, two])
    await one.command(`connect ${two.id}`)
    await one.command('/quit')
    const since = one.mark
    const started = performance.now()
    for (const host of lab.hosts) host.drop()
    await Promise.all([
      one.sessionClosed(two.id, { timeoutMs: 27_000 }),
      two.sessionClosed(one.id, { timeoutMs: 27_000 }),
    ])
    await sleep(30_000 - (performance.now() - started))
    for (const host of lab.hosts) host.dropNothing()
    const again = await one.session(two.id, { since, timeoutMs: 15_000 })
    await one.command(`attach ${again.id}`)
    await one.command('here again')
    await two.received('here again')
    assert.deepEqual(
      [...one.lines, ...two.lines].filter(({ type }) => type === 'peer:lost'),
      [],
    )
  })

  test('a program that stood still for a minute is there again within 20 s', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1) })
    await allMeet([one, two])
    await one.command(`connect ${two.id}`)
    await one.command('/quit')
    const since = one.mark
    two.kill('SIGSTOP')
    await one.sessionClosed(two.id, { timeoutMs: 27_000 })
    await sleep(40_000)
    two.kill('SIGCONT')
    const again = await one.session(two.id, { since, timeoutMs: 20_000 })
    await one.command(`attach ${again.id}`)
    await one.command('good morning')
    await two.received('good morning')
  })
})
