import { P2PError } from '../base/errors.ts'
import type { EventStream } from '../base/events.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { Calls } from './calls.ts'
import type { NodeEvent, Peer } from './node-event.ts'
import type { CallOptions, Peers } from './p2p-node.ts'
import type { PeerDirectory } from './peer-directory.ts'

/** `node.peers`: the directory, as others may see it. */
export class KnownPeers implements Peers {
  readonly #directory: PeerDirectory
  readonly #calls: Pick<Calls, 'load'>
  readonly #events: (options: CallOptions) => EventStream<NodeEvent>

  /** @param events all events of the node from now on */
  constructor(
    directory: PeerDirectory,
    calls: Pick<Calls, 'load'>,
    events: (options: CallOptions) => EventStream<NodeEvent>,
  ) {
    this.#directory = directory
    this.#calls = calls
    this.#events = events
  }

  list(): readonly Peer[] {
    return this.#directory.list()
  }

  find(id: PeerId): Peer | undefined {
    return this.#directory.find(id)
  }

  get(id: PeerId): Peer {
    return this.#directory.get(id)
  }

  async waitFor(
    criteria: { readonly id?: PeerId; readonly name?: string },
    options: CallOptions = {},
  ): Promise<Peer> {
    const fits = (peer: Peer): boolean =>
      (criteria.id === undefined || peer.id === criteria.id) &&
      (criteria.name === undefined || peer.name === criteria.name)
    const known = this.list().find(fits)
    if (known !== undefined) return known
    for await (const event of this.#events(options)) {
      if ((event.type === 'peer:found' || event.type === 'peer:changed') && fits(event.peer))
        return event.peer
    }
    options.signal?.throwIfAborted()
    throw new P2PError('node-stopped', 'The node stopped before such a peer appeared. Start it again.')
  }

  async load(from: PeerId, options: CallOptions = {}): Promise<number> {
    return await this.#calls.load(from, options)
  }
}
