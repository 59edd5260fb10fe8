import { parsePeerId, P2PError, type P2PNode, type Peer, type PeerId, type Session } from '../index.ts'
import { displayText } from '../face/display-text.ts'
import { addressIn, peerAt, refuseAddress } from './addresses.ts'
import type { CommandContext } from './command.ts'
import { aliasesOf, pick } from './names.ts'
import type { ShellState } from './shell-state.ts'
import { whenFound } from './when-found.ts'

/** How commands take a peer, for their details. */
export const whoIsKnown =
  'a peer is named by its alias, any beginning of its ID, its number in the last list, or its address'

/** A peer by a person's name for it; waits for one that nobody has heard of yet, where the shell says so. */
export async function peerNamed(context: CommandContext, text: string): Promise<Peer> {
  const { state, signal } = context
  const { node, waitMs } = state
  const where = addressIn(node, text)
  if (where !== undefined) return await peerAt(context, where)
  const look = (): Peer | undefined => findPeer(state, text)
  const found = look() ?? (waitMs > 0 ? await whenFound(node, look, { ms: waitMs, signal }) : undefined)
  if (found !== undefined) return found
  const waited = waitMs > 0 ? ` after ${waitMs / 1000} s` : ''
  const here = node.peers.list().length
  throw new P2PError(
    'peer-unknown',
    `No peer ${displayText(text)} is known${waited}. ${here === 0 ? 'Nobody is here yet.' : '"list peers" shows who is here.'}`,
  )
}

function findPeer({ node, listedPeers }: ShellState, text: string): Peer | undefined {
  const ids = node.peers.list().map((peer) => peer.id)
  // Who has asked for no list yet has seen the peers appear, and counts them.
  const listed = listedPeers.length > 0 ? listedPeers : ids
  const id = pick(text, { kind: 'peer', ids, listed, aliases: aliasesOf(node), claims: claimsOf(node) })
  return id === undefined ? undefined : node.peers.find(id)
}

/** Who calls itself what, where only one does and our user has no name for it. */
function claimsOf({ peers }: P2PNode): ReadonlyMap<string, PeerId> {
  const byName = Map.groupBy(peers.list(), ({ name }) => name)
  const claims = new Map<string, PeerId>()
  for (const [name, [only, ...others]] of byName) {
    if (only !== undefined && others.length === 0 && only.alias === '') claims.set(name, only.id)
  }
  return claims
}

/** Somebody who is here, whom we have met, or with whom something was said; by a whole ID also anybody else. */
export function findContact({ node, listedPeers }: ShellState, text: string): PeerId | undefined {
  const here = node.peers.list().map((peer) => peer.id)
  const ids = [...new Set([...here, ...node.trust.list().map(({ peerId }) => peerId)])]
  const choice = {
    kind: 'peer',
    listed: listedPeers.length > 0 ? listedPeers : here,
    aliases: aliasesOf(node),
    claims: claimsOf(node),
  } as const
  const correspondents = (): readonly PeerId[] => node.conversations.list().map(({ peerId }) => peerId)
  return (
    pick(text, { ...choice, ids }) ?? parsePeerId(text) ?? pick(text, { ...choice, ids: correspondents() })
  )
}

/** {@link findContact}; an address names nobody for what is decided for good. @throws P2PError `peer-unknown`, `usage` */
export function contactNamed(context: CommandContext, text: string): PeerId {
  const { state } = context
  const where = addressIn(state.node, text)
  if (where !== undefined) throw refuseAddress(context, where)
  const id = findContact(state, text)
  if (id !== undefined) return id
  throw new P2PError(
    'peer-unknown',
    `No peer ${displayText(text)} is known. "list peers" shows who is here, "trust" whom you have met.`,
  )
}

/** {@link contactNamed}, or whoever is at an address, for commands that only look. @throws P2PError `peer-unknown`, `no-answer`, `ambiguous` */
export async function contactLookedAt(context: CommandContext, text: string): Promise<PeerId> {
  if (addressIn(context.state.node, text) === undefined) return contactNamed(context, text)
  return (await peerNamed(context, text)).id
}

/** {@link findContact}, or else a peer that is waited for as {@link peerNamed} does. @throws P2PError `peer-unknown`, `no-answer`, `ambiguous` */
export async function personNamed(context: CommandContext, text: string): Promise<PeerId> {
  const isAddress = addressIn(context.state.node, text) !== undefined
  const known = isAddress ? undefined : findContact(context.state, text)
  return known ?? (await peerNamed(context, text)).id
}

/** Splits `words` into the name of a peer, which may be an alias of several words, and what comes after it. */
export function splitTarget(
  { state }: CommandContext,
  words: string,
): { readonly target: string; readonly rest: string } {
  const begins = [...aliasesOf(state.node).keys()].filter((alias) => `${words} `.startsWith(`${alias} `))
  const [longest] = begins.sort((a, b) => b.length - a.length)
  const [first = ''] = words.split(' ')
  const target = longest ?? first
  return { target, rest: words.slice(target.length).trim() }
}

export function sessionNamed({ state }: CommandContext, text: string): Session {
  const ids = state.node.sessions.list().map((session) => session.id)
  const listed = state.listedSessions.length > 0 ? state.listedSessions : ids
  const id = pick(text, { kind: 'session', ids, listed })
  const found = id === undefined ? undefined : state.node.sessions.find(id)
  if (found !== undefined) return found
  throw new P2PError(
    'session-unknown',
    `No session ${displayText(text)} is open. "list sessions" shows those that are.`,
  )
}

export function parseEndpoint(text: string): { readonly host: string; readonly port: number } {
  const [, host, digits] = /^([\w.-]+):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (host === undefined || !(port >= 1 && port <= 65_535)) {
    throw new P2PError('usage', `"${displayText(text)}" is not host:port. Write it like 192.168.1.20:8001.`)
  }
  return { host, port }
}
