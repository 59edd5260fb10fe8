import type { PeerId } from '../protocol/peer-id.ts'

/** How a channel ended. `code` is a WebSocket close code; 1006 means that the network ended it. */
export interface ChannelEnd {
  readonly code: number
  readonly reason: string
  /** The address that it was bound to is ours no more. The peer cannot know, so that it is on us to call again. */
  readonly stranded?: boolean
}

/** What a peer has proved of itself in the handshake of one connection. */
export interface Proof {
  /** Its public key, 32 bytes; its ID is cut from the hash of it. */
  readonly key: Uint8Array
  /** The highest version of our part of the protocol that both ends speak. */
  readonly protocol: number
}

/**
 * Carries frames to one peer and back. Iterate it once: each step gives the frames that arrived together, never
 * none. Iteration ends when the channel has ended, and never throws; `closed` then says how it ended. While nobody iterates,
 * the channel stops reading from the network (back-pressure). Leaving the loop early gives up what still comes.
 */
export interface Channel extends AsyncIterable<readonly Uint8Array[]> {
  readonly peerId: PeerId
  /** Whether the other side dialled. */
  readonly incoming: boolean
  /** Present with a peer of ours: the channel is encrypted and `peerId` proved. Absent with a reference peer. */
  readonly proof: Proof | undefined
  /** Address of the other side. */
  readonly address: string
  /** False once either side has begun to close it: what is given to `send` from then on is dropped. */
  readonly isOpen: boolean
  /** Bytes that were given to `send` and have not left yet. */
  readonly queuedBytes: number
  /**
   * Queues one frame, which must not be changed afterwards. Frames of one tick leave together.
   *
   * @returns undefined when more may be sent at once, else a promise that resolves when there is room again
   *   (or when the channel has ended)
   */
  send(frame: Uint8Array): Promise<void> | undefined
  /** Counts messages of the peer that came besides the one that each frame counts for (W9). */
  charge(messages: number): void
  /** Starts an orderly close; gives up on the other side after `limits.closeMs`. Resolves when it has ended. */
  close(code: number, reason: string): Promise<void>
  /** Resolves once, when the channel has ended for whatever cause. */
  readonly closed: Promise<ChannelEnd>
}

/** A channel for pairing alone: its two ends verify each other, or one names the successor of its key. */
export interface PairingChannel extends Channel {
  readonly proof: Proof
  /** 32 bytes that only the two ends of this very connection know (RFC 8446, 7.5, exporter, `EXPORTER-p2p-sas-v1`). */
  readonly binding: Uint8Array
}
