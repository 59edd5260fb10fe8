/**
 * The quirks of the reference (the published Go client) that shape our bytes, each with its reason.
 * docs/protocol.md describes them for people.
 */

/** The text in `Peer.IP` when no address is configured: how Go prints an absent `net.IP` (U9). */
export const noIp = '<nil>'
