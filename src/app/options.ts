import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { silentLog, type Log } from '../base/log.ts'
import type { ExplorerFactory } from '../discovery/explorer.ts'
import { multicast } from '../discovery/multicast.ts'
import type { Rate } from '../rules/admission.ts'
import { policies, type Policy } from '../rules/trust.ts'
import { tcpTransport } from '../transport/tcp-transport.ts'
import type { TransportFactory } from '../transport/transport.ts'
import { requireAutoAccept, type AutoAccept } from './files/offers.ts'
import { requireLimits, usualLimits } from './files/transfer-limits.ts'
import type { TransferLimits } from './files/types.ts'

/** What `startNode` can be told. Everything is optional. */
export interface NodeOptions {
  /** What this node calls itself, for people; at most 64 bytes of UTF-8. Everybody nearby can read it. Default: no name. */
  readonly name?: string
  /**
   * Folder that keeps the identity and what is known of peers; made when absent, locked while the node runs. Without it
   * the node gets a new identity at every start, forgets whom it met and what was said, and leaves nothing on the disk.
   */
  readonly dataDir?: string
  /** TCP port that listens, default 8001; 0 takes a free one. */
  readonly port?: number
  /** An address to announce besides the one that datagrams come from. */
  readonly ip?: string
  /** Whether peers are to use `ip`, and connections from beyond our own networks are welcome. Default false. */
  readonly isPublicIp?: boolean
  /** Whom this node talks with; `node.setPolicy` changes it. Default `open`: everybody, reference peers in plain. */
  readonly policy?: Policy
  /** How peers are found; default: multicast to 235.5.5.11:8001 on every interface. */
  readonly explorers?: readonly ExplorerFactory[]
  /** How peers are reached; default: TCP. Simulations give the one of `p2p/testing`. */
  readonly transport?: TransportFactory
  /** Messages per second in each session and direction, and how many may come at once. Default 50, 200; verified peers may always send faster. */
  readonly messageRate?: Rate
  /** Whether others are told that our user has read what they wrote. Default true. */
  readonly readReceipts?: boolean
  /** Whether others are told that our user is writing. Default true. */
  readonly typing?: boolean
  /** Messages older than this are deleted. Default: kept for ever. */
  readonly keepMessagesDays?: number
  /** Where files go when nothing else is said; made when it is needed. Default: `downloads` in the data directory. */
  readonly downloads?: string
  /** Files and folders to share with everybody, each as its last name, from the start on; see `node.files.share`. */
  readonly shares?: readonly string[]
  /** How fast files come and go, and how many at once; `node.files.setLimits` changes it. Default: as fast as it goes, three at once. */
  readonly transferLimits?: Partial<TransferLimits>
  /** Whose offers are taken without a question. Default: nobody's. */
  readonly autoAccept?: AutoAccept
  /** Default: silent. */
  readonly log?: Log
  /** Stops the node when it aborts. */
  readonly signal?: AbortSignal
}

/** The options with every default filled in. */
export interface Settings {
  readonly name: string
  readonly dataDir: string | undefined
  /** The TCP port that was asked for. */
  readonly port: number
  readonly ip: string | undefined
  readonly isPublicIp: boolean
  readonly policy: Policy
  readonly explorers: readonly ExplorerFactory[]
  readonly transport: TransportFactory
  readonly messageRate: Rate
  readonly readReceipts: boolean
  readonly typing: boolean
  /** `Infinity`: for ever. */
  readonly keepMessagesDays: number
  readonly downloads: string | undefined
  readonly shares: readonly string[]
  readonly transferLimits: TransferLimits
  readonly autoAccept: AutoAccept
  readonly log: Log
}

/** Where a node listens, and is looked for, unless told otherwise. */
export const usualPort = 8001

/** @throws P2PError `usage` for a value out of range */
export function readOptions(options: NodeOptions): Settings {
  const {
    port = usualPort,
    name = '',
    keepMessagesDays = Infinity,
    messageRate = { perSecond: limits.messagesPerSecond, burst: limits.messageBurst },
  } = options
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new P2PError('usage', `port must be a whole number from 0 to 65535, not ${port}.`)
  }
  if (Buffer.byteLength(name) > limits.nameBytes) {
    throw new P2PError('usage', `name is longer than ${limits.nameBytes} bytes. Choose a shorter one.`)
  }
  if (!(messageRate.perSecond > 0 && messageRate.burst >= 1)) {
    throw new P2PError('usage', 'messageRate needs perSecond above 0 and a burst of at least 1.')
  }
  if (!(keepMessagesDays > 0)) {
    throw new P2PError('usage', `keepMessagesDays must be above 0, not ${keepMessagesDays}.`)
  }
  const { ip, isPublicIp = false, policy = 'open' } = options
  requirePolicy(policy)
  const transferLimits = { ...usualLimits, ...options.transferLimits }
  requireLimits(transferLimits)
  const { autoAccept = { from: 'nobody', maxBytes: 0 } } = options
  requireAutoAccept(autoAccept)
  return {
    name,
    dataDir: options.dataDir,
    port,
    ip,
    isPublicIp,
    policy,
    explorers: options.explorers ?? [multicast()],
    transport:
      options.transport ?? tcpTransport({ port, isPublicIp, ...(ip !== undefined && { publicIp: ip }) }),
    messageRate,
    readReceipts: options.readReceipts ?? true,
    typing: options.typing ?? true,
    keepMessagesDays,
    downloads: options.downloads,
    shares: options.shares ?? [],
    transferLimits,
    autoAccept,
    log: options.log ?? silentLog,
  }
}

/** @throws P2PError `usage` for anything else than a policy, as callers without types can give it */
export function requirePolicy(policy: Policy): void {
  if (policies.includes(policy)) return
  throw new P2PError('usage', `policy must be one of ${policies.join(', ')}, not ${policy}.`)
}
