import { Agent } from 'node:http'
import {
  isP2PError,
  limits,
  P2PError,
  type CallOptions,
  type Conversation,
  type DiagnoseOptions,
  type Diagnosis,
  type EmitResult,
  type EventStream,
  type EventStreamOptions,
  type IdentityCard,
  type ImportResult,
  type NodeEvent,
  type NodeInfo,
  type P2PNode,
  type Peer,
  type PeerId,
  type Peers,
  type Policy,
  type Session,
  type Sessions,
} from '../index.ts'
import { Caller, type Address } from './call.ts'
import { readEndpoint } from './read-endpoint.ts'
import { Mirror } from './mirror.ts'
import { RemoteFiles } from './remote-files.ts'
import { RemoteConversation, RemoteConversations, RemoteOutbox, RemoteSession } from './remote-talk.ts'
import { RemoteTrust } from './remote-trust.ts'
import type { SessionView } from './views.ts'
import { Wire } from './wire.ts'

/**
 * The node that runs with a data directory in another process, as if it ran in this one; undefined when there is none. `close` only
 * lets go of it. Lists show what its events have told (that a peer was heard again, `seenAt`, is no event); everything else asks it.
 *
 * @throws P2PError `data-dir-unusable` when what stands there is not our user's (C6); `timeout` when the node does not answer
 */
export async function connectNode(dataDir: string): Promise<P2PNode | undefined> {
  const endpoint = readEndpoint(dataDir)
  if (endpoint === undefined) return undefined
  try {
    return await openRemote({ kind: 'socket', path: endpoint.socket })
  } catch (error) {
    // It was killed, and left its file behind; whoever takes the data directory next removes it.
    if (isP2PError(error, 'node-stopped')) return undefined
    throw error
  }
}

/** A node by its address. @throws P2PError `node-stopped`, `control-refused`, `timeout` */
export async function openRemote(address: Address): Promise<P2PNode> {
  const late = AbortSignal.timeout(limits.controlAnswerMs)
  const agent = new Agent({ keepAlive: true })
  const caller = new Caller(address, agent)
  try {
    await caller.prove({ signal: late })
    const mirror = new Mirror(address)
    const giveUp = (): void => void mirror.close()
    late.addEventListener('abort', giveUp, { once: true })
    await mirror.opened()
    late.removeEventListener('abort', giveUp)
    return new RemoteNode(new Wire(caller, mirror), agent)
  } catch (error) {
    agent.destroy()
    if (!late.aborted) throw error
    const seconds = limits.controlAnswerMs / 1_000
    throw new P2PError(
      'timeout',
      `The p2p that runs here has not answered for ${seconds} s. End it, and start it again.`,
    )
  }
}

class RemoteNode implements P2PNode {
  readonly peers: RemotePeers
  readonly sessions: Sessions
  readonly trust: RemoteTrust
  readonly conversations: RemoteConversations
  readonly outbox: RemoteOutbox
  readonly files: RemoteFiles
  readonly #wire: Wire
  readonly #agent: Agent

  constructor(wire: Wire, agent: Agent) {
    this.#wire = wire
    this.#agent = agent
    this.peers = new RemotePeers(wire)
    this.sessions = new RemoteSessions(wire)
    this.trust = new RemoteTrust(wire)
    this.conversations = new RemoteConversations(wire)
    this.outbox = new RemoteOutbox(wire)
    this.files = new RemoteFiles(wire)
  }

  get info(): NodeInfo {
    return this.#wire.state.node
  }

  get id(): PeerId {
    return this.info.id
  }

  get identity(): IdentityCard {
    return this.#wire.state.identity
  }

  get policy(): Policy {
    return this.info.policy
  }

  async setPolicy(policy: Policy): Promise<void> {
    await this.#wire.call('set-policy', { policy })
  }

  async announce(): Promise<void> {
    await this.#wire.call('announce', {})
  }

  async emit(
    { host, port }: { readonly host: string; readonly port: number },
    options?: CallOptions,
  ): Promise<EmitResult> {
    return await this.#wire.call<EmitResult>('emit', { host, port }, options)
  }

  async connect(id: PeerId, options?: CallOptions): Promise<Session> {
    return new RemoteSession(
      await this.#wire.call<SessionView>('connect', { peerId: id }, options),
      this.#wire,
    )
  }

  /** With the explorers that the running node has: `trials` are of this process, and cannot be lent. */
  async diagnose({ peers, patienceMs, signal }: DiagnoseOptions = {}): Promise<Diagnosis> {
    const input = { ...(peers && { peers }), ...(patienceMs !== undefined && { patienceMs }) }
    return await this.#wire.call<Diagnosis>('diagnose', input, signal && { signal })
  }

  conversation(id: PeerId): Conversation {
    return new RemoteConversation(id, this.#wire)
  }

  exportMessages(options?: CallOptions): AsyncIterable<string> {
    return this.#wire.caller.lines('export', {}, options)
  }

  async importMessages(lines: AsyncIterable<string> | Iterable<string>): Promise<ImportResult> {
    return await this.#wire.pour<ImportResult>('import', {}, { body: withEnds(lines) })
  }

  on<Type extends NodeEvent['type']>(
    type: Type,
    listener: (event: Extract<NodeEvent, { type: Type }>) => void,
    options?: CallOptions,
  ): () => void {
    return this.#wire.hub.on(type, listener, options)
  }

  events(options?: EventStreamOptions): EventStream<NodeEvent> {
    return this.#wire.events(options)
  }

  async close(): Promise<void> {
    await this.#wire.close()
    this.#agent.destroy()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

async function* withEnds(lines: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`
}

class RemotePeers implements Peers {
  readonly #wire: Wire

  constructor(wire: Wire) {
    this.#wire = wire
  }

  list(): readonly Peer[] {
    return this.#wire.state.peers
  }

  find(id: PeerId): Peer | undefined {
    return this.list().find((peer) => peer.id === id)
  }

  get(id: PeerId): Peer {
    const peer = this.find(id)
    if (peer !== undefined) return peer
    throw new P2PError('peer-unknown', `No peer ${id} is known. It may not have announced itself yet.`)
  }

  async waitFor(
    { id, name }: { readonly id?: PeerId; readonly name?: string },
    { signal }: CallOptions = {},
  ): Promise<Peer> {
    const fits = (peer: Peer): boolean =>
      (id === undefined || peer.id === id) && (name === undefined || peer.name === name)
    signal?.throwIfAborted()
    const events = this.#wire.events({ ...(signal !== undefined && { signal }) })
    const here = this.list().find(fits)
    if (here !== undefined) return here
    for await (const event of events)
      if ('peer' in event && event.type !== 'peer:lost' && fits(event.peer)) return event.peer
    signal?.throwIfAborted()
    throw new P2PError('node-stopped', 'The running p2p has stopped. Start it again.')
  }

  async load(from: PeerId, options?: CallOptions): Promise<number> {
    const { added } = await this.#wire.call<{ readonly added: number }>(
      'load-peers',
      { peerId: from },
      options,
    )
    return added
  }
}

class RemoteSessions implements Sessions {
  readonly #wire: Wire

  constructor(wire: Wire) {
    this.#wire = wire
  }

  list(): readonly Session[] {
    return this.#wire.state.sessions.map((view) => new RemoteSession(view, this.#wire))
  }

  find(id: string): Session | undefined {
    return this.list().find((session) => session.id === id)
  }
}
