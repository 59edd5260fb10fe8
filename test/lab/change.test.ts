/** Networks change under running peers: links go and come, addresses change, connections break. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import type { Line } from './json-process.ts'
import { labUnavailable, openLab } from './lab.ts'
import { allMeet, meetByEmitting, openPeer, peerOf } from './peer.ts'

const skip = labUnavailable()

describe('a network that changes', { skip, concurrency: 3 }, () => {
  test('an interface that goes down and up: announced within 5 s, and the session goes on', async () => {
    await using lab = await openLab({ hosts: 3 })
    const [still, moving, late] = [lab.host(0), lab.host(1), lab.host(2)]
    await using one = await openPeer({ host: still })
    await using two = await openPeer({ host: moving })
    await allMeet([one, two])
    await one.command(`connect ${two.id}`)
    // Past the announcement that is repeated after a second, so that what is counted is the change.
    await sleep(1_500)
    moving.linkDown()
    await sleep(2_500)
    const announced = moving.countSent('ip daddr 235.5.5.11 udp dport 8001')
    moving.linkUp()
    await until(() => announced() > 0, 5_000, 'no announcement')
    await one.command('still there?')
    await two.received('still there?', { timeoutMs: 15_000 })

    // It is in the group again, which a link that was down leaves without a word.
    await using third = await openPeer({ host: late })
    await two.found(third.id, { timeoutMs: 5_000 })
  })

  test('an interface that appears later: announced there within 5 s', async () => {
    await using lab = await openLab({ hosts: [[0, 1], [1]] })
    lab.host(0).linkDown(1)
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1) })
    await sleep(1_500)
    lab.host(0).linkUp(1)
    await allMeet([one, two], { timeoutMs: 6_000 })
  })

  test('no network at the start is no error: peers meet within 5 s of its coming', async () => {
    await using lab = await openLab({ hosts: 2 })
    lab.host(0).linkDown()
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1) })
    await sleep(1_500)
    lab.host(0).linkUp()
    await allMeet([one, two], { timeoutMs: 6_000 })
  })

  test('an address that changes is followed within 5 s, also by a session, within 15 s', async () => {
    await using lab = await openLab({ hosts: 3 })
    await using talking = await openPeer({ host: lab.host(0) })
    await using silent = await openPeer({ host: lab.host(2) })
    await using moving = await openPeer({ host: lab.host(1) })
    await allMeet([talking, silent, moving])
    await talking.command(`connect ${moving.id}`)
    await talking.command('before')
    await moving.received('before')
    await talking.command('/quit')
    await sleep(1_500)
    const since = talking.mark
    lab.host(1).changeAddress('10.77.0.99')
    await silent.event('peer:changed', hasMoved, { timeoutMs: 6_000 })
    const again = await talking.session(moving.id, { timeoutMs: 15_000, since })
    await talking.command(`attach ${again.id}`)
    await talking.command('after')
    await moving.received('after')
    await talking.event('peer:changed', hasMoved, { since })
  })

  test('an outgoing session that the network breaks is dialled again', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1) })
    await allMeet([one, two])
    await one.command(`connect ${two.id}`)
    const [mark, otherMark] = [one.mark, two.mark]
    breakConnections(lab.host(1))
    one.write('into the storm')
    const closed = await one.sessionClosed(two.id, { since: mark })
    assert.equal(closed['code'], 1006)
    lab.host(1).dropNothing()
    const again = await one.session(two.id, { since: mark })
    assert.equal(again.incoming, false)
    await two.session(one.id, { since: otherMark })
    await one.attempt('/quit')
    await one.command(`attach ${again.id}`)
    await one.command('after the storm')
    await two.received('after the storm')
  })

  test('a third of all packets lost: peers meet, and what is said arrives once and in order', async () => {
    await using lab = await openLab({ hosts: 2 })
    for (const host of lab.hosts) host.drop('', 0.3)
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1) })
    await meetByEmitting(one, two)
    await insist(() => one.command(`connect ${two.id}`, { timeoutMs: 30_000 }))
    const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`)
    for (const text of texts) one.write(text)
    await two.received(texts.at(-1)!, { timeoutMs: 30_000 })
    const received = two.lines
      .filter(({ type }) => type === 'message:received')
      .map(({ message }) => (message as { text: string }).text)
    assert.deepEqual(received, texts)
  })
})

/** Answers every segment to the peer port with a reset, as a restarted router does. */
function breakConnections(host: { run(command: readonly string[], input: string): string }): void {
  const rule = 'tcp dport 8001 reject with tcp reset'
  host.run(
    ['nft', '-f', '-'],
    `table inet lab { chain in { type filter hook input priority 0; policy accept; ${rule}; }; }\n`,
  )
}

/** Tries as a person would: with a third of all packets lost, not every handshake ends in time. */
async function insist(action: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; attempt < 5; attempt++) {
    try {
      await action()
      return
    } catch {
      await sleep(500)
    }
  }
  await action()
}

const hasMoved = (line: Line): boolean => peerOf(line).address === '10.77.0.99'

async function until(holds: () => boolean, timeoutMs: number, otherwise: string): Promise<void> {
  const started = performance.now()
  while (!holds()) {
    if (performance.now() - started > timeoutMs) throw new Error(`${otherwise} within ${timeoutMs} ms`)
    await sleep(50)
  }
}
