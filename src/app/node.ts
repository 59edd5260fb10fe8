import { randomBytes } from 'node:crypto'

import { EventHub } from '../base/events.ts'
import { isP2PError, messageOf, P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { sleep } from '../base/time.ts'
import type { Explorer, ExplorerContext } from '../discovery/explorer.ts'
import type { Identity } from '../identity/identity.ts'
import type { Announcement } from '../protocol/announcement.ts'
import { isProvable, type PeerId } from '../protocol/peer-id.ts'
import type { Policy } from '../rules/trust.ts'
import { exportMessages, importMessages } from '../store/messages/exchange.ts'
import type { MessageStore } from '../store/message-store.ts'
import type { ShareStore } from '../store/share-store.ts'
import type { TransferStore } from '../store/transfer-store.ts'
import type { TrustStore } from '../store/trust-store.ts'
import type { Channel } from '../transport/channel.ts'
import type { PeerTransport, TransportContext } from '../transport/transport.ts'
import { Calls } from './calls.ts'
import { identityCard, type IdentityCard } from './identity.ts'
import type { NodeEvent, NodeInfo, Peer, SessionInfo } from './node-event.ts'
import { examine, type DiagnoseOptions, type Diagnosis } from './diagnosis.ts'
import { NodeTrust, type NodeTrustContext } from './node-trust.ts'
import { NodeFiles, type NodeFilesContext } from './files/node-files.ts'
import { openOwn, type Own } from './own.ts'
import { readOptions, requirePolicy, usualPort, type NodeOptions, type Settings } from './options.ts'
import type {
  CallOptions,
  Conversation,
  Conversations,
  EmitResult,
  ImportResult,
  Outbox,
  P2PNode,
  Peers,
  Session,
} from './p2p-node.ts'
import { KnownPeers } from './known-peers.ts'
import { PeerDirectory } from './peer-directory.ts'
import { Presence } from './presence.ts'
import { SessionSet } from './sessions.ts'
import { Talk, type TalkContext } from './talk.ts'
import { Warnings } from './warnings.ts'

/**
 * Starts a node: takes its identity, listens, and announces itself. Resolves when others can see and reach it.
 *
 * @throws P2PError `usage` for options out of range, `data-dir-busy`, `data-dir-unusable`, `identity-invalid`,
 *   `port-taken`, `port-forbidden`, `interface-unknown`, `network-unusable`; everything is released then
 */
export async function startNode(options: NodeOptions = {}): Promise<P2PNode> {
  options.signal?.throwIfAborted()
  const settings = readOptions(options)
  await using opened = new AsyncDisposableStack()
  const node = new RunningNode(await openOwn(settings.dataDir, opened), settings)
  const transport = opened.use(await settings.transport(node.transportContext))
  node.useTransport(transport)
  for (const open of settings.explorers) node.useExplorer(opened.use(await open(node.explorerContext)))
  for (const path of settings.shares) await node.files.shareOnce(path)
  options.signal?.throwIfAborted()
  node.keep(opened.move())
  options.signal?.addEventListener('abort', () => void node.close(), { once: true })
  return node
}

class RunningNode implements P2PNode {
  readonly id: PeerId
  readonly peers: Peers
  readonly trust: NodeTrust
  readonly sessions: SessionSet
  readonly conversations: Conversations
  readonly outbox: Outbox
  readonly files: NodeFiles
  readonly transportContext: TransportContext
  readonly explorerContext: ExplorerContext

  readonly #settings: Settings
  readonly #identity: Identity
  readonly #hub: EventHub<NodeEvent>
  readonly #warnings: Warnings
  readonly #directory: PeerDirectory
  readonly #presence: Presence
  readonly #calls: Calls
  readonly #talk: Talk
  #transport: PeerTransport | undefined
  #card: IdentityCard | undefined
  #opened = new AsyncDisposableStack()
  #leaving = false
  #closing: Promise<void> | undefined
  /** Events from before anybody could listen; see {@link keep}. */
  #early: NodeEvent[] | undefined = []

  constructor({ identity, store, messages, shares, transfers }: Own, settings: Settings) {
    const { log, policy } = settings
    this.id = identity.id
    this.#identity = identity
    this.#settings = settings
    this.#hub = new EventHub((error) => log.error('an event listener failed', { error: messageOf(error) }))
    this.#warnings = new Warnings(log, (error) => this.#emit({ type: 'warning', at: new Date(), error }))
    this.trust = new NodeTrust({ identity, store, policy, ...this.#contextForTrust() })
    this.#directory = new PeerDirectory(this.#contextForDirectory())
    this.#presence = this.#makePresence()
    this.#calls = new Calls({
      directory: this.#directory,
      explorers: this.#presence.explorers,
      trust: () => this.trust,
      transport: () => this.#reachable(),
      lastAddresses: (id) => this.#talk.lastAddresses(id),
    })
    this.files = new NodeFiles({ ...this.#contextForFiles(), shares, transfers })
    this.#talk = new Talk(this.#contextForTalk(messages))
    this.conversations = this.#talk.conversations
    this.outbox = this.#talk.outbox
    this.sessions = new SessionSet(this.#contextForSessions())
    this.peers = new KnownPeers(this.#directory, this.#calls, (options) => this.events(options))
    this.transportContext = this.#contextForTransport()
    this.explorerContext = this.#presence.explorerContext
    this.#tellBeginning(store, messages)
    this.#tellDamage(shares, transfers)
  }

  get info(): NodeInfo {
    const { port } = this.#reachable()
    const { name } = this.#settings
    return { id: this.id, name, port, addresses: this.#reachable().addresses(), policy: this.policy }
  }

  get identity(): IdentityCard {
    this.#card ??= identityCard(this.#identity)
    return this.#card
  }

  get policy(): Policy {
    return this.trust.access.policy
  }

  async setPolicy(policy: Policy): Promise<void> {
    requirePolicy(policy)
    if (policy === this.trust.access.policy) return
    this.trust.access.policy = policy
    this.#emit({ type: 'policy:changed', at: new Date(), policy })
    this.#allowedChanged()
  }

  useTransport(transport: PeerTransport): void {
    this.#transport = transport
  }

  useExplorer(explorer: Explorer): void {
    this.#presence.explorers.add(explorer)
  }

  /**
   * Keeps what was opened until the node closes. Events wait until whoever called `startNode` has had its turn, so
   * that a listener added right after `await startNode()` misses nothing.
   */
  keep(opened: AsyncDisposableStack): void {
    this.#opened = opened
    setImmediate(() => {
      const early = this.#early ?? []
      this.#early = undefined
      this.#hub.emit({ type: 'node:started', at: new Date(), node: this.info })
      for (const event of early) this.#hub.emit(event)
      if (this.#leaving) return
      this.#talk.start()
      this.files.start()
    })
  }

  async announce(): Promise<void> {
    await this.#presence.explorers.announce()
  }

  async emit(
    to: { readonly host: string; readonly port: number },
    options: CallOptions = {},
  ): Promise<EmitResult> {
    const result = await this.#presence.explorers.probe({ address: to.host, port: to.port }, options)
    if (result.kind !== 'peer') return result
    return { kind: 'peer', peer: this.#directory.get(result.sighting.announcement.id) }
  }

  async connect(id: PeerId, options: CallOptions = {}): Promise<Session> {
    this.trust.access.require(id, 'chat')
    return await this.sessions.connect(id, options)
  }

  conversation(peerId: PeerId): Conversation {
    return this.#talk.conversations.view(peerId)
  }

  async *exportMessages({ signal }: CallOptions = {}): AsyncGenerator<string, void> {
    for await (const line of exportMessages(this.#talk.conversations.store)) {
      signal?.throwIfAborted()
      yield line
    }
  }

  async importMessages(lines: AsyncIterable<string> | Iterable<string>): Promise<ImportResult> {
    return await importMessages(this.#talk.conversations.store, lines)
  }

  async diagnose(options: DiagnoseOptions = {}): Promise<Diagnosis> {
    const transport = this.#reachable()
    const { explorers, explorerContext } = this.#presence
    return await examine(
      {
        explorers: explorers.all,
        transport,
        usualPort: this.#settings.port === 0 ? usualPort : this.#settings.port,
        peers: () => this.#directory.list(),
        openTrial: (factory) => factory(explorerContext),
      },
      options,
    )
  }

  on<Type extends NodeEvent['type']>(
    type: Type,
    listener: (event: Extract<NodeEvent, { type: Type }>) => void,
    options?: CallOptions,
  ): () => void {
    return this.#hub.on(type, listener, options)
  }

  events(options?: Parameters<P2PNode['events']>[0]): ReturnType<P2PNode['events']> {
    return this.#hub.events(options)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The order matters: refuse newcomers, tell everybody, end the sessions, then let go of sockets and lock. */
  async #close(): Promise<void> {
    this.#leaving = true
    this.#presence.leave()
    this.#talk.leave()
    this.#transport?.stopAccepting()
    this.trust.close()
    const patience = sleep(limits.farewellMs)
    await Promise.race([Promise.allSettled([this.announce(), this.sessions.close()]), patience])
    await this.files[Symbol.asyncDispose]()
    this.#talk.close()
    this.#directory[Symbol.dispose]()
    await this.#opened.disposeAsync()
    this.#emit({ type: 'node:stopped', at: new Date() })
    this.#hub.close()
  }

  #emit(event: NodeEvent): void {
    if (this.#early === undefined) this.#hub.emit(event)
    else this.#early.push(event)
  }

  #reachable(): PeerTransport {
    if (this.#transport === undefined) throw new P2PError('internal', 'The node does not listen yet.')
    return this.#transport
  }

  #peerChanged(type: 'peer:found' | 'peer:changed' | 'peer:lost', peer: Peer): void {
    this.#emit({ type, at: new Date(), peer })
    this.#talk.peerChanged(type, peer)
    if (type !== 'peer:lost') {
      this.trust.found(peer.id)
      this.files.peerHere(peer.id)
    }
    if (type === 'peer:found' && peer.kind === 'reference')
      this.#presence.explorers.greet(this.#directory.size)
  }

  /** Takes a session that a peer has opened, unless it is not to have one. */
  #accept(channel: Channel): void {
    try {
      this.sessions.accept(this.trust.checked(channel, 'chat'))
    } catch (error) {
      this.#warnOfAttack(channel.peerId, error)
    }
  }

  /** Policy or trust have changed: ends what they forbid, and goes on with what they allow again. */
  #allowedChanged(): void {
    this.sessions.restrict((id) => this.trust.access.allows(id, 'chat'))
    this.#talk.outbox.waitsForAll()
    this.files.allowedChanged()
  }

  #contextForTrust(): Omit<NodeTrustContext, 'identity' | 'store' | 'policy'> {
    return {
      emit: (event) => this.#emit(event),
      warn: (error, about) => this.#warnings.warn(error, about),
      announcedKey: (id) => this.#directory.keyOf(id),
      shownChanged: (id) => this.#directory.trustChanged(id),
      allowedChanged: () => this.#allowedChanged(),
      isReachable: (id) => this.#directory.has(id),
      hasConversation: (id) => this.#talk.conversations.find(id) !== undefined,
      deleteConversation: (id) => this.#talk.forget(id),
      moveConversation: (from, to) => void this.#talk.move(from, to),
      pair: (id, options) => this.#calls.pair(id, options),
    }
  }

  #contextForDirectory(): ConstructorParameters<typeof PeerDirectory>[0] {
    return {
      selfId: this.id,
      ping: (id, to) => this.#reachable().ping(id, to),
      trustOf: (id) => this.trust.book.trustOf(id),
      aliasOf: (id) => this.trust.book.aliasOf(id),
      changed: (type, peer) => this.#peerChanged(type, peer),
    }
  }

  #contextForTransport(): TransportContext {
    return {
      selfId: this.id,
      credentials: this.#identity.credentials,
      ...this.trust.forTransport,
      isKnown: (id) => this.#directory.has(id),
      peersFor: (asker) => this.#peersFor(asker),
      files: this.files.host,
      admitsSession: (id, address) => this.sessions.admits(id, address),
      messageRateOf: (id) => this.#talk.rateOf(id),
      accept: (channel) => this.#accept(channel),
      isStopping: () => this.#leaving,
      log: this.#settings.log,
    }
  }

  #makePresence(): Presence {
    const { name, ip, isPublicIp, log } = this.#settings
    return new Presence({
      self: this.#identity.credentials,
      name,
      ip,
      isPublicIp,
      instance: randomBytes(8).readBigUInt64LE(),
      port: () => this.#reachable().port,
      isOnLink: (address) => this.#reachable().isOnLink(address),
      knownPeers: () => this.#directory.size,
      see: (sighting) => this.#directory.see(sighting),
      warn: (error) => this.#warnings.warn(error),
      log,
    })
  }

  #contextForSessions(): ConstructorParameters<typeof SessionSet>[0] {
    return {
      selfId: this.id,
      isVerified: (id) => this.trust.book.trustOf(id) === 'verified',
      dial: (id, signal) => this.#calls.dial(id, signal),
      redialFailed: (id, error) => this.#warnOfAttack(id, error),
      opened: (session) => {
        this.#directory.hold(session.peerId, session.address)
        this.#emit({ type: 'session:opened', at: session.openedAt, session: infoOf(session) })
        this.#talk.sessionOpened(session.peerId)
        this.files.peerHere(session.peerId)
      },
      closed: (session, { code, reason }) => {
        this.#directory.release(session.peerId)
        this.#emit({ type: 'session:closed', at: new Date(), session: infoOf(session), code, reason })
        this.#talk.sessionClosed(session.peerId)
      },
      observer: {
        openLine: (channel, session) => this.#talk.openLine(channel, session),
        closeLine: (line) => this.#talk.closeLine(line),
        send: ({ peerId }, text, { signal }) => this.#talk.send(peerId, text, signal),
        waitingFor: (id) => this.#talk.conversations.store.pending(id).messages,
        protectionOf: (id) => this.trust.access.protectionOf(id),
      },
    }
  }

  #contextForTalk(store: MessageStore): TalkContext {
    return {
      store,
      settings: this.#settings,
      directory: this.#directory,
      trust: () => this.trust,
      sessions: () => this.sessions,
      transport: () => this.#reachable(),
      requireRunning: () => this.#requireRunning('takes no message'),
      contents: this.files.offersIn,
      hears: (type) => this.#hears(type),
      emit: (event) => this.#emit(event),
      warn: (error, about) => this.#warnings.warn(error, about),
      dialFailed: (id, error) => this.#warnOfAttack(id, error),
    }
  }

  #contextForFiles(): Omit<NodeFilesContext, 'shares' | 'transfers'> {
    const { dataDir, downloads, transferLimits, autoAccept, log } = this.#settings
    const { access } = this.trust
    return {
      dataDir,
      downloads,
      limits: transferLimits,
      autoAccept,
      log,
      requireRunning: () => this.#requireRunning('does nothing with files'),
      allows: (id) => access.allows(id, 'files'),
      require: (id) => access.require(id, 'files'),
      isVerified: (id) => this.trust.book.trustOf(id) === 'verified',
      isStranger: (id) => this.#talk.isStranger(id),
      peers: () => this.#directory.list().flatMap(({ id, kind }) => (kind === 'p2p' ? [id] : [])),
      dial: (id, signal) => this.#calls.files(id, signal),
      cut: (id) => this.#transport?.cutFiles(id),
      carry: (to, content, id) => this.#talk.conversations.with(to).carry(content, id),
      takeBack: (id) => this.#talk.outbox.cancel(id),
      isSaid: (id) => this.#talk.conversations.store.message(id) !== undefined,
      hears: (type) => this.#hears(type),
      emit: (event) => this.#emit(event),
      warn: (error, about) => this.#warnings.warn(error, about),
    }
  }

  /** Whom we tell a peer of; one of ours, who has proved itself, hears first of ourselves and of what it sees of our files. */
  *#peersFor(asker: PeerId): Generator<Announcement> {
    const { id } = this
    const files = isProvable(asker) ? this.files.topFiles(asker) : undefined
    if (files !== undefined)
      yield { id, port: this.#reachable().port, files, ip: undefined, isPublicIp: false, upgrade: undefined }
    yield* this.#directory.announcementsFor(asker)
  }

  #hears(type: NodeEvent['type']): boolean {
    return this.#early !== undefined || this.#hub.has(type)
  }

  /** @throws P2PError `node-stopped` */
  #requireRunning(what: string): void {
    if (this.#leaving)
      throw new P2PError('node-stopped', `This node is stopping, and ${what}. Start it again.`)
  }

  /** Nobody waits for the result of a dial that we began by ourselves; but that somebody interferes must be told. */
  #warnOfAttack(id: PeerId, error: unknown): void {
    if (isP2PError(error, 'insecure-connection') || isP2PError(error, 'identity-mismatch'))
      this.#warnings.warn(error, id)
  }

  #tellBeginning(trust: TrustStore, messages: MessageStore): void {
    const { id, made, leavesIdFile } = this.#identity
    if (made) this.#emit({ type: 'identity:made', at: new Date(), peerId: id, leavesIdFile })
    if (trust.damage !== undefined) this.#warnings.warn(trust.damage)
    if (messages.damage !== undefined) this.#warnings.warn(new P2PError('store-unreadable', messages.damage))
  }

  #tellDamage(...stores: readonly (ShareStore | TransferStore)[]): void {
    for (const { damage } of stores)
      if (damage !== undefined) this.#warnings.warn(new P2PError('store-unreadable', damage))
  }
}

function infoOf({ id, peerId, incoming, protection }: Session): SessionInfo {
  return { id, peerId, incoming, protection }
}
