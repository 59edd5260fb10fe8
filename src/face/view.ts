import {
  limits,
  type Contact,
  type NodeInfo,
  type P2PNode,
  type Peer,
  type PeerId,
  type Protection,
  type Session,
  type TrustState,
} from '../index.ts'
import { clock } from './clock.ts'
import { displayText } from './display-text.ts'
import { offerText } from './offer-text.ts'
import { claim, endpoint, protectionOf, protectionWords, trustWords } from './peer-words.ts'
import { shortId } from './short-id.ts'
import { plainStyle, type Style } from './style.ts'

/** What tells who somebody is: what we call it, what it calls itself, and what is known of its key. */
interface Known {
  readonly alias: string
  readonly name: string
  readonly trust: TrustState
}

/** Puts what the node knows into words for people; everything from outside passes through `displayText` here. */
export class View {
  readonly style: Style
  readonly #node: P2PNode
  /** Whole IDs, for output that a program may read; short ones for eyes. */
  readonly #wholeIds: boolean
  /** What those who have left called themselves. */
  readonly #names = new Map<PeerId, string>()

  constructor(node: P2PNode, style: Style, options: { readonly wholeIds: boolean }) {
    this.#node = node
    this.style = style
    this.#wholeIds = options.wholeIds
  }

  /**
   * A peer as `alice`, when our user calls it so, else as `"its name" 7c21ab90 unverified`: the name is a claim, the ID
   * tells who it is. A claim is always quoted, so that none looks like an alias (T17).
   */
  peer(id: PeerId, known: Known = this.#knownOf(id)): string {
    return this.#named(id, known, this.style)
  }

  /** As {@link peer}, without colours. */
  plainPeer(id: PeerId): string {
    return this.#named(id, this.#knownOf(id), plainStyle)
  }

  /** What stands before a line that is typed to a peer: who it is, how the talk is protected, and what it does. */
  label(peerId: PeerId, { typing }: { readonly typing: boolean }): string {
    const { presence } = this.#node.conversation(peerId).info
    const words = [
      protectionWords[this.protection(peerId)],
      ...(presence.state === 'away' ? ['away'] : []),
      ...(typing ? ['typing …'] : []),
    ]
    return `${this.peer(peerId)} [${words.join(', ')}]> `
  }

  /** How talk with a peer is protected now, or will be when it is there again. */
  protection(peerId: PeerId): Protection {
    return protectionOf(peerId, this.#node.peers.find(peerId), this.#node.trust.find(peerId))
  }

  /** What a person types to name a peer: its alias, or the beginning of its ID. */
  handle(id: PeerId): string {
    return displayText(this.#knownOf(id).alias) || this.id(id)
  }

  /** An ID, as short as it may be. */
  id(id: PeerId): string {
    return this.#wholeIds ? id : shortId(id, peerIds(this.#node))
  }

  /** An offer in place of the text of a message, as it stands now. */
  offer(id: string): string {
    return offerText(this.#node.files.offers(), id)
  }

  session(id: string): string {
    const ids = this.#node.sessions.list().map((session) => session.id)
    return this.#wholeIds ? id : shortId(id, ids)
  }

  node({ id, name, port, addresses }: NodeInfo): string {
    const { style } = this
    const who = name === '' ? '' : `${style.name(claim(name))} `
    const where = addresses.length === 0 ? 'no network yet,' : addresses.join(', ')
    return `${who}${style.dim(this.id(id))}  ${where} port ${port}`
  }

  peers(peers: readonly Peer[]): readonly string[] {
    return this.table(
      ['#', 'ID', 'name', 'address', 'kind', 'protection', 'found by'],
      peers.map((peer, index) => [
        String(index + 1),
        this.id(peer.id),
        nameCell(peer),
        endpoint(peer),
        peer.kind,
        protectionCell(peer),
        peer.via.join(', '),
      ]),
    )
  }

  contacts(contacts: readonly Contact[]): readonly string[] {
    return this.table(
      ['#', 'ID', 'alias', 'trust', 'by', 'since'],
      contacts.map(({ peerId, alias, trust, method, since }, index) => [
        String(index + 1),
        this.id(peerId),
        alias === '' ? '-' : displayText(alias),
        trust,
        method ?? '-',
        clock(since),
      ]),
    )
  }

  sessions(sessions: readonly Session[]): readonly string[] {
    return this.table(
      ['#', 'ID', 'with', 'protection', 'opened', 'by', 'unread', 'waiting'],
      sessions.map((session, index) => [
        String(index + 1),
        this.session(session.id),
        this.plainPeer(session.peerId),
        protectionWords[session.protection],
        clock(session.openedAt),
        session.incoming ? 'them' : 'us',
        String(this.#node.conversation(session.peerId).info.unread),
        String(session.waiting),
      ]),
    )
  }

  /** Columns that are as wide as the widest of their cells. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
    const widths = head.map((title, column) =>
      Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
    )
    const line = (cells: readonly string[]): string =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()
    return [this.style.dim(line(head)), ...rows.map(line)]
  }

  #named(id: PeerId, { alias, name, trust }: Known, { dim, name: bright }: Style): string {
    const word = trustWords[trust]
    if (alias !== '') {
      // Where a program may read it, the ID stays; a person has chosen the alias to be spared of it.
      const whole = this.#wholeIds ? ` ${dim(id)}` : ''
      return `${bright(displayText(alias))}${whole}${word === 'verified' ? '' : ` ${dim(word)}`}`
    }
    const short = `${dim(this.id(id))} ${dim(word)}`
    return name === '' ? short : `${bright(claim(name))} ${short}`
  }

  /** Who has left is still known by its alias, and by what it called itself when it was shown last. */
  #knownOf(id: PeerId): Known {
    const peer = this.#node.peers.find(id)
    if (peer !== undefined) {
      this.#noteName(peer)
      return peer
    }
    const contact = this.#node.trust.find(id)
    const name = this.#names.get(id) ?? ''
    return { alias: contact?.alias ?? '', name, trust: contact?.trust ?? 'unknown' }
  }

  #noteName({ id, name }: Peer): void {
    this.#names.delete(id)
    this.#names.set(id, name)
    for (const oldest of this.#names.keys()) {
      if (this.#names.size <= limits.peers) return
      this.#names.delete(oldest)
    }
  }
}

function nameCell({ alias, name, trust }: Peer): string {
  if (alias !== '') return displayText(alias)
  const word = trustWords[trust]
  const shown = name === '' ? '-' : claim(name)
  return word === 'unverified' ? `${shown} ${word}` : shown
}

/** Who is refused has no protection that matters. */
function protectionCell({ protection, trust }: Peer): string {
  return trust === 'blocked' || trust === 'replaced' ? trust : protectionWords[protection]
}

function* peerIds(node: P2PNode): Generator<string> {
  for (const peer of node.peers.list()) yield peer.id
}
