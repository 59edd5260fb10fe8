import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../base/limits.ts'
import {
  decodeAnnouncement,
  encodeAnnouncement,
  type Announcement,
  type Upgrade,
} from '../protocol/announcement.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { type Heard, PeerTable, type PeerTableLimits, type Seen } from './peer-table.ts'

const home = '10.0.0.1'
const away = '10.0.0.2'

test('a peer is found once, and then the same', () => {
  const table = new PeerTable()
  assert.equal(table.see(heard({ now: 0 })).change, 'found')
  assert.equal(table.see(heard({ now: 1_000 })).change, 'same')
  assert.equal(table.size, 1)
  assert.deepEqual(table.list(), [table.get(idOf(1))])
  const { firstSeenAt, seenAt, paths, via, kind } = table.get(idOf(1))!
  assert.deepEqual(
    { firstSeenAt, seenAt, via, kind },
    { firstSeenAt: 0, seenAt: 1_000, via: ['multicast'], kind: 'reference' },
  )
  const unconfirmed = { confirmedAt: undefined, waitsSince: undefined }
  assert.deepEqual(paths, [
    { address: home, port: 8001, source: home, via: ['multicast'], seenAt: 1_000, ...unconfirmed },
  ])
})

test('another explorer that hears a peer is a change, once', () => {
  const table = new PeerTable()
  table.see(heard({ now: 0 }))
  assert.equal(table.see(heard({ now: 1, via: 'broadcast' })).change, 'changed')
  assert.equal(table.see(heard({ now: 2, via: 'broadcast' })).change, 'same')
  assert.deepEqual(table.get(idOf(1))?.via, ['multicast', 'broadcast'])
  assert.deepEqual(table.get(idOf(1))?.paths[0]?.via, ['multicast', 'broadcast'])
})

test('a new name or start is a change, and an announcement without our part takes nothing back', () => {
  const table = new PeerTable()
  table.see(heard({ now: 0 }))
  assert.equal(table.see(heard({ now: 1, upgrade: upgrade({ instance: 1n }) })).change, 'changed')
  assert.equal(table.see(heard({ now: 2, upgrade: upgrade({ instance: 2n }) })).change, 'changed')
  assert.equal(
    table.see(heard({ now: 3, upgrade: upgrade({ instance: 2n, name: 'desk' }) })).change,
    'changed',
  )
  assert.equal(table.see(heard({ now: 4 })).change, 'same')
  const { name, instance } = table.get(idOf(1))!
  assert.deepEqual({ name, instance }, { name: 'desk', instance: 2n })
})

test('U17: the ID alone says what kind of peer it is, whatever it announces', () => {
  const table = new PeerTable()
  const [plain, provable] = [{ id: idOf(1) }, { id: provableId(2) }]
  for (const [now, { id }] of [plain, provable, plain, provable].entries()) {
    const upgraded = now < 2 ? undefined : upgrade({ key: someKey })
    table.see({
      ...heard({ now, upgrade: upgraded }),
      announcement: { ...announcement({ upgrade: upgraded }), id },
    })
  }
  assert.deepEqual(
    [plain.id, provable.id].map((id) => table.get(id)?.kind),
    ['reference', 'p2p'],
  )
})

test('U17, twin: a kind that came from what is announced would be whatever a stranger says last', () => {
  const said = [upgrade({ key: someKey }), undefined, upgrade({})].map((own) => {
    const bytes = encodeAnnouncement({ ...announcement({ upgrade: own }), id: provableId(1) })
    return decodeAnnouncement(bytes)?.upgrade === undefined ? 'reference' : 'p2p'
  })
  assert.deepEqual(said, ['p2p', 'reference', 'p2p'])
})

test('U17: no announcement clears a key that is known', () => {
  const table = new PeerTable()
  const id = provableId(1)
  const say = (now: number, own?: Upgrade) =>
    table.see({ ...heard({ now }), announcement: { ...announcement({ upgrade: own }), id } })
  say(0)
  assert.equal(table.get(id)?.key, undefined)
  say(1, upgrade({ key: someKey }))
  assert.deepEqual(table.get(id)?.key, someKey)
  say(2)
  say(3, upgrade({ instance: 5n, key: undefined }))
  assert.equal(table.get(id)?.instance, 5n)
  assert.deepEqual(table.get(id)?.key, someKey)
})

test('a goodbye changes nothing: whoever checks it removes the peer', () => {
  const table = new PeerTable()
  const goodbye = upgrade({ leaving: true })
  assert.equal(table.see(heard({ now: 0, upgrade: goodbye })).change, 'refused')
  table.see(heard({ now: 1 }))
  assert.equal(table.see(heard({ now: 2, address: away, upgrade: goodbye })).change, 'same')
  assert.equal(table.get(idOf(1))?.seenAt, 1)
  assert.equal(table.get(idOf(1))?.paths.length, 1)
  assert.equal(table.remove(idOf(1))?.id, idOf(1))
  assert.equal(table.remove(idOf(1)), undefined)
  assert.equal(table.size, 0)
})

test('the newest address of a peer that nothing confirmed comes first', () => {
  const table = new PeerTable()
  table.see(heard({ now: 0 }))
  assert.equal(table.see(heard({ now: 1, address: away })).change, 'changed')
  assert.deepEqual(addresses(table), [away, home])
  assert.equal(
    table.see(heard({ now: 2, address: home })).change,
    'same',
    'an address that is known does not flap',
  )
  assert.deepEqual(addresses(table), [away, home])
})

test('a peer that moved is followed after its confirmed address failed two pings, asked for soon', () => {
  const table = new PeerTable()
  table.see(heard({ now: 0 }))
  table.confirm(idOf(1), home, 10)
  assert.equal(table.see(heard({ now: 20_000, address: away })).change, 'same')
  const first = table.pingDue(20_000, 10)
  assert.deepEqual(first, [{ id: idOf(1), address: home, port: 8001 }])
  assert.equal(table.pingFailed(first[0]!, 22_000).change, 'same')
  const second = table.pingDue(20_000 + limits.contestedPingMs, 10)
  assert.equal(table.pingFailed(second[0]!, 27_000).change, 'changed')
  assert.deepEqual(addresses(table), [away])
})

/** Asks the paths of a peer of ours every second for a minute; `answers` tells which of them has its key. */
function askAll(table: PeerTable, from: number, answers: string): string[] {
  const asked: string[] = []
  for (let now = from; now < from + 60_000; now += 1_000) {
    for (const target of table.pingDue(now, 10)) {
      asked.push(`${target.address} ${now - from}`)
      if (target.address === answers) table.pingAnswered(target, now)
      else table.pingFailed(target, now)
    }
  }
  return asked
}

function sayOfOurs(table: PeerTable, now: number, address: string): Seen {
  return table.see({ ...heard({ now, address }), announcement: { ...announcement({}), id: provableId(1) } })
}

test('a peer of ours that moved is followed as soon as its new path proves the key', () => {
  const table = new PeerTable()
  sayOfOurs(table, 0, home)
  table.confirm(provableId(1), home, 10)
  table.pingDue(1_000, 10)
  sayOfOurs(table, 2_000, away)
  assert.equal(askAll(table, 3_000, away)[0], `${away} 0`)
  assert.equal(table.get(provableId(1))?.paths[0]?.address, away)
})

test('a path that does not prove the key is asked again when it is heard again, not more often than every 5 s', () => {
  const table = new PeerTable()
  sayOfOurs(table, 0, home)
  table.confirm(provableId(1), home, 10)
  let asked = 0
  for (let now = 1_000; now < 61_000; now += 100) {
    sayOfOurs(table, now, away)
    for (const target of table.pingDue(now, 10)) {
      if (target.address === away) asked++
      else table.pingAnswered(target, now)
    }
  }
  assert.equal(asked, 60_000 / limits.contestedPingMs)
  assert.equal(table.get(provableId(1))?.paths[0]?.address, home)
})

/** Knocks in a second at one address that a stranger claims for 2,000 known peers. */
function knocks(options: PeerTableLimits): number {
  const table = new PeerTable({ ...options, firstPingPerPeerMs: 0 })
  for (let peer = 1; peer <= 2_000; peer++) {
    const [id, address] = [provableId(peer), `10.1.${peer >> 8}.${peer & 255}`]
    table.see({ ...heard({ now: peer * 100, address }), announcement: { ...announcement({}), id } })
    table.confirm(id, address, peer * 100)
  }
  const now = 200_100
  for (let peer = 1; peer <= 2_000; peer++) {
    const said = { ...announcement({}), id: provableId(peer) }
    table.see({ ...heard({ now, address: stranger }), announcement: said })
  }
  return table.pingDue(now, Infinity).filter(({ address }) => address === stranger).length
}

test('U15: what one stranger tells of makes nobody knock faster than new peers would', () => {
  assert.equal(knocks(limits), limits.peersPerSource)
})

test('U15 twin: without that rate each known peer is a knock', () => {
  assert.equal(knocks({ ...limits, peersPerSource: Infinity, peerEventsPerSecond: Infinity }), 2_000)
})

test('a peer that moved is followed also while a session with it is open', () => {
  const table = new PeerTable()
  table.see(heard({ now: 0 }))
  table.hold(idOf(1))
  table.confirm(idOf(1), home, 10)
  table.see(heard({ now: 20_000, address: away }))
  const target = { id: idOf(1), address: home, port: 8001 }
  assert.equal(table.pingFailed(target, 22_000).change, 'same')
  assert.equal(table.pingFailed(target, 27_000).change, 'changed')
  assert.deepEqual(addresses(table), [away])
})

test('a peer that starts again on another port is followed the same way', () => {
  const table = new PeerTable()
  table.see(heard({ now: 0 }))
  table.confirm(idOf(1), home, 10)
  table.see(heard({ now: 20_000, port: 9_000 }))
  for (const now of [20_000, 25_000])
    for (const target of table.pingDue(now, 10)) table.pingFailed(target, now)
  assert.deepEqual(
    table.get(idOf(1))?.paths.map(({ port }) => port),
    [9_000],
  )
})

test('each peer is pinged every 30 s, and peers that came together are spread', () => {
  const table = new PeerTable()
  const count = 200
  for (let peer = 1; peer <= count; peer++) table.see(heard({ now: 0, peer, source: `10.1.0.${peer}` }))
  const pingedAt = new Map<string, number[]>()
  let most = 0
  for (let now = 0; now < 120_000; now += 1_000) {
    const due = table.pingDue(now, limits.pingsAtOnce)
    most = Math.max(most, due.length)
    for (const target of due) {
      pingedAt.set(target.id, [...(pingedAt.get(target.id) ?? []), now])
      table.pingAnswered(target, now)
    }
  }
  assert.ok(most <= limits.pingsAtOnce)
  assert.equal(pingedAt.size, count)
  for (const times of pingedAt.values()) {
    const gaps = times.slice(1).map((at, i) => at - times[i]!)
    assert.ok(gaps.length >= 2)
    assert.ok(
      gaps.every((gap) => gap >= limits.pingPeriodMs && gap <= limits.pingPeriodMs + 2_000),
      String(gaps),
    )
  }
})

/** Seconds at which a peer of ours is asked in ten minutes in which it announces itself, until `silentFrom`, every 20 s. */
function askedAt(options: PeerTableLimits, silentFrom = Infinity): readonly number[] {
  const table = new PeerTable(options)
  const asked: number[] = []
  for (let now = 0; now < 600_000; now += 1_000) {
    const own = { ...announcement({}), id: provableId(1) }
    if (now % 20_000 === 0 && now < silentFrom) table.see({ ...heard({ now }), announcement: own })
    for (const target of table.pingDue(now, 1)) {
      asked.push(now / 1_000)
      if (now < silentFrom) table.pingAnswered(target, now)
      else table.pingFailed(target, now)
    }
  }
  return asked
}

test('a peer of ours that has proved itself and is heard is asked every five minutes', () => {
  const asked = askedAt(limits)
  assert.equal(asked.length, 2, String(asked))
  assert.ok((asked[0] ?? 0) < 30)
  const gap = (asked[1] ?? 0) - (asked[0] ?? 0)
  assert.ok(gap >= limits.provenMs / 1_000 && gap <= (limits.provenMs + limits.pingPeriodMs) / 1_000)
  // As before, without that rule.
  assert.equal(askedAt({ ...limits, provenMs: 0 }).length, 20)
})

test('when it falls silent it is asked as soon as any other, and lost', () => {
  const asked = askedAt(limits, 201_000).find((second) => second > 200) ?? Infinity
  assert.ok(asked <= 200 + (2 * limits.pingPeriodMs) / 1_000, String(asked))
})

/** The most pings that one newcomer gets in a second, of 300 nodes that know 300 others and hear it at the same time. */
function pingsOfNewcomer(options: PeerTableLimits): number {
  const count = 300
  const newcomer = provableId(5_000)
  const perSecond: number[] = []
  for (let node = 1; node <= count; node++) {
    const table = new PeerTable({ ...options, peersPerSource: Infinity }, idOf(7_000 + node))
    for (let peer = 1; peer <= count; peer++) table.see(heard({ now: 0, peer }))
    table.see({ ...heard({ now: 0 }), announcement: { ...announcement({}), id: newcomer } })
    for (let second = 1; second <= options.pingPeriodMs / 1_000; second++) {
      const due = table.pingDue(second * 1_000, Infinity)
      if (due.every(({ id }) => id !== newcomer)) continue
      perSecond[second] = (perSecond[second] ?? 0) + 1
      break
    }
  }
  assert.equal(
    perSecond.reduce((sum, pings) => sum + pings),
    count,
    'everybody asks',
  )
  return Math.max(...perSecond.filter((pings) => pings > 0))
}

test('a newcomer of ours is asked soon, and not by everybody at the same time', () => {
  assert.ok(pingsOfNewcomer(limits) <= 66)
  const table = new PeerTable()
  for (const [now, peer] of [1, 2, 3].entries())
    table.see({ ...heard({ now }), announcement: { ...announcement({}), id: provableId(peer) } })
  assert.equal(table.pingDue(100, 10).length, 3)
})

test('twin: without that spread all ask a newcomer in the same second', () => {
  assert.equal(pingsOfNewcomer({ ...limits, firstPingPerPeerMs: 0 }), 300)
})

test('of a thousand newcomers of ours all are asked, though only so many in a second', () => {
  const table = new PeerTable()
  for (let peer = 1; peer <= 1_000; peer++) {
    const [address, id] = [`10.1.${peer >> 8}.${peer & 255}`, provableId(peer)]
    table.see({ ...heard({ now: 0, address }), announcement: { ...announcement({}), id } })
  }
  let asked = 0
  for (let now = 1_000; now <= 60_000 && asked < 1_000; now += 1_000) {
    for (const target of table.pingDue(now, limits.pingsAtOnce)) {
      if (table.get(target.id)?.confirmedAt === undefined) asked++
      table.pingAnswered(target, now)
    }
  }
  assert.equal(asked, 1_000)
})

test('when more pings are due than may be under way, those that wait longest go first', () => {
  const table = new PeerTable()
  for (let peer = 1; peer <= 40; peer++) table.see(heard({ now: peer, peer, source: `10.1.0.${peer}` }))
  const rounds = [1, 2, 3, 4].map((round) => table.pingDue(100_000 + round, 10).map(({ id }) => id))
  assert.equal(new Set(rounds.flat()).size, 40)
})

test('two failed pings in a row end a peer, one does not', () => {
  const table = new PeerTable()
  table.see(heard({ now: 0 }))
  const [target] = table.pingDue(30_000, 1)
  assert.equal(table.pingFailed(target!, 30_000).change, 'same')
  assert.equal(table.get(idOf(1))?.pingFailures, 1)
  assert.equal(table.pingAnswered(target!, 31_000).change, 'same')
  assert.equal(table.pingFailed(target!, 60_000).change, 'same')
  const outcome = table.pingFailed(target!, 62_000)
  assert.equal(outcome.change, 'lost')
  assert.equal(outcome.peer?.id, idOf(1))
  assert.equal(table.size, 0)
  assert.deepEqual(table.pingFailed(target!, 63_000), { change: 'same', peer: undefined })
})

test('a peer is lost after 65 s of silence, counted from what was heard or answered last', () => {
  const table = new PeerTable()
  table.see(heard({ now: 0 }))
  assert.deepEqual(table.expire(limits.silenceMs - 1).lost, [])
  table.see(heard({ now: 50_000 }))
  const [target] = table.pingDue(60_000, 1)
  table.pingAnswered(target!, 60_000)
  assert.deepEqual(table.expire(60_000 + limits.silenceMs - 1).lost, [])
  assert.deepEqual(
    table.expire(60_000 + limits.silenceMs).lost.map(({ id }) => id),
    [idOf(1)],
  )
  assert.equal(table.size, 0)
})

test('a peer with an open session is kept whatever pings and silence say, until the last session ends', () => {
  const table = new PeerTable()
  table.see(heard({ now: 0 }))
  table.hold(idOf(1))
  table.hold(idOf(1))
  const target = { id: idOf(1), address: home, port: 8001 }
  for (let now = 0; now < 600_000; now += 1_000) {
    assert.equal(table.pingFailed(target, now).change, 'same')
    assert.deepEqual(table.expire(now).lost, [])
  }
  table.release(idOf(1), 600_000)
  assert.deepEqual(table.expire(700_000).lost, [])
  table.release(idOf(1), 700_000)
  assert.deepEqual(table.expire(700_000 + limits.silenceMs - 1).lost, [])
  assert.equal(table.expire(700_000 + limits.silenceMs).lost.length, 1)
})

test('a hint adds what is missing, at the end, and keeps nobody alive', () => {
  const table = new PeerTable()
  const hint = { announcement: announcement({}), address: home, now: 0 }
  assert.equal(table.hint(hint).change, 'found')
  assert.deepEqual(table.get(idOf(1))?.via, ['peers'])
  assert.equal(table.see(heard({ now: 1_000, address: away })).change, 'changed')
  assert.deepEqual(addresses(table), [away, home])
  assert.equal(table.hint({ ...hint, address: '10.0.0.3', now: 2_000 }).change, 'same')
  assert.deepEqual(addresses(table), [away, home, '10.0.0.3'])
  table.hint({ ...hint, address: away, now: 60_000 })
  assert.equal(table.get(idOf(1))?.seenAt, 1_000)
  assert.equal(table.expire(1_000 + limits.silenceMs).lost.length, 1)
})

test('hints never make anybody leave', () => {
  const table = new PeerTable({ ...limits, peers: 3 })
  for (let peer = 1; peer <= 3; peer++) table.see(heard({ now: 0, peer }))
  const late = table.hint({ announcement: announcement({ peer: 9 }), address: away, now: 1 })
  assert.deepEqual(late, { change: 'refused', peer: undefined, evicted: [] })
  for (let path = 0; path < 10; path++) {
    table.hint({ announcement: announcement({}), address: `10.9.0.${path}`, now: 2 })
  }
  assert.equal(table.get(idOf(1))?.paths.length, limits.pathsPerPeer)
  assert.equal(table.get(idOf(1))?.paths[0]?.address, home)
})

test('U15: hints are limited in rate like announcements', () => {
  const table = new PeerTable({ ...limits, peersPerSource: 5, silenceMs: 0 })
  let found = 0
  for (let peer = 1; peer <= 100; peer++) {
    if (table.hint({ announcement: announcement({ peer }), address: home, now: 0 }).change === 'found')
      found++
    table.expire(0)
  }
  assert.equal(found, 5)
})

// U15: floods of peers that do not exist.

const floods: Readonly<Record<string, (i: number) => string>> = {
  'one source': () => '10.9.0.1',
  '254 sources': (i) => `10.9.0.${i % 254}`,
  'a new source each time': (i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
}

for (const [name, sourceOf] of Object.entries(floods)) {
  test(`U15: 50,000 unknown IDs a second from ${name} stay within the limits and push out no living peer`, () => {
    const table = new PeerTable()
    const { events, lost, bystanders } = flood(table, { sourceOf, seconds: 4 })
    assert.ok(table.size <= limits.peers + bystanders.length)
    const perSource = Map.groupBy(table.list(), ({ paths }) => paths[0]!.address)
    for (const peers of perSource.values()) assert.ok(peers.length <= limits.peersPerSource)
    assert.ok(events <= limits.peers + 4 * limits.peerEventsPerSecond + 1, `${events} events`)
    assert.deepEqual(
      bystanders.filter((id) => lost.has(id)),
      [],
    )
  })
}

test('U15 twin: without the limits the same flood fills the table and takes every ID for a peer', () => {
  const table = new PeerTable({
    ...limits,
    peers: Infinity,
    peersPerSource: Infinity,
    peerEventsPerSecond: Infinity,
    peerEventsPerSourcePerSecond: Infinity,
  })
  const { events } = flood(table, { sourceOf: floods['254 sources']!, seconds: 1 })
  assert.ok(table.size > 40 * limits.peers)
  assert.ok(events >= 50_000)
})

test('U15 twin: a peer that nothing confirmed is pushed out once it is the least recently heard', () => {
  const rates = { ...limits, peerEventsPerSecond: Infinity, peerEventsPerSourcePerSecond: Infinity }
  const table = new PeerTable(rates)
  table.see(heard({ now: 0 }))
  const { lost } = flood(table, { sourceOf: floods['254 sources']!, seconds: 1 })
  assert.ok(lost.has(idOf(1)))
})

test('U15: a flood from one source leaves room for newcomers from others', () => {
  const table = new PeerTable()
  flood(table, { sourceOf: floods['one source']!, seconds: 2 })
  assert.equal(table.see(heard({ now: 2_000, peer: 77 })).change, 'found')
})

test('U15: a source whose peers are all confirmed cannot bring more', () => {
  const table = new PeerTable({ ...limits, peersPerSource: 2, peerEventsPerSourcePerSecond: Infinity })
  for (let peer = 1; peer <= 2; peer++) {
    table.see(heard({ now: 0, peer }))
    table.confirm(idOf(peer), home, 0)
  }
  assert.equal(table.see(heard({ now: 1, peer: 3 })).change, 'refused')
  assert.equal(table.see(heard({ now: 1, peer: 4, source: away, address: away })).change, 'found')
  table.remove(idOf(1))
  assert.equal(table.see(heard({ now: 2, peer: 3 })).change, 'found')
})

test('U15: what counts is where datagrams come from, not the addresses that they claim', () => {
  const table = new PeerTable({ ...limits, peerEventsPerSourcePerSecond: Infinity })
  for (let peer = 1; peer <= 500; peer++) {
    table.see({ ...heard({ now: 0, peer, address: `198.51.100.${peer % 250}` }), source: home })
  }
  assert.equal(table.size, limits.peersPerSource)
})

test('U15: beyond the limit of confirmed peers a confirmed one can be pushed out like any other', () => {
  const table = new PeerTable({ ...limits, peers: 2, confirmedPeers: 2, peerEventsPerSecond: Infinity })
  for (let peer = 1; peer <= 4; peer++) {
    const address = `10.0.1.${peer}`
    table.see(heard({ now: peer, peer, address, source: address }))
    table.confirm(idOf(peer), address, peer)
  }
  const { evicted } = table.see(heard({ now: 5, peer: 5, source: '10.0.1.5' }))
  assert.deepEqual(
    evicted.map(({ id }) => id),
    [idOf(3)],
  )
})

test('U15: peers with open sessions make no room either, and their sessions outlive a flood', () => {
  const table = new PeerTable({
    ...limits,
    peers: 4,
    peersPerSource: 4,
    peerEventsPerSourcePerSecond: Infinity,
  })
  table.see(heard({ now: 0 }))
  table.hold(idOf(1))
  const lost = new Set<PeerId>()
  for (let i = 0; i < 100; i++) {
    for (const { id } of table.see(heard({ now: i * 1_000, peer: 100 + i })).evicted) lost.add(id)
  }
  assert.ok(lost.size > 20)
  assert.ok(!lost.has(idOf(1)))
  table.release(idOf(1), 100_000)
  for (let i = 0; i < 100; i++) {
    for (const { id } of table.see(heard({ now: 100_000 + i * 1_000, peer: 200 + i })).evicted) lost.add(id)
  }
  assert.ok(lost.has(idOf(1)))
})

test('U15: a known peer that changes at every announcement causes few events, and keeps its place', () => {
  const table = new PeerTable()
  let events = 0
  for (let i = 0; i < 50_000; i++) {
    const { change } = table.see(
      heard({ now: i / 50, upgrade: upgrade({ instance: BigInt(i), name: `n${i}` }) }),
    )
    if (change === 'changed') events++
  }
  assert.ok(events <= limits.peersPerSource + 2, `${events} events`)
  const last = upgrade({ instance: 7n, name: 'calm' })
  assert.equal(table.see(heard({ now: 5_000, upgrade: last })).change, 'changed')
  assert.equal(table.get(idOf(1))?.name, 'calm')
})

// U16: a stranger announces a known ID from his own address.

const stranger = '10.6.6.6'

function attack(table: PeerTable): readonly string[] {
  table.see(heard({ now: 0, upgrade: upgrade({ name: 'desk' }) }))
  table.confirm(idOf(1), home, 100)
  const first: string[] = []
  for (let now = 1_000; now < 300_000; now += 1_000) {
    const from = `10.6.6.${now % 9}`
    table.see(heard({ now, address: from, source: from, upgrade: upgrade({ name: 'evil', instance: 66n }) }))
    table.see(heard({ now, address: stranger, source: stranger, port: 6_666 }))
    if (now % 20_000 === 0) table.see(heard({ now, upgrade: upgrade({ name: 'desk' }) }))
    for (const target of table.pingDue(now, 10)) {
      if (target.address === home) table.pingAnswered(target, now)
      else table.pingFailed(target, now)
    }
    table.expire(now)
    first.push(addresses(table)[0]!)
  }
  return first
}

test('U16: a stranger that announces a confirmed ID every second never comes first, and does not rename it', () => {
  const table = new PeerTable()
  const first = attack(table)
  assert.deepEqual([...new Set(first)], [home])
  assert.equal(table.get(idOf(1))?.name, 'desk')
  assert.ok(table.get(idOf(1))!.paths.length <= limits.pathsPerPeer)
})

test('U16 twin: without confirmation the last to announce comes first', () => {
  const table = new PeerTable()
  table.confirm = () => ({ change: 'same', peer: undefined })
  table.pingAnswered = () => ({ change: 'same', peer: undefined })
  assert.ok(new Set(attack(table)).size > 1)
})

test('U16: a session that a stranger opens with a known ID does not bring him first', () => {
  const table = new PeerTable()
  table.see(heard({ now: 0 }))
  table.confirm(idOf(1), home, 1)
  assert.equal(table.confirm(idOf(1), stranger, 2).change, 'same', 'never heard there')
  assert.deepEqual(addresses(table), [home])
  table.see(heard({ now: 3, address: stranger, source: stranger }))
  assert.equal(table.confirm(idOf(1), stranger, 4).change, 'same')
  assert.deepEqual(addresses(table), [home, stranger])
})

test('U16: an address that a peer of ours proved last comes first at once, and it does not flap', () => {
  const table = new PeerTable()
  const id = provableId(1)
  const say = (now: number, address: string) =>
    table.see({ ...heard({ now, address }), announcement: { ...announcement({}), id } })
  say(0, home)
  table.confirm(id, home, 1)
  assert.equal(say(2, away).change, 'same', 'what is only heard does not come first')
  assert.equal(table.confirm(id, away, 3).change, 'changed')
  assert.deepEqual(
    table.get(id)?.paths.map(({ address }) => address),
    [away, home],
  )
  assert.equal(table.confirm(id, away, 4).change, 'same')
  assert.equal(table.pingAnswered({ id, address: home, port: 8001 }, 5).change, 'changed')
  assert.equal(table.confirm(id, stranger, 6).change, 'same', 'never heard there')
})

test('U16, twin: what proves a peer of ours proves no reference peer', () => {
  const table = new PeerTable()
  table.see(heard({ now: 0 }))
  table.confirm(idOf(1), home, 1)
  table.see(heard({ now: 2, address: away }))
  assert.equal(table.confirm(idOf(1), away, 3).change, 'same')
  assert.deepEqual(addresses(table), [home, away])
})

test('U16: the stranger was first, but the owner comes first with his first announcement or session', () => {
  const table = new PeerTable()
  table.see(heard({ now: 0, address: stranger, source: stranger }))
  assert.equal(table.see(heard({ now: 1 })).change, 'changed')
  assert.deepEqual(addresses(table), [home, stranger])
  table.see(heard({ now: 2, address: '10.6.6.7', source: stranger }))
  assert.equal(table.confirm(idOf(1), home, 3).change, 'changed')
  assert.deepEqual(addresses(table), [home, '10.6.6.7', stranger])
})

test('U16: strangers make room for each other, not for them a confirmed address', () => {
  const table = new PeerTable({ ...limits, pathsPerPeer: 3 })
  table.see(heard({ now: 0 }))
  table.confirm(idOf(1), home, 1)
  for (let now = 10; now < 20; now++) table.see(heard({ now, address: `10.6.6.${now}`, source: stranger }))
  assert.deepEqual(addresses(table), [home, '10.6.6.19', '10.6.6.18'])
})

test('a peer that starts again and again is known where it is now, however many places it has proved before', () => {
  const table = new PeerTable()
  const id = provableId(1)
  const ports = (): readonly number[] => table.get(id)!.paths.map(({ port }) => port)
  const startAt = (port: number): void => {
    table.see({ ...heard({ now: port }), announcement: { ...announcement({ port }), id } })
  }
  for (let port = 9_001; port < 9_010; port++) {
    startAt(port)
    table.pingAnswered({ id, address: home, port }, port)
  }
  assert.deepEqual(ports(), [9_009, 9_008, 9_007, 9_006])
  for (const port of [9_010, 9_011, 9_012]) startAt(port)
  assert.deepEqual(ports(), [9_009, 9_008, 9_011, 9_012])
})

/** A stranger tells every second of paths to a peer of ours that nobody has proved yet, and was the first to do so. */
function displace(options: PeerTableLimits): {
  readonly known: boolean
  readonly provedAt: number | undefined
} {
  const table = new PeerTable(options)
  const id = provableId(1)
  const say = (now: number, source: string, port: number) =>
    table.see({ ...heard({ now, source }), announcement: { ...announcement({ port }), id } })
  for (let now = 0; now < 60_000; now += 1_000) {
    say(now, stranger, 10_000 + now)
    if (now % 20_000 === 1_000) say(now, home, 8001)
    for (const target of table.pingDue(now, 10)) {
      if (target.address !== home) table.pingFailed(target, now)
      else if (table.pingAnswered(target, now).peer !== undefined) return { known: true, provedAt: now }
    }
  }
  const paths = table.get(id)?.paths ?? []
  return { known: paths.some(({ address }) => address === home), provedAt: undefined }
}

test('U16: whatever paths one stranger invents, the true one stays, has its turn and is proved', () => {
  const { known, provedAt } = displace(limits)
  assert.ok(known && provedAt !== undefined && provedAt < 60_000)
})

test('U16 twin: without a share for each source the true path is gone most of the time, and never proved', () => {
  assert.deepEqual(displace({ ...limits, pathsPerSource: Infinity }), { known: false, provedAt: undefined })
})

test('U16: a path that is being asked makes no room, and that of a peer of ours that moved waits for its turn', () => {
  const table = new PeerTable()
  const id = provableId(1)
  const say = (now: number, from: string) =>
    table.see({ ...heard({ now, source: from }), announcement: { ...announcement({}), id } })
  say(0, home)
  for (let now = 1; now < 50; now++) assert.equal(say(now, `10.6.6.${now}`).change, 'same')
  const paths = (): readonly string[] => table.get(id)!.paths.map(({ address }) => address)
  assert.deepEqual(paths(), [home, '10.6.6.47', '10.6.6.48', '10.6.6.49'])
  for (const now of [60, 70]) table.pingFailed({ id, address: home, port: 8001 }, now)
  assert.equal(paths()[0], '10.6.6.47')
})

test('U16: contested addresses are checked sooner, but not more often than every 5 s', () => {
  const table = new PeerTable()
  table.see(heard({ now: 0 }))
  table.confirm(idOf(1), home, 1)
  let pings = 0
  for (let now = 10; now < 100_000; now += 10) {
    const from = `10.6.${(now >> 8) & 255}.${now & 255}`
    table.see(heard({ now, address: from, source: from }))
    for (const target of table.pingDue(now, 10)) {
      pings++
      table.pingAnswered(target, now)
    }
  }
  assert.ok(pings > 10 && pings <= 100_000 / limits.contestedPingMs + 1, `${pings} pings`)
})

test('U18: an address that was announced once, an hour later, is forgotten after 90 s', () => {
  assert.deepEqual(replay(limits), [home])
})

test('U18 twin: without that lifetime it stays', () => {
  assert.deepEqual(replay({ ...limits, pathLifetimeMs: Infinity }), [home, stranger])
})

function replay(options: PeerTableLimits): readonly string[] {
  const table = new PeerTable(options)
  table.see(heard({ now: 0 }))
  table.confirm(idOf(1), home, 1)
  table.hold(idOf(1))
  const hour = 3_600_000
  for (let now = 20_000; now <= hour; now += 20_000) table.see(heard({ now }))
  table.see(heard({ now: hour, address: stranger, source: stranger }))
  table.see(heard({ now: hour + 60_000 }))
  table.expire(hour + limits.pathLifetimeMs - 1)
  assert.deepEqual(addresses(table), [home, stranger])
  assert.deepEqual(table.expire(hour + limits.pathLifetimeMs), { lost: [], changed: [] })
  return addresses(table)
}

test('U18: when the best address expires, the next one comes first and that is a change', () => {
  const table = new PeerTable()
  table.see(heard({ now: 0, address: away }))
  table.see(heard({ now: 1 }))
  table.see(heard({ now: 60_000, address: away }))
  const { changed } = table.expire(1 + limits.pathLifetimeMs)
  assert.deepEqual(
    changed.map(({ id }) => id),
    [idOf(1)],
  )
  assert.deepEqual(addresses(table), [away])
})

/** 50,000 announcements a second of IDs that do not exist; `bystanders` are confirmed and announce every 20 s. */
function flood(table: PeerTable, options: { sourceOf: (i: number) => string; seconds: number }) {
  const bystanders = Array.from({ length: 20 }, (_, i) => idOf(1_000 + i))
  for (const [i, id] of bystanders.entries()) {
    const address = `10.8.0.${i}`
    table.see(heard({ now: 0, peer: 1_000 + i, address, source: address }))
    table.confirm(id, address, 0)
  }
  const lost = new Set<PeerId>()
  let events = 0
  for (let i = 0; i < options.seconds * 50_000; i++) {
    const source = options.sourceOf(i)
    const { change, evicted } = table.see(
      heard({ now: i / 50, peer: 1_000_000 + i, address: source, source }),
    )
    for (const { id } of evicted) lost.add(id)
    if (change !== 'same' && change !== 'refused') events++
  }
  return { events, lost, bystanders }
}

interface Hearing {
  readonly now: number
  readonly peer?: number
  readonly address?: string
  readonly source?: string
  readonly port?: number
  readonly via?: string
  readonly upgrade?: Upgrade | undefined
}

function heard({ now, address, source, via, ...rest }: Hearing): Heard {
  const from = source ?? address ?? home
  return {
    announcement: announcement(rest),
    address: address ?? from,
    source: from,
    via: via ?? 'multicast',
    now,
  }
}

function announcement({ peer = 1, port = 8001, upgrade: own }: Omit<Hearing, 'now'>): Announcement {
  return { id: idOf(peer), port, files: new Map(), ip: undefined, isPublicIp: false, upgrade: own }
}

function upgrade(of: Partial<Upgrade>): Upgrade {
  const plain = { protocol: 1, key: undefined, instance: 1n, capabilities: 1, name: '' } as const
  return { ...plain, leaving: false, wantsAnswer: false, ...of }
}

function addresses(table: PeerTable): readonly string[] {
  return table.get(idOf(1))?.paths.map(({ address }) => address) ?? []
}

const someKey = new Uint8Array(32).fill(9)

function provableId(peer: number): PeerId {
  return `${idOf(peer).slice(0, 14)}8${idOf(peer).slice(15)}` as PeerId
}

function idOf(peer: number): PeerId {
  return `00000000-0000-4000-8000-${((peer * 2654435761) % 2 ** 48).toString(16).padStart(12, '0')}` as PeerId
}
