import type { Message, NodeInfo, P2PNode, Peer, PeerId, Session } from '../index.ts'
import { displayLines, displayText } from './display-text.ts'
import { shortId } from './names.ts'
import type { Style } from './style.ts'

/** Puts what the node knows into words for people; everything from outside passes through `displayText` here. */
export class View {
  readonly style: Style
  readonly #node: P2PNode
  /** Whole IDs, for output that a program may read; short ones for eyes. */
  readonly #wholeIds: boolean

  constructor(node: P2PNode, style: Style, options: { readonly wholeIds: boolean }) {
    this.#node = node
    this.style = style
    this.#wholeIds = options.wholeIds
  }

  /** A peer as `"its name" 7c21ab90`: the name is a claim, the ID tells who it is. */
  peer(id: PeerId, name = this.#node.peers.find(id)?.name ?? ''): string {
    const { style } = this
    const short = style.dim(this.#idOf(id))
    return name === '' ? short : `${style.name(`"${displayText(name)}"`)} ${short}`
  }

  /** As {@link peer}, without colours. */
  plainPeer(id: PeerId): string {
    const name = this.#node.peers.find(id)?.name ?? ''
    return name === '' ? this.#idOf(id) : `"${displayText(name)}" ${this.#idOf(id)}`
  }

  session(id: string): string {
    const ids = this.#node.sessions.list().map((session) => session.id)
    return this.#wholeIds ? id : shortId(id, ids)
  }

  /** A message as chat shows it; lines after the first stand in, so that none looks like another message. */
  message({ peerId, text, sentAt, incoming }: Message): readonly string[] {
    const [first = '', ...rest] = displayLines(text)
    const who = incoming ? this.peer(peerId) : `${this.style.dim('to')} ${this.peer(peerId)}`
    return [
      `${this.style.dim(clock(sentAt))} ${who}${this.style.dim(':')} ${first}`,
      ...rest.map((line) => `         ${line}`),
    ]
  }

  node({ id, name, port, addresses }: NodeInfo): string {
    const { style } = this
    const who = name === '' ? '' : `${style.name(`"${displayText(name)}"`)} `
    const where = addresses.length === 0 ? 'no network yet,' : addresses.join(', ')
    return `${who}${style.dim(this.#idOf(id))}  ${where} port ${port}`
  }

  peers(peers: readonly Peer[]): readonly string[] {
    return this.#table(
      ['#', 'ID', 'name', 'address', 'kind', 'found by'],
      peers.map((peer, index) => [
        String(index + 1),
        this.#idOf(peer.id),
        peer.name === '' ? '-' : `"${displayText(peer.name)}"`,
        endpoint(peer),
        peer.kind,
        peer.via.join(', '),
      ]),
    )
  }

  sessions(sessions: readonly Session[], unread: (peer: PeerId) => number): readonly string[] {
    return this.#table(
      ['#', 'ID', 'with', 'opened', 'by', 'unread', 'waiting'],
      sessions.map((session, index) => [
        String(index + 1),
        this.session(session.id),
        this.plainPeer(session.peerId),
        clock(session.openedAt),
        session.incoming ? 'them' : 'us',
        String(unread(session.peerId)),
        String(session.waiting),
      ]),
    )
  }

  #idOf(id: PeerId): string {
    if (this.#wholeIds) return id
    return shortId(id, peerIds(this.#node))
  }

  #table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
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
}

/** An address and a port, as they are typed. */
export function endpoint({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** The time of day where we are, with the date when it is not today's. */
export function clock(at: Date, now = new Date()): string {
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  if (at.toDateString() === now.toDateString()) return time
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`
}

function* peerIds(node: P2PNode): Generator<string> {
  for (const peer of node.peers.list()) yield peer.id
}

function two(digits: number): string {
  return String(digits).padStart(2, '0')
}
