import { randomBytes } from 'node:crypto'

import { EventHub } from '../base/events.ts'
import { messageOf, P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Log } from '../base/log.ts'
import { monotonicMs, sleep } from '../base/time.ts'
import type { Explorer, ExplorerContext, Sighting } from '../discovery/explorer.ts'
import { openDataDir } from '../identity/data-dir.ts'
import { loadPeerId } from '../identity/peer-id-file.ts'
import type { Announcement } from '../protocol/announcement.ts'
import { protocolVersion } from '../protocol/handshake.ts'
import { newPeerId, type PeerId } from '../protocol/peer-id.ts'
import { AnswerPolicy, type AnswerDecision, type AnswerQuestion } from '../rules/answer-policy.ts'
import type { Channel } from '../transport/channel.ts'
import type { PeerTransport, TransportContext } from '../transport/transport.ts'
import { ExplorerSet } from './explorer-set.ts'
import type { NodeEvent, NodeInfo, Peer } from './node-event.ts'
import { MessageLog } from './message-log.ts'
import { readOptions, type NodeOptions, type Settings } from './options.ts'
import type { CallOptions, Conversation, EmitResult, P2PNode, Peers, Session } from './p2p-node.ts'
import { PeerDirectory } from './peer-directory.ts'
import { SessionSet } from './sessions.ts'

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
  const id = await identify(settings, opened)
  const node = new RunningNode(id, settings)
  const transport = opened.use(await settings.transport(node.transportContext))
  node.useTransport(transport)
  for (const open of settings.explorers) node.useExplorer(opened.use(await open(node.explorerContext)))
  options.signal?.throwIfAborted()
  node.keep(opened.move())
  options.signal?.addEventListener('abort', () => void node.close(), { once: true })
  return node
}

async function identify({ dataDir }: Settings, opened: AsyncDisposableStack): Promise<PeerId> {
  if (dataDir === undefined) return newPeerId(randomBytes(16))
  return loadPeerId(opened.use(await openDataDir(dataDir)))
}

class RunningNode implements P2PNode {
  readonly id: PeerId
  readonly peers: Peers
  readonly sessions: SessionSet
  readonly transportContext: TransportContext
  readonly explorerContext: ExplorerContext

  readonly #settings: Settings
  readonly #log: Log
  readonly #hub: EventHub<NodeEvent>
  readonly #directory: PeerDirectory
  readonly #answers = new AnswerPolicy()
  readonly #messages = new MessageLog()
  readonly #instance = randomBytes(8).readBigUInt64LE()
  readonly #explorers = new ExplorerSet()
  #transport: PeerTransport | undefined
  #opened = new AsyncDisposableStack()
  #self: Announcement | undefined
  #leaving = false
  #closing: Promise<void> | undefined
  /** Events from before anybody could listen; see {@link keep}. */
  #early: NodeEvent[] | undefined = []

  constructor(id: PeerId, settings: Settings) {
    this.id = id
    this.#settings = settings
    this.#log = settings.log
    this.#hub = new EventHub((error) =>
      this.#log.error('an event listener failed', { error: messageOf(error) }),
    )
    this.#directory = new PeerDirectory({
      selfId: id,
      ping: (to) => this.#reachable().ping(to),
      changed: (type, peer) => this.#peerChanged(type, peer),
    })
    this.sessions = new SessionSet(this.#sessionsContext())
    this.peers = this.#peers()
    this.transportContext = this.#contextForTransport()
    this.explorerContext = this.#contextForExplorers()
  }

  get info(): NodeInfo {
    const { port } = this.#reachable()
    return { id: this.id, name: this.#settings.name, port, addresses: this.#reachable().addresses() }
  }

  useTransport(transport: PeerTransport): void {
    this.#transport = transport
  }

  useExplorer(explorer: Explorer): void {
    this.#explorers.add(explorer)
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
    })
  }

  async announce(): Promise<void> {
    await this.#explorers.announce()
  }

  async emit(
    to: { readonly host: string; readonly port: number },
    options: CallOptions = {},
  ): Promise<EmitResult> {
    const result = await this.#explorers.probe({ address: to.host, port: to.port }, options)
    if (result.kind !== 'peer') return result
    return { kind: 'peer', peer: this.#directory.get(result.sighting.announcement.id) }
  }

  async connect(id: PeerId, options: CallOptions = {}): Promise<Session> {
    return await this.sessions.connect(id, options)
  }

  conversation(peerId: PeerId): Conversation {
    return {
      peerId,
      send: async (text, options) => await (await this.connect(peerId, options)).send(text, options),
      history: () => this.#messages.with(peerId),
    }
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
    this.#self = undefined
    this.#transport?.stopAccepting()
    const patience = sleep(limits.farewellMs)
    await Promise.race([Promise.allSettled([this.announce(), this.sessions.close()]), patience])
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

  #announcement(): Announcement {
    const { name, ip, isPublicIp } = this.#settings
    this.#self ??= {
      id: this.id,
      port: this.#reachable().port,
      files: new Map(),
      ip,
      isPublicIp,
      upgrade: {
        protocol: protocolVersion,
        instance: this.#instance,
        name,
        leaving: this.#leaving,
        wantsAnswer: false,
      },
    }
    return this.#self
  }

  #peerChanged(type: 'peer:found' | 'peer:changed' | 'peer:lost', peer: Peer): void {
    this.#emit({ type, at: new Date(), peer })
    if (type === 'peer:found' && peer.kind === 'reference') this.#explorers.greet(this.#directory.size)
  }

  #peers(): Peers {
    const directory = this.#directory
    return {
      list: () => directory.list(),
      find: (id) => directory.find(id),
      get: (id) => directory.get(id),
      waitFor: (criteria, options) => this.#waitForPeer(criteria, options),
      load: (from, options) => this.#loadPeers(from, options),
    }
  }

  async #waitForPeer(
    criteria: { readonly id?: PeerId; readonly name?: string },
    options: CallOptions = {},
  ): Promise<Peer> {
    const fits = (peer: Peer): boolean =>
      (criteria.id === undefined || peer.id === criteria.id) &&
      (criteria.name === undefined || peer.name === criteria.name)
    const events = this.events(options)
    const known = this.#directory.list().find(fits)
    if (known !== undefined) return known
    for await (const event of events) {
      if ((event.type === 'peer:found' || event.type === 'peer:changed') && fits(event.peer))
        return event.peer
    }
    options.signal?.throwIfAborted()
    throw new P2PError('node-stopped', 'The node stopped before such a peer appeared. Start it again.')
  }

  async #loadPeers(from: PeerId, options: CallOptions = {}): Promise<number> {
    const { address, port } = this.#directory.get(from)
    const fetch = (): Promise<readonly Announcement[]> =>
      this.#reachable().fetchPeers({ address, port }, options)
    return this.#directory.hint(await this.#explorers.introduced(address, options, fetch))
  }

  /** Opens a channel by whatever path answers first. */
  async #dial(id: PeerId, signal: AbortSignal): Promise<Channel> {
    const { paths, address } = this.#directory.get(id)
    return await this.#explorers.introduced(address, { signal }, () =>
      this.#reachable().dial(id, paths, { signal }),
    )
  }

  #contextForTransport(): TransportContext {
    return {
      selfId: this.id,
      isKnown: (id) => this.#directory.has(id),
      peersFor: (asker) => this.#directory.announcementsFor(asker),
      admitsSession: (id) => this.sessions.admits(id),
      accept: (channel) => this.sessions.accept(channel),
      isStopping: () => this.#leaving,
      log: this.#log,
    }
  }

  #contextForExplorers(): ExplorerContext {
    return {
      self: () => this.#announcement(),
      report: (sighting) => this.#directory.see(sighting),
      decideAnswer: (sighting, discoveryPort, announcedAt) => {
        const decision = this.#answers.decide(this.#questionOf(sighting, { discoveryPort, announcedAt }))
        if (isLate(decision)) this.#explorers.greet(this.#directory.size)
        return decision
      },
      log: this.#log,
    }
  }

  #questionOf(
    sighting: Sighting,
    heardBy: Pick<AnswerQuestion, 'discoveryPort' | 'announcedAt'>,
  ): AnswerQuestion {
    const { announcement, source } = sighting
    const { upgrade } = announcement
    return {
      ...heardBy,
      sourceAddress: source.address,
      sourcePort: source.port,
      peerId: announcement.id,
      selfId: this.id,
      instance: upgrade?.instance,
      wantsAnswer: upgrade?.wantsAnswer ?? false,
      leaving: upgrade?.leaving ?? false,
      onLink: this.#reachable().isOnLink(source.address),
      knownPeers: this.#directory.size,
      now: monotonicMs(),
      random: Math.random(),
    }
  }

  #sessionsContext(): ConstructorParameters<typeof SessionSet>[0] {
    return {
      selfId: this.id,
      messageRate: this.#settings.messageRate,
      dial: (id, signal) => this.#dial(id, signal),
      opened: (session) => {
        this.#directory.hold(session.peerId, session.address)
        this.#emit({ type: 'session:opened', at: new Date(), session: infoOf(session) })
      },
      closed: (session, { code, reason }) => {
        if (this.sessions.with(session.peerId) === undefined) this.#directory.release(session.peerId)
        this.#emit({ type: 'session:closed', at: new Date(), session: infoOf(session), code, reason })
      },
      observer: {
        received: (message) => this.#noteMessage('message:received', message),
        sent: (message) => this.#noteMessage('message:sent', message),
        held: ({ id, peerId, waiting }) =>
          this.#emit({ type: 'message:waiting', at: new Date(), sessionId: id, peerId, waiting }),
      },
    }
  }

  #noteMessage(type: 'message:received' | 'message:sent', message: Parameters<MessageLog['add']>[0]): void {
    this.#messages.add(message)
    if (this.#early !== undefined || this.#hub.has(type)) this.#emit({ type, at: new Date(), message })
  }
}

/** Whether whoever asked will hear no answer for a while: its host was answered a moment ago. */
function isLate(decision: AnswerDecision): boolean {
  return decision.answer ? decision.delayMs > limits.lateAnswerMs : decision.reason === 'pending'
}

function infoOf({ id, peerId, incoming }: Session): Pick<Session, 'id' | 'peerId' | 'incoming'> {
  return { id, peerId, incoming }
}
