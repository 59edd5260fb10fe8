import type { Peer, PeerId } from '../index.ts'

/** Peers that are drawn; the table beside the picture has all. */
export const drawnPeers = 48

/** Where a peer stands in the picture, this node being in the middle of it at 0, 0. */
export interface Spot {
  readonly peer: Peer
  readonly x: number
  readonly y: number
}

/** Radius of the first ring, and how much larger the next is; peers on the first, and on each further one. */
const rings = { radius: 130, step: 78, first: 8, more: 14 } as const

/**
 * Places peers on rings, those that say the most about how things are first: with a session, then as they are listed. Each keeps its
 * place as long as nobody before it goes.
 */
export function spotsOf(peers: readonly Peer[], talking: ReadonlySet<PeerId>): readonly Spot[] {
  const ordered = [
    ...peers.filter(({ id }) => talking.has(id)),
    ...peers.filter(({ id }) => !talking.has(id)),
  ].slice(0, drawnPeers)
  return ordered.map((peer, at) => {
    const ring = at < rings.first ? 0 : 1 + Math.floor((at - rings.first) / rings.more)
    const before = ring === 0 ? 0 : rings.first + (ring - 1) * rings.more
    const there = Math.min(ordered.length - before, ring === 0 ? rings.first : rings.more)
    // Each ring is turned a little, so that no peer hides the line to the one behind it.
    const angle = ((at - before) / there) * 2 * Math.PI - Math.PI / 2 + ring * 0.4
    const radius = rings.radius + ring * rings.step
    // Screens are wider than high.
    return { peer, x: Math.round(Math.cos(angle) * radius * 1.5), y: Math.round(Math.sin(angle) * radius) }
  })
}
