import type { Announcement } from '../protocol/announcement.ts'
import { isProvable, type PeerId } from '../protocol/peer-id.ts'
import type { Channel, PairingChannel } from '../transport/channel.ts'
import type { FileConnection } from '../transport/files.ts'
import type { Address, PairOptions, PeerTransport } from '../transport/transport.ts'
import type { ExplorerSet } from './explorer-set.ts'
import type { NodeTrust } from './node-trust.ts'
import type { CallOptions } from './p2p-node.ts'
import type { PeerDirectory } from './peer-directory.ts'

/** Whom calls concern, and how they get there. */
export interface CallsContext {
  readonly directory: PeerDirectory
  readonly explorers: ExplorerSet
  trust(): NodeTrust
  transport(): PeerTransport
  /** Where a peer was when it was met last. */
  lastAddresses(id: PeerId): readonly Address[]
}

/** Every call that a node makes to its peers; all but those for pairing ask policy and trust here. */
export class Calls {
  readonly #context: CallsContext

  constructor(context: CallsContext) {
    this.#context = context
  }

  /** Opens a channel by whatever path answers first. @throws like `P2PNode.connect` */
  async dial(id: PeerId, signal: AbortSignal): Promise<Channel> {
    const context = this.#context
    context.trust().access.require(id, 'chat')
    const to = this.#waysTo(id)
    const channel = await this.#ask(id, { signal }, () => context.transport().dial(id, to, { signal }))
    return context.trust().checked(channel, 'chat')
  }

  /** Asks a peer for those that it knows. @returns how many of them we did not know @throws like `Peers.load` */
  async load(from: PeerId, options: CallOptions): Promise<number> {
    const context = this.#context
    const { access } = context.trust()
    access.require(from, 'peers')
    const { address, port } = context.directory.get(from)
    const fetch = (): Promise<readonly Announcement[]> =>
      context.transport().fetchPeers(from, { address, port }, options)
    const told = await this.#ask(from, options, fetch)
    // Meanwhile it may have been forbidden: then nothing that it says counts.
    access.require(from, 'peers')
    const own = told.find(({ id }) => id === from)
    if (own !== undefined && isProvable(from)) context.directory.tellsFiles(from, own.files)
    return context.directory.hint(told)
  }

  /** Opens a connection for files. @throws like `PeerTransport.files`, P2PError `peer-unknown`, `peer-blocked`, `policy-refused` */
  async files(id: PeerId, signal: AbortSignal): Promise<FileConnection> {
    const context = this.#context
    const { access } = context.trust()
    access.require(id, 'files')
    const connection = await context.transport().files(id, this.#waysTo(id), { signal })
    if (access.allows(id, 'files')) return connection
    await connection[Symbol.asyncDispose]()
    access.require(id, 'files')
    return connection
  }

  /** Opens a connection for pairing. @throws P2PError `peer-unknown`, and like `PeerTransport.pair` */
  async pair(id: PeerId, options: PairOptions): Promise<PairingChannel> {
    const { paths } = this.#context.directory.get(id)
    return await this.#context.transport().pair(id, paths, options)
  }

  /** One that can prove who it is may be where it was, although nobody has heard it for long. @throws P2PError `peer-unknown` */
  #waysTo(id: PeerId): readonly Address[] {
    const { directory } = this.#context
    const last = directory.has(id) || !isProvable(id) ? [] : this.#context.lastAddresses(id)
    return last.length > 0 ? last : directory.get(id).paths
  }

  /** A reference peer that refuses may not have heard of us: we announce ourselves to it, and ask once more. */
  async #ask<T>(id: PeerId, options: CallOptions, ask: () => Promise<T>): Promise<T> {
    if (isProvable(id)) return await ask()
    const { directory, explorers } = this.#context
    return await explorers.introduced(directory.get(id).address, options, ask)
  }
}
