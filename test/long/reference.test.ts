/** What takes a minute or more with the published client, played by its stand-in. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { labUnavailable, openLab, type LabHost } from '../lab/lab.ts'
import { openPeer, type PeerProcess } from '../lab/peer.ts'
import { openReference, type Reference } from '../lab/reference.ts'
import { encodeAnnouncement } from '../reference/wire.ts'

const skip = labUnavailable()

describe('minutes with the reference', { skip, concurrency: 3 }, () => {
  test('a stay of three minutes: its pings are answered, nobody is forgotten, nothing leaks', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using reference = await openReference(lab.host(0))
    await using ours = await openPeer({ host: lab.host(1) })
    await met(ours, reference)
    await ours.command(`connect ${reference.id}`)
    const dialled = await reference.session(ours.id)
    const accepted = (await reference.command(`connect ${ours.id}`)) as { id: string }
    await reference.command(`attach ${dialled.id}`)
    for (let minute = 0; minute < 3; minute++) {
      await sleep(60_000)
      await ours.command(`minute ${minute}`)
      await shown(reference, `minute ${minute}`)
      await reference.command(`send ${accepted.id} still here ${minute}`)
      await ours.received(`still here ${minute}`)
    }
    const gone = [...reference.lines, ...ours.lines].filter(({ type }) =>
      /^(?:peer|session):(?:lost|closed|changed)$/.test(type),
    )
    assert.deepEqual(gone, [])
    assert.equal(((await reference.command('counts')) as { leakedConnections: number }).leakedConnections, 0)
    const pongs = (await reference.command(`pongs ${dialled.id}`)) as number[]
    assert.ok(pongs.length >= 17, `${pongs.length} pongs`)
  })

  test('U13: a minute after forged answers our share of the answers is small', async () => {
    await using lab = await openLab({ hosts: 4 })
    await using one = await openReference(lab.host(0))
    await using two = await openReference(lab.host(1))
    await using ours = await openPeer({ host: lab.host(2) })
    await Promise.all([met(ours, one), met(ours, two)])
    const answers = lab.host(2).countSent('udp sport 8001')
    forgeBoth(lab.host(3), { host: lab.host(2), id: ours.id }, { host: lab.host(1), id: two.id })
    await sleep(60_000)
    assert.ok(answers() <= 12, `${answers()} answers in a minute`)
  })

  test('U13 twin: in our place one more reference answers without end', async () => {
    await using lab = await openLab({ hosts: 4 })
    await using two = await openReference(lab.host(1))
    await using inOurPlace = await openReference(lab.host(2))
    const answers = lab.host(2).countSent('udp sport 8001')
    forgeBoth(lab.host(3), { host: lab.host(2), id: inOurPlace.id }, { host: lab.host(1), id: two.id })
    await sleep(1_000)
    assert.ok(answers() > 12, `${answers()} answers in a second`)
  })

  test('W13: a user who is not attached gets 20 messages and keeps the session; the rest follows', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using reference = await openReference(lab.host(0))
    await using ours = await openPeer({ host: lab.host(1) })
    await met(ours, reference)
    await ours.command(`connect ${reference.id}`)
    const session = await reference.session(ours.id)
    const texts = Array.from({ length: 30 }, (_, index) => `message ${index}`)
    for (const text of texts) ours.write(text)
    await sleep(40_000)
    const arrived = reference.lines.filter(({ type }) => type === 'message:arrived').length
    assert.ok(arrived >= 15 && arrived <= 20, `${arrived} arrived`)
    assert.ok(!reference.lines.some(({ type }) => type === 'session:closed'))
    await ours.event('message:waiting')
    await reference.command(`attach ${session.id}`)
    await reference.command(`send ${session.id} now I am here`)
    await shown(reference, texts.at(-1)!)
    const seen = reference.lines.filter(({ type }) => type === 'message:shown').map(({ text }) => text)
    assert.deepEqual(seen, texts)
  })
})

describe('a flood of announcements', { skip }, () => {
  test('W12: 50,000 datagrams a second do not delay our pongs', async () => {
    await using lab = await openLab({ hosts: 3 })
    await using reference = await openReference(lab.host(0), { pingPeriodMs: 100 })
    await using ours = await openPeer({ host: lab.host(1) })
    await met(ours, reference)
    await ours.command(`connect ${reference.id}`)
    const session = await reference.session(ours.id)
    const heard = lab.host(1).countReceived('udp dport 8001')
    const seconds = 20
    const route = { from: { address: lab.host(2).address, port: 0 }, to: { host: lab.host(1), port: 8001 } }
    lab.host(2).flood(route, { perSecond: 50_000, seconds })
    await sleep(1_000)
    const before = ((await reference.command(`pongs ${session.id}`)) as number[]).length
    await sleep((seconds - 2) * 1_000)
    const during = ((await reference.command(`pongs ${session.id}`)) as number[])
      .slice(before)
      .sort((a, b) => a - b)
    const p99 = during[Math.floor(during.length * 0.99)]!
    assert.ok(during.length > 100, `${during.length} pongs`)
    assert.ok(heard() > 25_000 * seconds, `only ${heard()} datagrams came`)
    assert.ok(p99 < 250, `the p99 of ${during.length} pongs was ${p99} ms`)
    await ours.command('still talking')
    await reference.message('message:arrived', 'still talking')
  })

  test('W12 twin: a loop that stands still for two seconds loses the session', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using reference = await openReference(lab.host(0), { pingPeriodMs: 100 })
    await using ours = await openPeer({ host: lab.host(1) })
    await met(ours, reference)
    await ours.command(`connect ${reference.id}`)
    ours.kill('SIGSTOP')
    await reference.event('session:closed')
    ours.kill('SIGCONT')
  })
})

async function met(ours: PeerProcess, reference: Reference): Promise<void> {
  await Promise.all([ours.found(reference.id), reference.found(ours.id)])
}

async function shown(reference: Reference, text: string): Promise<void> {
  await reference.message('message:shown', text)
}

interface Party {
  readonly host: LabHost
  readonly id: string
}

/** Makes each of two hear an announcement from the discovery port of the other, which nobody sent. */
function forgeBoth(attacker: LabHost, one: Party, two: Party): void {
  for (const [heard, by] of [
    [one, two],
    [two, one],
  ] as const) {
    const route = { from: { address: heard.host.address, port: 8001 }, to: { host: by.host, port: 8001 } }
    attacker.sendDatagrams(route, [
      encodeAnnouncement({ id: heard.id, port: 8001, ip: '<nil>', isPublicIp: false }),
    ])
  }
}
