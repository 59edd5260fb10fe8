import { join, resolve } from 'node:path'
import { P2PError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { openFileWorkers } from '../../files/file-workers.ts'
import { openTarget } from '../../files/target.ts'
import type { MessageId } from '../../protocol/message-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import { Bandwidth } from '../../rules/bandwidth.ts'
import type { MessageContent } from '../../protocol/message.ts'
import type { ShareStore } from '../../store/share-store.ts'
import type { TransferStore } from '../../store/transfer-store.ts'
import type { FileConnection } from '../../transport/files.ts'
import type { NodeEvent } from '../node-event.ts'
import type { CallOptions } from '../p2p-node.ts'
import { Browser } from './browse.ts'
import { openDownloads } from './downloads.ts'
import { NodeFileHost } from './file-host.ts'
import { OpenLines } from './file-lines.ts'
import { Offers, type AutoAccept } from './offers.ts'
import { Outgoing } from './outgoing.ts'
import type { Downloads } from './receiving.ts'
import { Sender } from './sender.ts'
import { Sharing } from './sharing.ts'
import { Spool } from './spool.ts'
import { Takings } from './takings.ts'
import { requireLimits } from './transfer-limits.ts'
import type {
  FilePage,
  Files,
  GetOptions,
  OfferInfo,
  SendOptions,
  SentContent,
  Share,
  SharedFile,
  ShareOptions,
  Transfer,
  TransferLimits,
  Visibility,
} from './types.ts'

/** What files need of their node. */
export interface NodeFilesContext {
  readonly shares: ShareStore
  readonly transfers: TransferStore
  readonly dataDir: string | undefined
  /** Where files go when nothing else is said. */
  readonly downloads: string | undefined
  readonly limits: TransferLimits
  readonly autoAccept: AutoAccept
  readonly log: Log
  /** @throws P2PError `node-stopped` */
  requireRunning(): void
  /** Whether policy and trust allow files with a peer; @throws P2PError `peer-blocked`, `policy-refused` */
  allows(id: PeerId): boolean
  require(id: PeerId): void
  isVerified(id: PeerId): boolean
  /** Whether our user has nothing to do with a peer. */
  isStranger(id: PeerId): boolean
  /** Peers that are known now. */
  peers(): readonly PeerId[]
  /** Opens a connection for files. @throws like `P2PNode.connect` */
  dial(id: PeerId, signal: AbortSignal): Promise<FileConnection>
  /** Ends the connections for files that a peer has opened to us. */
  cut(id: PeerId): void
  /** Messages of a conversation: says one, takes one back that has not left, knows whether one was said. */
  carry(to: PeerId, content: MessageContent, id?: MessageId): Promise<void>
  takeBack(id: MessageId): Promise<void>
  isSaid(id: MessageId): boolean
  hears(type: NodeEvent['type']): boolean
  emit(event: NodeEvent): void
  warn(error: unknown, about?: PeerId): void
}

/** Peers whose share of the bandwidth is remembered. */
const countedPeers = 256

/** `node.files`, and what the rest of the node needs of it. */
export class NodeFiles implements Files, AsyncDisposable {
  readonly host: NodeFileHost
  readonly offersIn: Offers
  readonly #context: NodeFilesContext
  readonly #worker = openFileWorkers()
  readonly #upload: Bandwidth
  readonly #lines: OpenLines
  readonly #browser: Browser
  readonly #spool: Spool
  readonly #sharing: Sharing
  readonly #outgoing: Outgoing
  readonly #takings: Takings
  readonly #sender: Sender
  readonly #downloads: Downloads
  #limits: TransferLimits

  constructor(context: NodeFilesContext) {
    const { dataDir, limits } = context
    this.#context = context
    this.#limits = limits
    this.#upload = new Bandwidth({ all: limits.upload, perPeer: limits.perPeer }, countedPeers)
    this.#lines = new OpenLines({
      require: (id) => context.require(id),
      dial: (id, signal) => context.dial(id, signal),
    })
    this.#browser = new Browser(this.#lines)
    this.#spool = new Spool(dataDir === undefined ? undefined : join(resolve(dataDir), 'outgoing'))
    this.#sharing = this.#makeSharing()
    this.#outgoing = this.#makeOutgoing()
    this.#takings = new Takings(context)
    this.#sender = this.#makeSender()
    this.offersIn = this.#makeOffers()
    this.#downloads = this.#makeDownloads()
    this.host = this.#makeHost()
  }

  /** The node is open: shares are looked through, and what was under way goes on. */
  start(): void {
    this.#sharing.start()
    this.#outgoing.start()
    this.offersIn.start()
    this.#downloads.start()
    const isNeeded = (id: string): boolean => this.#outgoing.isOpen(id)
    this.#spool.sweep(isNeeded).catch((error: unknown) => this.#context.warn(error))
  }

  /** A peer has come. */
  peerHere(id: PeerId): void {
    this.#downloads.peerHere(id)
  }

  /** Policy or trust have changed: what they forbid ends, and what they allow again goes on. */
  allowedChanged(): void {
    this.host.recheck()
    for (const id of this.#context.peers()) {
      if (this.#context.allows(id)) continue
      this.#context.cut(id)
      this.#lines.cut(id)
    }
    this.#downloads.nudge()
  }

  /** Files directly in what a peer sees of our shares, by their path. */
  topFiles(peerId: PeerId): ReadonlyMap<string, string> {
    if (!this.#context.allows(peerId)) return new Map()
    const viewer = { peerId, verified: this.#context.isVerified(peerId) }
    return new Map(this.#sharing.topFiles(viewer).map(({ path, id }) => [path, id]))
  }

  async share(path: string, options: ShareOptions = {}): Promise<Share> {
    this.#context.requireRunning()
    return await this.#sharing.share(path, options)
  }

  /** For shares that are named when the node starts. */
  async shareOnce(path: string): Promise<void> {
    await this.#sharing.shareOnce(path)
  }

  async setVisibility(name: string, visibleTo: Visibility): Promise<void> {
    await this.#sharing.setVisibility(name, visibleTo)
  }

  async unshare(name: string): Promise<void> {
    await this.#sharing.unshare(name)
  }

  shares(): readonly Share[] {
    return this.#sharing.list()
  }

  async list(peerId: PeerId, path = '', options: Parameters<Files['list']>[2] = {}): Promise<FilePage> {
    this.#context.requireRunning()
    return await this.#browser.list(peerId, path, options)
  }

  find(pattern: string, options: Parameters<Files['find']>[1] = {}): AsyncIterable<SharedFile> {
    this.#context.requireRunning()
    const peers = options.peers ?? this.#holders()
    return this.#browser.find(pattern, peers, options)
  }

  async get(peerId: PeerId, path: string, options: GetOptions = {}): Promise<Transfer> {
    this.#context.requireRunning()
    const { to = this.#downloadsFolder(), existing = 'rename', signal } = options
    const wish = { peerId, path, into: resolve(to), existing }
    return await this.#downloads.get(wish, signal && { signal })
  }

  read(peerId: PeerId, path: string, options: CallOptions = {}): AsyncIterable<Uint8Array> {
    this.#context.requireRunning()
    return this.#downloads.read(peerId, path, options)
  }

  async send(peerId: PeerId, paths: readonly string[], options: SendOptions = {}): Promise<OfferInfo> {
    return await this.#sender.send(peerId, paths, options)
  }

  // oxlint-disable-next-line eslint/max-params -- as `Files` names them
  async sendStream(
    peerId: PeerId,
    name: string,
    content: AsyncIterable<Uint8Array>,
    options: CallOptions = {},
  ): Promise<OfferInfo> {
    return await this.#sender.sendStream(peerId, { name, content }, options)
  }

  async sendContents(
    peerId: PeerId,
    contents: readonly SentContent[],
    options: CallOptions = {},
  ): Promise<OfferInfo> {
    return await this.#sender.sendContents(peerId, contents, options)
  }

  offers(): readonly OfferInfo[] {
    return this.offersIn.list()
  }

  async accept(offerId: string, options: Pick<GetOptions, 'to' | 'existing'> = {}): Promise<Transfer> {
    this.#context.requireRunning()
    return await this.offersIn.accept(offerId, options)
  }

  async decline(offerId: string): Promise<void> {
    await this.offersIn.decline(offerId)
  }

  transfers(): readonly Transfer[] {
    const all = [...this.#downloads.list(), ...this.#outgoing.list(), ...this.#takings.list()]
    return [...all.filter((transfer) => !hasEnded(transfer)), ...all.filter(hasEnded)]
  }

  async pause(id: string): Promise<void> {
    await this.#downloads.pause(id)
  }

  async resume(id: string): Promise<void> {
    await this.#downloads.resume(id)
  }

  async cancel(id: string): Promise<void> {
    if (this.#outgoing.isOpen(id)) await this.offersIn.decline(id)
    else await this.#downloads.cancel(id)
  }

  async clear(): Promise<void> {
    this.#outgoing.clear()
    await this.#downloads.clear()
  }

  async finished(id: string, options: CallOptions = {}): Promise<Transfer> {
    if (this.#outgoing.find(id) !== undefined) return await this.#outgoing.finished(id, options)
    return await this.#downloads.finished(id, options)
  }

  get limits(): TransferLimits {
    return this.#limits
  }

  async setLimits(limits: Partial<TransferLimits>): Promise<void> {
    const next = { ...this.#limits, ...limits }
    requireLimits(next)
    this.#limits = next
    this.#upload.setRates({ all: next.upload, perPeer: next.perPeer })
    this.#downloads.nudge()
  }

  /** Stops what is under way; everything that is known of it is on the disk then. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#sharing[Symbol.dispose]()
    this.#outgoing[Symbol.dispose]()
    this.#takings[Symbol.dispose]()
    await this.#downloads[Symbol.asyncDispose]()
    await this.#lines[Symbol.asyncDispose]()
    await this.#worker[Symbol.asyncDispose]()
    await this.#spool[Symbol.asyncDispose]()
  }

  /** Peers of ours that are here and may be asked. */
  #holders(): readonly PeerId[] {
    return this.#context.peers().filter((id) => this.#context.allows(id))
  }

  /** @throws P2PError `usage` */
  #downloadsFolder(): string {
    const { dataDir, downloads = dataDir && join(dataDir, 'downloads') } = this.#context
    if (downloads !== undefined) return resolve(downloads)
    throw new P2PError('usage', 'Say where to put it: this node has no folder for downloads.')
  }

  #makeSharing(): Sharing {
    return new Sharing({
      ...this.#context,
      store: this.#context.shares,
      worker: this.#worker,
      rightsChanged: () => this.host.recheck(),
    })
  }

  #makeOutgoing(): Outgoing {
    return new Outgoing({
      ...this.#context,
      store: this.#context.transfers,
      rightsChanged: () => this.host.recheck(),
      ended: (id) => void this.#spool.remove(id).catch((error: unknown) => this.#context.warn(error)),
    })
  }

  #makeSender(): Sender {
    return new Sender({
      shares: this.#context.shares,
      worker: this.#worker,
      sharing: this.#sharing,
      outgoing: this.#outgoing,
      spool: this.#spool,
      require: (id) => {
        this.#context.requireRunning()
        this.#context.require(id)
      },
    })
  }

  #makeOffers(): Offers {
    return new Offers({
      ...this.#context,
      store: this.#context.transfers,
      outgoing: this.#outgoing,
      sharesMoved: (from, to) => this.#sharing.moved(from, to),
      downloads: () => this.#downloads,
      downloadsFolder: () => this.#downloadsFolder(),
      freeBytes: async (folder) => await (await openTarget(folder)).freeBytes(),
    })
  }

  #makeDownloads(): Downloads {
    return openDownloads({
      ...this.#context,
      store: this.#context.transfers,
      worker: this.#worker,
      lines: this.#lines,
      holders: () => this.#holders(),
      limits: () => this.#limits,
      ended: (transfer) => this.offersIn.ended(transfer),
    })
  }

  #makeHost(): NodeFileHost {
    return new NodeFileHost({
      ...this.#context,
      store: this.#context.shares,
      worker: this.#worker,
      upload: this.#upload,
      holding: (id) => this.#downloads.holding(id),
      hurry: (file) => this.#sharing.hashing.hurry(file),
      changed: (file) =>
        void this.#sharing.failed(file, undefined).catch((error: unknown) => this.#context.warn(error)),
      served: (_, offer, bytes) => this.#outgoing.served(offer, bytes),
      taken: (by, files) => this.#takings.begin(by, files),
    })
  }
}

function hasEnded({ state }: Transfer): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled'
}
