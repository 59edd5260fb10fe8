import { existsSync } from 'node:fs'
import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import type { LogLevel, Policy } from '../index.ts'
import type { Draft } from './draft.ts'
import { keyPaths, keys, type KeyPath } from './keys.ts'
import { parseName, type Acceptance } from './values.ts'

/** Where a way of discovery sends and listens. */
interface DiscoverySettings {
  readonly address: string
  readonly port: number
  /** Undefined for every usable interface. */
  readonly interfaceName: string | undefined
}

/** What becomes of files; bytes, and bytes per second, Infinity where there is no limit. */
interface FileSettings {
  /** Absolute. */
  readonly folder: string
  readonly accept: Acceptance
  readonly acceptMaxBytes: number
  readonly download: number
  readonly upload: number
  readonly perPeer: number
  readonly active: number
}

/** How the control API is served besides its socket. */
interface ControlSettings {
  readonly web: boolean
  /** TCP on 127.0.0.1; 0 for a free one. */
  readonly port: number | undefined
}

/** What every key means, whoever gave it. */
export interface KeySettings {
  /** Empty for no name. */
  readonly name: string
  readonly policy: Policy
  readonly readReceipts: boolean
  readonly typing: boolean
  /** Undefined for ever. */
  readonly keepMessagesDays: number | undefined
  readonly files: FileSettings
  readonly control: ControlSettings
  readonly logLevel: LogLevel
  /** TCP; 0 for a free one. */
  readonly port: number
  readonly ip: string | undefined
  readonly isPublicIp: boolean
  readonly periodMs: number
  /** At least one of the two. */
  readonly multicast: DiscoverySettings | undefined
  readonly broadcast: DiscoverySettings | undefined
  /** Where each value that is not a default comes from: `FILE:LINE:COLUMN`, a variable, or a flag. */
  readonly origins: ReadonlyMap<KeyPath, string>
  /** What counts of every key; undefined where there need not be a value. */
  readonly values: ReadonlyMap<KeyPath, unknown>
}

/** Reads the keys of a draft, and checks what concerns more than one of them. */
export function keySettings(draft: Draft): KeySettings {
  const isPublicIp = draft.value('is-public-ip')
  const { origins } = draft
  if (isPublicIp && !draft.has('ip')) {
    const origin = origins.get('is-public-ip') ?? 'is-public-ip'
    draft.wrong(
      origin,
      `is-public-ip is true, but there is no ip; set that too, for example ${keys.ip.example}`,
    )
  }
  // Who only names broadcast wants only that; who names neither gets what the reference does.
  const byBroadcast = draft.has('explorer.broadcast')
  const byMulticast = draft.has('explorer.multicast') || !byBroadcast
  return {
    name: draft.value('name') ?? hostName(),
    policy: draft.value('policy'),
    readReceipts: draft.value('read-receipts'),
    typing: draft.value('typing'),
    keepMessagesDays: draft.value('history.keep-days'),
    files: fileSettings(draft),
    control: { web: draft.value('control.web'), port: draft.value('control.tcp-port') },
    logLevel: draft.value('log-level'),
    port: draft.value('websocket.port'),
    ip: draft.value('ip'),
    isPublicIp,
    periodMs: draft.value('explorer.period'),
    multicast: byMulticast ? discoverySettings(draft, 'multicast') : undefined,
    broadcast: byBroadcast ? discoverySettings(draft, 'broadcast') : undefined,
    origins,
    values: new Map(keyPaths.map((path) => [path, draft.value(path)])),
  }
}

function fileSettings(draft: Draft): FileSettings {
  return {
    folder: draft.value('files.folder') ?? downloadFolder(),
    accept: draft.value('files.accept'),
    acceptMaxBytes: draft.value('files.accept-max-size') ?? Infinity,
    download: draft.value('files.download-limit') ?? Infinity,
    upload: draft.value('files.upload-limit') ?? Infinity,
    perPeer: draft.value('files.peer-limit') ?? Infinity,
    active: draft.value('files.parallel'),
  }
}

/** Where a person looks for what has come. */
function downloadFolder(): string {
  const usual = join(homedir(), 'Downloads')
  return existsSync(usual) ? usual : join(homedir(), 'p2p')
}

function discoverySettings(draft: Draft, way: 'multicast' | 'broadcast'): DiscoverySettings {
  return {
    address: draft.value(`explorer.${way}.address`),
    port: draft.value(`explorer.${way}.port`),
    interfaceName: draft.value(`explorer.${way}.interface-name`),
  }
}

/** The name of this computer without its domain; none when it is not one to show. */
function hostName(): string {
  const [name = ''] = hostname().split('.', 1)
  const parsed = parseName(name)
  return 'value' in parsed ? parsed.value : ''
}
