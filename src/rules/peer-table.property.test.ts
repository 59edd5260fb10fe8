/** The peer table against a naive model: plain arrays, full scans, ranks instead of kept orders. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { limits } from '../base/limits.ts'
import type { Announcement } from '../protocol/announcement.ts'
import { isProvable, type PeerId } from '../protocol/peer-id.ts'
import { type Heard, PeerTable, type PeerTableLimits, type PingTarget } from './peer-table.ts'

/** Small, so that short histories meet them; rates have tests of their own. */
const small: PeerTableLimits = {
  ...limits,
  peers: 4,
  peersPerSource: 3,
  confirmedPeers: 2,
  pathsPerPeer: 4,
  pathLifetimeMs: 90,
  pingPeriodMs: 30,
  provenMs: 70,
  firstPingPerPeerMs: 6,
  pingFailures: 2,
  contestedPingMs: 5,
  silenceMs: 65,
  peerEventsPerSecond: Infinity,
  peerEventsPerSourcePerSecond: Infinity,
}

interface ModelPath {
  readonly address: string
  readonly port: number
  readonly source: string
  readonly via: Set<string>
  seenAt: number
  confirmedAt: number | undefined
  waitsSince: number | undefined
  /** Ascending: the order of proof for confirmed paths; for others of a reference peer the newest has the lowest number, of one of ours the highest, like hints. */
  rank: number
}

interface ModelPeer {
  readonly id: PeerId
  readonly source: string
  readonly firstSeenAt: number
  readonly paths: ModelPath[]
  readonly via: Set<string>
  key: Uint8Array | undefined
  name: string
  instance: bigint | undefined
  proven: boolean
  seenAt: number
  aliveAt: number
  confirmedAt: number | undefined
  usedAt: number
  pingFailures: number
  pingedAt: number
  pingAt: number
  askedAt: number
  askAt: number
}

class Model {
  peers: ModelPeer[] = []
  readonly holds: PeerId[] = []
  #step = 0

  see({ announcement, address, source, via, now }: Heard) {
    this.#step++
    const known = this.find(announcement.id)
    if (announcement.upgrade?.leaving) return { change: known ? 'same' : 'refused', evicted: [] }
    if (known === undefined) return this.#enter({ announcement, address, source, via, now }, true)
    const before = face(known)
    const bestBefore = best(known)
    known.seenAt = known.aliveAt = now
    if (this.#isEvictable(known)) known.usedAt = this.#step
    const path = pathAt(known, address, announcement.port)
    if (path === undefined) {
      this.#addPath(known, { address, port: announcement.port, source, via, now })
      if (bestBefore.confirmedAt !== undefined && !isProvable(known.id)) hurry(known, now)
    } else {
      path.seenAt = now
      path.via.add(via)
    }
    const heardOn = pathAt(known, address, announcement.port)
    const waits = heardOn && (heardOn.confirmedAt !== undefined || heardOn.waitsSince !== undefined)
    if (isProvable(known.id) && heardOn && heardOn !== best(known) && !waits) {
      heardOn.waitsSince = now
      const soon = now + this.#firstPingMs(known.id)
      known.askAt = Math.min(known.askAt, Math.max(soon, known.askedAt + small.contestedPingMs))
    }
    known.via.add(via)
    const own = announcement.upgrade
    known.key = own?.key ?? known.key
    const speaker = best(known)
    if (own && speaker.address === address && speaker.port === announcement.port) {
      known.name = own.name
      known.instance = own.instance
    }
    return { change: face(known) === before ? 'same' : 'changed', evicted: [] }
  }

  hint({ announcement, address, now }: Pick<Heard, 'announcement' | 'address' | 'now'>) {
    this.#step++
    const known = this.find(announcement.id)
    if (known === undefined)
      return this.#enter({ announcement, address, source: address, via: 'peers', now }, false)
    const { port } = announcement
    if (known.paths.length < small.pathsPerPeer && !pathAt(known, address, port)) {
      const via = new Set(['peers'])
      const path = { address, port, source: address, via, seenAt: now }
      known.paths.push({ ...path, confirmedAt: undefined, waitsSince: undefined, rank: this.#step })
    }
    return { change: 'same', evicted: [] }
  }

  confirm(id: PeerId, address: string, port: number | undefined, now: number) {
    this.#step++
    const known = this.find(id)
    const path = known && ordered(known).find((p) => p.address === address && (port ?? p.port) === p.port)
    if (!known || !path) return 'same'
    const before = best(known)
    if (isProvable(id)) path.rank = -this.#step
    else path.rank = path.confirmedAt === undefined ? this.#step : path.rank
    path.waitsSince = undefined
    path.confirmedAt = known.confirmedAt = known.aliveAt = now
    if (best(known) === path) known.pingFailures = 0
    else hurry(known, now)
    known.proven ||= this.peers.filter((peer) => peer.proven).length < small.confirmedPeers
    return best(known) === before ? 'same' : 'changed'
  }

  hold(id: PeerId): void {
    this.holds.push(id)
  }

  release(id: PeerId, now: number): void {
    this.#step++
    if (!this.holds.includes(id)) return
    this.holds.splice(this.holds.indexOf(id), 1)
    const known = this.find(id)
    if (this.holds.includes(id) || !known) return
    known.aliveAt = now
    known.usedAt = this.#step
  }

  pingDue(now: number, limit: number): PingTarget[] {
    for (const peer of this.peers) {
      const { confirmedAt = -Infinity, seenAt } = best(peer)
      const isProven = isProvable(peer.id) && peer.pingFailures === 0 && now < confirmedAt + small.provenMs
      if (peer.pingAt <= now && isProven && now < seenAt + small.pingPeriodMs)
        peer.pingAt = now + small.pingPeriodMs
    }
    const due = this.peers.filter((peer) => peer.pingAt <= now).sort((a, b) => a.pingAt - b.pingAt)
    const targets = due.slice(0, limit).map((peer) => {
      peer.pingedAt = now
      peer.pingAt = now + small.pingPeriodMs
      const { address, port } = best(peer)
      return { id: peer.id, address, port }
    })
    const others = this.peers.filter((peer) => peer.askAt <= now).sort((a, b) => a.askAt - b.askAt)
    for (const peer of others.slice(0, limit - targets.length)) {
      const line = ordered(peer).filter((path) => path !== best(peer) && path.waitsSince !== undefined)
      const [next] = line.sort((a, b) => a.waitsSince! - b.waitsSince!)
      if (next) next.waitsSince = undefined
      peer.askedAt = now
      peer.askAt = line.length > 1 ? now + small.contestedPingMs : Infinity
      if (next) targets.push({ id: peer.id, address: next.address, port: next.port })
    }
    return targets
  }

  #firstPingMs(id: PeerId): number {
    const fraction = Number.parseInt(id.slice(-8), 16) / 2 ** 32
    return isProvable(id)
      ? Math.min(small.pingPeriodMs, this.peers.length * small.firstPingPerPeerMs) * fraction
      : small.pingPeriodMs * (0.5 + 0.5 * fraction)
  }

  pingFailed({ id, address, port }: PingTarget, now: number) {
    const known = this.find(id)
    if (!known || best(known) !== pathAt(known, address, port)) return 'same'
    known.pingFailures++
    if (known.paths.length > 1) hurry(known, now)
    if (known.pingFailures < 2) return 'same'
    if (known.paths.length === 1) {
      if (this.holds.includes(id)) return 'same'
      this.remove(id)
      return 'lost'
    }
    known.paths.splice(known.paths.indexOf(best(known)), 1)
    known.pingFailures = 0
    return 'changed'
  }

  expire(now: number) {
    const lost = this.peers.filter((p) => now - p.aliveAt >= small.silenceMs && !this.holds.includes(p.id))
    for (const { id } of lost) this.remove(id)
    const changed = this.peers.filter((peer) => {
      const before = best(peer)
      const fresh = peer.paths.filter(
        (p) => now - Math.max(p.seenAt, p.confirmedAt ?? 0) < small.pathLifetimeMs,
      )
      peer.paths.splice(0, Infinity, ...(fresh.length > 0 ? fresh : [before]))
      return best(peer) !== before
    })
    return { lost: lost.map(({ id }) => id), changed: changed.map(({ id }) => id) }
  }

  remove(id: PeerId): void {
    this.peers = this.peers.filter((peer) => peer.id !== id)
  }

  find(id: PeerId): ModelPeer | undefined {
    return this.peers.find((peer) => peer.id === id)
  }

  #isEvictable(peer: ModelPeer): boolean {
    return !peer.proven && !this.holds.includes(peer.id)
  }

  #enter({ announcement, address, source, via, now }: Heard, mayEvict: boolean) {
    const evicted: PeerId[] = []
    for (;;) {
      const ofSource = this.peers.filter((peer) => peer.source === source)
      const crowded = ofSource.length >= small.peersPerSource
      const candidates = (crowded ? ofSource : this.peers).filter((peer) => this.#isEvictable(peer))
      if (!crowded && candidates.length < small.peers) break
      const [oldest] = candidates.sort((a, b) => a.usedAt - b.usedAt)
      if (!mayEvict || oldest === undefined) return { change: 'refused', evicted }
      this.remove(oldest.id)
      evicted.push(oldest.id)
    }
    const { id, port, upgrade } = announcement
    const path = {
      address,
      port,
      source,
      via: new Set([via]),
      seenAt: now,
      confirmedAt: undefined,
      waitsSince: undefined,
      rank: -this.#step,
    }
    this.peers.push({
      id,
      source,
      firstSeenAt: now,
      paths: [path],
      via: new Set([via]),
      key: upgrade?.key,
      name: upgrade?.name ?? '',
      instance: upgrade?.instance,
      proven: false,
      seenAt: now,
      aliveAt: now,
      confirmedAt: undefined,
      usedAt: this.#step,
      pingFailures: 0,
      pingedAt: -Infinity,
      pingAt: now + this.#firstPingMs(id),
      askedAt: -Infinity,
      askAt: Infinity,
    })
    return { change: 'found', evicted }
  }

  #addPath(
    peer: ModelPeer,
    {
      address,
      port,
      source,
      via,
      now,
    }: Pick<ModelPath, 'address' | 'port' | 'source'> & { via: string; now: number },
  ) {
    const unconfirmed = ordered(peer).filter((path) => path.confirmedAt === undefined)
    const own = unconfirmed.filter((path) => path.source === source)
    const isCrowded = own.length >= small.pathsPerSource
    if (isCrowded || peer.paths.length === small.pathsPerPeer) {
      const proved = ordered(peer).filter((path) => path.confirmedAt !== undefined)
      const tooMany = isCrowded ? [] : proved.slice(small.pathsPerPeer - small.pathsPerSource).toReversed()
      const [oldest] =
        tooMany.length > 0
          ? tooMany
          : (isCrowded ? own : unconfirmed)
              .filter((path) => path !== best(peer))
              .sort((a, b) => a.seenAt - b.seenAt)
      if (oldest === undefined) return
      peer.paths.splice(peer.paths.indexOf(oldest), 1)
    }
    const path = {
      address,
      port,
      source,
      via: new Set([via]),
      seenAt: now,
      confirmedAt: undefined,
      waitsSince: undefined,
      rank: isProvable(peer.id) ? this.#step : -this.#step,
    }
    peer.paths.push(path)
    if (best(peer) === path) peer.pingFailures = 0
  }
}

function hurry(peer: ModelPeer, now: number): void {
  peer.pingAt = Math.min(peer.pingAt, Math.max(now, peer.pingedAt + small.contestedPingMs))
}

function ordered(peer: ModelPeer): ModelPath[] {
  const later = (path: ModelPath) => (path.confirmedAt === undefined ? 1 : 0)
  return peer.paths.toSorted((a, b) => later(a) - later(b) || a.rank - b.rank)
}

function best(peer: ModelPeer): ModelPath {
  return ordered(peer)[0]!
}

function pathAt(peer: ModelPeer, address: string, port: number): ModelPath | undefined {
  return peer.paths.find((path) => path.address === address && path.port === port)
}

/** What decides whether a peer has changed. */
function face(peer: ModelPeer): string {
  const { address, port } = best(peer)
  return [address, port, peer.name, peer.instance, ...peer.via].join('|')
}

const ids = Array.from(
  { length: 12 },
  (_, i) =>
    `00000000-0000-${i % 2 === 0 ? 4 : 8}000-8000-0000${(i * 0x1f3d_5b79).toString(16).padStart(8, '0').slice(-8)}` as PeerId,
)
const peers = fc.constantFrom(...ids)
const addresses: fc.Arbitrary<string> = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4')
const ports = fc.constantFrom(8001, 8002)
const upgrades = fc.record({
  protocol: fc.constant(1),
  key: fc.constantFrom(undefined, new Uint8Array(32).fill(1)),
  capabilities: fc.constant(1),
  instance: fc.constantFrom(1n, 2n),
  name: fc.constantFrom('', 'desk'),
  leaving: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
  wantsAnswer: fc.boolean(),
})
const announcements: fc.Arbitrary<Announcement> = fc.record({
  id: peers,
  port: ports,
  files: fc.constant(new Map<string, string>()),
  ip: fc.constant(undefined),
  isPublicIp: fc.constant(false),
  upgrade: fc.option(upgrades, { nil: undefined }),
})
const vias = fc.constantFrom('multicast', 'broadcast')

const steps = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('see' as const),
      announcement: announcements,
      address: addresses,
      source: addresses,
      via: vias,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('hint' as const),
      announcement: announcements,
      address: addresses,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('confirm' as const), id: peers, address: addresses }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hold' as const), id: peers }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), id: peers }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('ping' as const),
      limit: fc.integer({ min: 0, max: 4 }),
      answers: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('expire' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), id: peers }) },
)
type Step = typeof steps extends fc.Arbitrary<infer Value> ? Value : never

/** Plays one step on both; returns the IDs that were found and lost. */
function play(step: Step, now: number, { table, model }: { table: PeerTable; model: Model }) {
  const gone: PeerId[] = []
  const come: PeerId[] = []
  switch (step.kind) {
    case 'see':
    case 'hint': {
      const { change, peer, evicted } =
        step.kind === 'see' ? table.see({ ...step, now }) : table.hint({ ...step, now })
      const expected = step.kind === 'see' ? model.see({ ...step, now }) : model.hint({ ...step, now })
      gone.push(...evicted.map(({ id }) => id))
      assert.deepEqual({ change, evicted: gone }, expected)
      assert.equal(peer, table.get(step.announcement.id))
      if (change === 'found') come.push(step.announcement.id)
      break
    }
    case 'confirm': {
      const { change } = table.confirm(step.id, step.address, now)
      assert.equal(change, model.confirm(step.id, step.address, undefined, now))
      break
    }
    case 'hold': {
      table.hold(step.id)
      model.hold(step.id)
      break
    }
    case 'release': {
      table.release(step.id, now)
      model.release(step.id, now)
      break
    }
    case 'ping': {
      const due = table.pingDue(now, step.limit)
      assert.deepEqual(due, model.pingDue(now, step.limit))
      for (const [index, target] of due.entries()) {
        if (step.answers[index]) {
          const expected = model.confirm(target.id, target.address, target.port, now)
          assert.equal(table.pingAnswered(target, now).change, expected)
        } else {
          const { change } = table.pingFailed(target, now)
          assert.equal(change, model.pingFailed(target, now))
          if (change === 'lost') gone.push(target.id)
        }
      }
      break
    }
    case 'expire': {
      const { lost, changed } = table.expire(now)
      gone.push(...lost.map(({ id }) => id))
      assert.deepEqual({ lost: gone, changed: changed.map(({ id }) => id) }, model.expire(now))
      break
    }
    case 'remove': {
      if (table.remove(step.id) !== undefined) gone.push(step.id)
      model.remove(step.id)
      break
    }
  }
  return { gone, come }
}

function shown(table: PeerTable) {
  return table.list().map(({ id, kind, key, name, instance, paths, via, ...times }) => {
    const { firstSeenAt, seenAt, confirmedAt, pingFailures } = times
    return { id, kind, key, name, instance, via, paths, firstSeenAt, seenAt, confirmedAt, pingFailures }
  })
}

function shownBy(model: Model) {
  return model.peers.map((peer) => ({
    id: peer.id,
    kind: isProvable(peer.id) ? 'p2p' : 'reference',
    key: peer.key,
    name: peer.name,
    instance: peer.instance,
    via: [...peer.via],
    paths: ordered(peer).map(({ address, port, source, via, seenAt, confirmedAt, waitsSince }) => ({
      address,
      port,
      source,
      via: [...via],
      seenAt,
      confirmedAt,
      waitsSince,
    })),
    firstSeenAt: peer.firstSeenAt,
    seenAt: peer.seenAt,
    confirmedAt: peer.confirmedAt,
    pingFailures: peer.pingFailures,
  }))
}

const histories = fc.array(fc.tuple(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 25 })), steps), {
  maxLength: 150,
  size: 'max',
})

const four = [1, 3, 5, 7].map((index) => ids[index]!)
const last = four[3]!

/** Histories on which the two once differed. */
const found: [number, Step][][] = [
  // A path that waits keeps its turn, however few peers there are when it is heard again.
  [
    ...four.map((id): [number, Step] => [0, heard(id)]),
    [0, heard(last, 8002)],
    ...four.slice(0, 3).map((id): [number, Step] => [0, { kind: 'remove', id }]),
    [0, heard(last, 8002)],
    [6, { kind: 'ping', limit: 4, answers: [true, true, true, true] }],
  ],
]

function heard(id: PeerId, port = 8001): Step {
  const announcement = { id, port, files: new Map<string, string>(), ip: undefined, isPublicIp: false }
  const address = port === 8001 ? `10.0.0.${(ids.indexOf(id) % 4) + 1}` : '10.0.0.1'
  const whole = { ...announcement, upgrade: undefined }
  return { kind: 'see', announcement: whole, address, source: address, via: 'multicast' }
}

test('U15, U16, U18: the table does what the naive model does, whatever happens', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const both = { table: new PeerTable(small), model: new Model() }
      const told = new Set<PeerId>()
      let now = 1_000
      for (const [waitMs, step] of history) {
        now += waitMs
        const protectedIds = both.model.peers.filter(
          (peer) => peer.proven || both.model.holds.includes(peer.id),
        )
        const { gone, come } = play(step, now, both)
        assert.deepEqual(shown(both.table), shownBy(both.model))
        if (step.kind === 'see') for (const { id } of protectedIds) assert.ok(!gone.includes(id))
        // Every peer that was found is lost once, and only then.
        for (const id of gone) assert.ok(told.delete(id))
        for (const id of come) assert.ok(!told.has(id) && told.add(id))
        assert.deepEqual(new Set(both.table.list().map(({ id }) => id)), told)
        assert.equal(both.table.size, told.size)
        checkLimits(both.model, come.length > 0)
      }
    }),
    { numRuns: 1_000, examples: found.map((history) => [history]) },
  )
})

/** What no history may break; the table shows the same as the model, which also knows who counts for whom. */
function checkLimits({ peers: all, holds }: Model, afterNewcomer: boolean): void {
  const bySource = Map.groupBy(all, ({ source }) => source)
  for (const ofSource of bySource.values()) assert.ok(ofSource.length <= small.peersPerSource)
  for (const { paths } of all) assert.ok(paths.length >= 1 && paths.length <= small.pathsPerPeer)
  assert.ok(all.filter(({ proven }) => proven).length <= small.confirmedPeers)
  const evictable = all.filter(({ id, proven }) => !proven && !holds.includes(id)).length
  // Peers whose sessions end come on top, until the next newcomer.
  if (afterNewcomer) assert.ok(evictable <= small.peers)
}
