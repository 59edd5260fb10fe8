/**
 * The quirks of the reference (the published Go client) that shape our bytes, each with its reason. Those that are
 * numbers stand in base/limits.ts: `datagramBytes`, `peerListBytes`, `messageBytes`.
 */

/** The text in `Peer.IP` when no address is configured: how Go prints an absent `net.IP` (U9). */
export const noIp = '<nil>'
