import { isIPv4 } from 'node:net'
import { P2PError, type P2PNode, type Peer } from '../index.ts'
import type { CommandContext } from './command.ts'
import { displayText } from '../face/display-text.ts'
import { aliasesOf } from './names.ts'
import { endpoint } from '../face/peer-words.ts'
import { whenFound } from './when-found.ts'

/** Where a person says that a peer is. */
export interface Whereabouts {
  readonly host: string
  readonly port?: number
}

/** An address is asked for so long where no command waits, as at a prompt. */
const askedMs = 5_000
const pattern = /^((?:\d{1,3}\.){3}\d{1,3})(?::(\d{1,5}))?$/

/**
 * The address that a text is, as `192.168.1.20` or `192.168.1.20:8001`, unless our user calls somebody so. An address is where one looks, and
 * tells nothing of who is there (decision 0021).
 */
export function addressIn(node: P2PNode, text: string): Whereabouts | undefined {
  const [, host = '', digits] = pattern.exec(text) ?? []
  const port = Number(digits ?? 1)
  if (!isIPv4(host) || port < 1 || port > 65_535 || aliasesOf(node).has(text)) return undefined
  return { host, ...(digits !== undefined && { port }) }
}

/** Who was heard there; what others have told of (`peers`) counts for nothing. */
export function peersAt({ peers }: P2PNode, { host, port }: Whereabouts): readonly Peer[] {
  return peers
    .list()
    .filter(({ paths }) =>
      paths.some(
        (path) =>
          path.address === host &&
          (port === undefined || path.port === port) &&
          path.via.some((way) => way !== 'peers'),
      ),
    )
}

/**
 * The peer at an address: the one that is known there, or else who answers when it is asked.
 *
 * @throws P2PError `ambiguous`, `no-answer`
 */
export async function peerAt(context: CommandContext, where: Whereabouts): Promise<Peer> {
  const found = onlyPeerAt(context, where) ?? (await askAt(context, where))
  if (found !== undefined) return found
  const { host, port = context.state.discoveryPort } = where
  throw new P2PError(
    'no-answer',
    `Nobody answers at ${host}, UDP port ${port}. "p2p doctor --peer ${host}" finds out why.`,
  )
}

function onlyPeerAt({ state, view }: CommandContext, where: Whereabouts): Peer | undefined {
  const [first, ...others] = peersAt(state.node, where)
  if (first === undefined || others.length === 0) return first
  const some = [first, ...others].slice(0, 4).map((peer) => `${view.handle(peer.id)} at ${endpoint(peer)}`)
  throw new P2PError(
    'ambiguous',
    `${others.length + 1} peers are at ${written(where)} (${some.join(', ')}). Write the port too, or which of them.`,
  )
}

/** Announces there, and takes whoever answers, or is heard there meanwhile. */
async function askAt(context: CommandContext, where: Whereabouts): Promise<Peer | undefined> {
  const { state } = context
  const ms = state.waitMs > 0 ? state.waitMs : askedMs
  const ended = new AbortController()
  const signal = AbortSignal.any([context.signal, ended.signal, AbortSignal.timeout(ms)])
  const heard = whenFound(state.node, () => onlyPeerAt(context, where), { ms, signal: context.signal })
  const to = { host: where.host, port: where.port ?? state.discoveryPort }
  const answered = state.node.emit(to, { signal }).then(
    async (result) => {
      if (result.kind === 'peer') return result.peer
      return state.waitMs > 0 ? await heard : undefined
    },
    () => heard,
  )
  try {
    return await Promise.race([answered, heard])
  } finally {
    ended.abort()
  }
}

/** What is decided for good is decided on somebody, not on a place. */
export function refuseAddress({ state, view }: CommandContext, where: Whereabouts): P2PError {
  const here = peersAt(state.node, where).map(({ id }) => view.handle(id))
  const who = here.length === 0 ? '' : ` ${here.join(' or ')} is there now: write that.`
  return new P2PError(
    'usage',
    `"${written(where)}" is an address, and no proof of who is there: this needs an alias, the beginning of an ID, or a number of the list.${who}`,
  )
}

function written({ host, port }: Whereabouts): string {
  return displayText(port === undefined ? host : `${host}:${port}`)
}
