import type { PeerId } from './peer-id.ts'

/** What one peer says of itself: the `Peer` message of the wire. */
export interface Announcement {
  readonly id: PeerId
  /** TCP port of its HTTP server, 1 to 65535. */
  readonly port: number
  /** Path to file ID; at most `limits.filesEntries`. */
  readonly files: ReadonlyMap<string, string>
  /** The address it claims, as it stands on the wire; absent when none is configured. Not checked here. */
  readonly ip: string | undefined
  /** True: it wants to be reached at `ip`. False: at the address the datagram came from. */
  readonly isPublicIp: boolean
  /** Our part of the announcement; absent in those of the reference. */
  readonly upgrade: Upgrade | undefined
}

/** Field 1001 of `Peer`. */
export interface Upgrade {
  readonly protocol: number
  /** Drawn at random at every start. */
  readonly instance: bigint
  /** Printable, at most `limits.nameBytes` bytes of UTF-8; empty when it gives itself no name. */
  readonly name: string
  readonly leaving: boolean
  readonly wantsAnswer: boolean
}
