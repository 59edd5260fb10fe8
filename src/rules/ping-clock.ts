import type { PeerId } from '../protocol/peer-id.ts'
import { nextInLine, type Entry } from './peer-record.ts'

interface Address {
  readonly address: string
  readonly port: number
}

/** Where to send a /ping. */
export interface PingTarget extends Address {
  readonly id: PeerId
}

/** The entries of `limits` that the clock keeps. */
export type PingLimits = Readonly<
  Record<'pingPeriodMs' | 'provenMs' | 'firstPingPerPeerMs' | 'contestedPingMs', number>
>

/** When which path of a peer is asked: the best in every period, others of a peer of ours when they are heard (U16). */
export class PingClock {
  readonly #limits: PingLimits
  readonly #seed: number

  /** @param selfId spreads over nodes what all of them would else do to one peer at the same time */
  constructor(options: PingLimits, selfId: PeerId | undefined) {
    this.#limits = options
    this.#seed = selfId === undefined ? 0 : lastBits(selfId)
  }

  /** Sets the first ping of a new peer; a peer of ours is asked soon, before strangers tell of paths that lead nowhere. */
  start(entry: Entry, knownPeers: number, now: number): void {
    entry.pingAt = now + this.#delayMs(entry, knownPeers)
  }

  /** The best path is to be checked sooner. */
  hurry(entry: Entry, now: number): void {
    entry.pingAt = Math.min(entry.pingAt, Math.max(now, entry.pingedAt + this.#limits.contestedPingMs))
  }

  /** A path waits that is not the best. */
  ask(entry: Entry, knownPeers: number, now: number): void {
    const earliest = entry.askedAt + this.#limits.contestedPingMs
    entry.askAt = Math.min(entry.askAt, Math.max(now + this.#delayMs(entry, knownPeers), earliest))
  }

  /**
   * At most `limit` pings that are due, the longest overdue first, and those of best paths before all others, so that
   * no stranger who invents paths can hold them up. They count as sent.
   */
  due(entries: readonly Entry[], now: number, limit: number): readonly PingTarget[] {
    const { pingPeriodMs, contestedPingMs } = this.#limits
    const best = overdue(entries, 'pingAt', now)
      .filter((entry) => !this.#canWait(entry, now))
      .slice(0, limit)
    const others = overdue(entries, 'askAt', now).slice(0, limit - best.length)
    return [
      ...best.flatMap((entry) => {
        entry.pingedAt = now
        entry.pingAt = now + pingPeriodMs
        return targetOf(entry, entry.paths[0])
      }),
      ...others.flatMap((entry) => {
        const { path, more } = nextInLine(entry)
        entry.askedAt = now
        entry.askAt = more ? now + contestedPingMs : Infinity
        return targetOf(entry, path)
      }),
    ]
  }

  /**
   * A peer of ours that has proved its best path a while ago, and that is heard there, is not asked in this period: the
   * handshake costs both sides more than all else that they do for each other (docs/decisions/0019-pings-that-can-wait.md).
   */
  #canWait(entry: Entry, now: number): boolean {
    const { pingPeriodMs, provenMs } = this.#limits
    const [best] = entry.paths
    const canWait =
      entry.kind === 'p2p' &&
      entry.pingFailures === 0 &&
      best?.confirmedAt !== undefined &&
      now - best.confirmedAt < provenMs &&
      now - best.seenAt < pingPeriodMs
    if (canWait) entry.pingAt = now + pingPeriodMs
    return canWait
  }

  /** Spread over peers and over nodes, or those that start together are pinged together, and by everybody, for ever. */
  #delayMs({ id, kind }: Entry, knownPeers: number): number {
    const { pingPeriodMs, firstPingPerPeerMs } = this.#limits
    // A number in [0, 1) that is the same for two IDs at every call.
    const fraction = ((lastBits(id) ^ this.#seed) >>> 0) / 2 ** 32
    if (kind === 'reference') return pingPeriodMs * (0.5 + 0.5 * fraction)
    return Math.min(pingPeriodMs, knownPeers * firstPingPerPeerMs) * fraction
  }
}

function overdue(entries: readonly Entry[], when: 'pingAt' | 'askAt', now: number): readonly Entry[] {
  return entries.filter((entry) => entry[when] <= now).sort((a, b) => a[when] - b[when])
}

function targetOf({ id }: Entry, path: Address | undefined): readonly PingTarget[] {
  return path === undefined ? [] : [{ id, address: path.address, port: path.port }]
}

/** 32 bits that spread over IDs. */
function lastBits(id: PeerId): number {
  return Number.parseInt(id.slice(-8), 16)
}
