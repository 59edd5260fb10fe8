import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { plainPing } from '../doctor/plain-ping.ts'
import { knock } from '../doctor/tcp-knock.ts'
import type { Endpoint, Explorer, ProbeResult } from '../discovery/explorer.ts'
import { networkTest } from '../discovery/interfaces.ts'
import type { Announcement } from '../protocol/announcement.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { NetworkFacts, PeerFacts } from '../rules/findings.ts'
import type { PeerTransport } from '../transport/transport.ts'
import type { Peer } from './node-event.ts'

/** What is needed to try others. */
export interface NeighboursContext {
  readonly explorers: readonly Explorer[]
  readonly transport: PeerTransport
  /** The TCP port that is tried where the peer has not said its own. */
  readonly usualPort: number
  peers(): readonly Peer[]
}

/** Somebody to be tried. */
interface Candidate extends Endpoint {
  readonly origin: PeerFacts['origin']
  readonly id: PeerId | undefined
  readonly name: string
  readonly discoveryPort: number
}

/** Tries those who were heard, those our user asks for, and those whom others tell us of: by UDP and by TCP. */
export class Neighbours {
  readonly #context: NeighboursContext
  readonly #networks: readonly { readonly name: string; readonly has: (address: string) => boolean }[]
  readonly #own: ReadonlySet<string>
  readonly #options: { readonly signal?: AbortSignal }
  /** Who was heard before anybody was asked, and how. */
  readonly #heard: ReadonlyMap<PeerId, Peer>

  constructor(
    context: NeighboursContext,
    networks: readonly NetworkFacts[],
    signal: AbortSignal | undefined,
  ) {
    const { transport } = context
    this.#context = context
    this.#options = signal === undefined ? {} : { signal }
    this.#networks = networks.map((network) => ({
      name: network.name,
      has: networkTest({ ...network, loopback: network.kind === 'loopback' }),
    }))
    this.#own = new Set([...transport.addresses(), ...networks.map(({ address }) => address), '127.0.0.1'])
    const heard = context.peers().filter((peer) => waysTo(peer).length > 0)
    this.#heard = new Map(heard.map((peer) => [peer.id, peer]))
  }

  async test(
    asked: readonly { readonly host: string; readonly port?: number }[],
    discoveryPort: number,
  ): Promise<readonly PeerFacts[]> {
    const { usualPort } = this.#context
    const wished = asked.map(({ host, port = discoveryPort }) =>
      this.#asked({ address: host, port: usualPort }, port),
    )
    const heard = [...this.#heard.values()]
      .filter(({ address }) => !wished.some((one) => one.address === address))
      .slice(0, limits.diagnosedPeers)
      .map(({ id, name, address, port }) => ({
        origin: 'heard' as const,
        id,
        name,
        address,
        port,
        discoveryPort,
      }))
    const facts = await Promise.all([...wished, ...heard].map((one) => this.#try(one)))
    const told = await this.#told(facts, discoveryPort)
    const others = [...told.values()].filter(({ address, id }) => !this.#isAmong(facts, address, id))
    return [
      ...facts.map((one) => (told.has(one.address) && one.origin === 'asked' ? asTold(one) : one)),
      ...(await Promise.all(others.slice(0, limits.diagnosedPeers).map((one) => this.#try(one)))),
    ]
  }

  #isAmong(facts: readonly PeerFacts[], address: string, id: PeerId | undefined): boolean {
    const isHeard = id !== undefined && this.#heard.has(id)
    return isHeard || facts.some((one) => one.address === address)
  }

  #asked({ address, port }: Endpoint, discoveryPort: number): Candidate {
    const known = [...this.#heard.values()].find((peer) => peer.address === address)
    return { origin: 'asked', address, port, discoveryPort, id: known?.id, name: known?.name ?? '' }
  }

  async #try(candidate: Candidate): Promise<PeerFacts> {
    const { address, discoveryPort, origin } = candidate
    const here = this.#own.has(address)
    // Where nobody has said an ID, the two ways are tried at once: each may take its whole time.
    const pinging = candidate.id === undefined && !here ? this.#ping(undefined, candidate) : undefined
    const [result, pinged] = await Promise.all([
      here ? ('not-tried' as const) : this.#probe({ address, port: discoveryPort }),
      pinging,
    ])
    const sighted = typeof result === 'string' ? undefined : result.sighting.announcement
    const id = sighted?.id ?? candidate.id
    const known = id === undefined ? undefined : (this.#heard.get(id) ?? this.#find(id))
    const port = sighted?.port ?? known?.port ?? candidate.port
    return {
      id: id ?? '',
      name: sighted?.upgrade?.name ?? known?.name ?? candidate.name,
      kind: known?.kind ?? 'unknown',
      address,
      port,
      discoveryPort,
      origin,
      via: waysTo(id === undefined ? undefined : this.#heard.get(id)),
      network: this.#networks.find(({ has }) => has(address))?.name ?? '',
      here,
      udp: typeof result === 'string' ? result : 'answered',
      tcp: here ? 'not-tried' : id === undefined && pinged ? pinged : await this.#ping(id, { address, port }),
    }
  }

  #find(id: PeerId): Peer | undefined {
    return this.#context.peers().find((peer) => peer.id === id)
  }

  async #probe(
    to: Endpoint,
  ): Promise<Exclude<PeerFacts['udp'], 'answered'> | Extract<ProbeResult, { kind: 'peer' }>> {
    const [explorer] = this.#context.explorers
    if (explorer === undefined) return 'not-tried'
    try {
      const result = await explorer.probe(to, this.#options)
      if (result.kind === 'peer') return result
      return result.kind === 'no-answer' ? 'silent' : result.kind
    } catch (error) {
      if (isP2PError(error, 'network-unusable')) return 'unsent'
      throw error
    }
  }

  async #ping(id: PeerId | undefined, to: Endpoint): Promise<PeerFacts['tcp']> {
    const { signal } = this.#options
    if (id === undefined) return await plainPing(to, signal)
    if (await this.#context.transport.ping(id, to, this.#options)) return 'answered'
    return await knock(to, signal)
  }

  /** Peers in our networks that those who answered know, by address. */
  async #told(facts: readonly PeerFacts[], discoveryPort: number): Promise<ReadonlyMap<string, Candidate>> {
    const reached = facts.filter(({ tcp, here }) => tcp === 'answered' && !here)
    const lists = await Promise.all(
      reached.slice(0, limits.diagnosisTellers).map((one) => this.#peersOf(one)),
    )
    const told = new Map<string, Candidate>()
    for (const { id, ip, port } of lists.flat()) {
      if (ip === undefined || this.#own.has(ip) || !this.#networks.some(({ has }) => has(ip))) continue
      told.set(ip, { origin: 'told', address: ip, port, discoveryPort, id, name: '' })
    }
    return told
  }

  async #peersOf({ id, address, port }: PeerFacts): Promise<readonly Announcement[]> {
    const peer = [...this.#heard.values()].find((one) => one.id === id)
    if (peer === undefined) return []
    try {
      return await this.#context.transport.fetchPeers(peer.id, { address, port }, this.#options)
    } catch {
      this.#options.signal?.throwIfAborted()
      // It may have its reasons; others may tell.
      return []
    }
  }
}

/** Who was asked for, and is known to others too, is there. */
function asTold(facts: PeerFacts): PeerFacts {
  return { ...facts, origin: 'told' }
}

/** The explorers that heard a peer; what others told of it, and where it was once, says nothing of this network. */
function waysTo(peer: Peer | undefined): readonly string[] {
  return peer?.via.filter((way) => way !== 'peers' && way !== 'met') ?? []
}
