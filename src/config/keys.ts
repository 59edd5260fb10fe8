import { limits, type LogLevel, type Policy } from '../index.ts'
import {
  parseAcceptance,
  parseBoolean,
  parseFolder,
  parseInterfaceName,
  parseIp,
  parseIpv4,
  parseKeepDays,
  parseListeningPort,
  parseLogLevel,
  parseMulticastAddress,
  parseName,
  parseParallel,
  parsePeriod,
  parsePolicy,
  parsePort,
  parseRate,
  parseSize,
  type Acceptance,
  type Parsed,
} from './values.ts'

/** What the command line may say; texts, checked here like everything else. */
export interface Flags {
  readonly config?: string
  readonly dataDir?: string
  readonly port?: string
  readonly name?: string
  readonly policy?: string
  readonly logLevel?: string
}

/** The keys and what each means once it is understood; undefined where there need not be one. */
interface Values {
  readonly name: string | undefined
  readonly policy: Policy
  readonly 'read-receipts': boolean
  readonly typing: boolean
  readonly 'history.keep-days': number | undefined
  readonly 'files.folder': string | undefined
  readonly 'files.accept': Acceptance
  /** Bytes. */
  readonly 'files.accept-max-size': number | undefined
  /** Bytes per second. */
  readonly 'files.download-limit': number | undefined
  readonly 'files.upload-limit': number | undefined
  readonly 'files.peer-limit': number | undefined
  readonly 'files.parallel': number
  readonly 'control.web': boolean
  readonly 'control.tcp-port': number | undefined
  readonly 'log-level': LogLevel
  readonly 'websocket.port': number
  readonly ip: string | undefined
  readonly 'is-public-ip': boolean
  /** Milliseconds. */
  readonly 'explorer.period': number
  readonly 'explorer.multicast.address': string
  readonly 'explorer.multicast.port': number
  readonly 'explorer.multicast.interface-name': string | undefined
  readonly 'explorer.broadcast.address': string
  readonly 'explorer.broadcast.port': number
  readonly 'explorer.broadcast.interface-name': string | undefined
}

export type KeyPath = keyof Values
export type ValueOf<Path extends KeyPath> = Values[Path]

/** All there is to know of one key: how it is read, written, explained and named elsewhere. */
export interface Key<Value> {
  readonly parse: (text: string) => Parsed<Value>
  /** The value when nobody gives one. */
  readonly standard: Value
  /** The standard value as a text; where there is none, a value to show. */
  readonly example: string
  /** Sentences for the file and for docs/configuration.md. */
  readonly about: string
  readonly flag?: keyof Flags
  /** A second, shorter environment variable. */
  readonly shortVariable?: string
  /** The reference does not know it, so that it is written as a comment into the file that both read. */
  readonly isOurs?: true
}

const discoveryPort = 'UDP port that announcements go to and are heard on.'
const interfaceName = 'The only network interface to use. Default: every usable one.'

/** Every key, in the order of the written file. The names are the reference's, except where a key is ours. */
export const keys: { readonly [Path in KeyPath]: Key<Values[Path]> } = {
  name: {
    parse: parseName,
    standard: undefined,
    example: 'kitchen',
    about:
      'What you are called in the lists of others, at most 64 bytes; everybody nearby can read it. "" is no name. ' +
      'Default: the name of this computer.',
    flag: 'name',
    isOurs: true,
  },
  policy: {
    parse: parsePolicy,
    standard: 'open',
    example: 'open',
    about:
      'Whom you talk with: open is everybody, though talk with reference peers is not protected; encrypted is only ' +
      'peers that prove who they are; trusted is only peers that you have verified.',
    flag: 'policy',
    isOurs: true,
  },
  'read-receipts': {
    parse: parseBoolean,
    standard: true,
    example: 'true',
    about:
      'Whether others are told which of their messages you have read. That a message has arrived is always told.',
    isOurs: true,
  },
  typing: {
    parse: parseBoolean,
    standard: true,
    example: 'true',
    about: 'Whether others are told that you are typing, while you talk with them.',
    isOurs: true,
  },
  'history.keep-days': {
    parse: parseKeepDays,
    standard: undefined,
    example: '365',
    about: 'Messages older than so many days are deleted. Default: they are kept for ever.',
    isOurs: true,
  },
  'files.folder': {
    parse: parseFolder,
    standard: undefined,
    example: '~/Downloads',
    about:
      'Where what you take from others is put. Default: the folder Downloads in your home folder, where there is one, ' +
      'else p2p there.',
    isOurs: true,
  },
  'files.accept': {
    parse: parseAcceptance,
    standard: 'ask',
    example: 'ask',
    about:
      'What happens to what others offer you: ask leaves it to you; verified takes it at once when you have verified ' +
      'who offers it.',
    isOurs: true,
  },
  'files.accept-max-size': {
    parse: parseSize,
    standard: undefined,
    example: '1GB',
    about: 'Of more than this you are asked, whatever files.accept says. Default: any size.',
    isOurs: true,
  },
  'files.download-limit': {
    parse: parseRate,
    standard: undefined,
    example: '50MB/s',
    about: 'How fast files come from all others together. Default: no limit.',
    isOurs: true,
  },
  'files.upload-limit': {
    parse: parseRate,
    standard: undefined,
    example: '10MB/s',
    about: 'How fast files go to all others together. Default: no limit.',
    isOurs: true,
  },
  'files.peer-limit': {
    parse: parseRate,
    standard: undefined,
    example: '5MB/s',
    about: 'How fast files go to each peer, and come from each. Default: no limit.',
    isOurs: true,
  },
  'files.parallel': {
    parse: parseParallel,
    standard: limits.activeTransfers,
    example: String(limits.activeTransfers),
    about: 'How many transfers go on at the same time; the others wait for their turn.',
    isOurs: true,
  },
  'control.web': {
    parse: parseBoolean,
    standard: false,
    example: 'false',
    about: 'Whether the page is served from the start. "p2p web" opens it anyhow, when it is asked to.',
    isOurs: true,
  },
  'control.tcp-port': {
    parse: parseListeningPort,
    standard: undefined,
    example: '8021',
    about:
      'TCP port of 127.0.0.1 on which the control API is served, and the page when it is; 0 takes any free one. Default: none ' +
      'before the page is served, then any free one. At a fixed one the page can be kept as a bookmark; name one only where you trust the other users of the machine.',
    isOurs: true,
  },
  'log-level': {
    parse: parseLogLevel,
    standard: 'INFO',
    example: 'INFO',
    about: 'What goes into the log file: DEBUG, INFO, WARN or ERROR.',
    flag: 'logLevel',
  },
  'websocket.port': {
    parse: parseListeningPort,
    standard: 8001,
    example: '8001',
    about: 'TCP port on which peers reach you; 0 takes any free one.',
    flag: 'port',
    shortVariable: 'P2P_PORT',
  },
  ip: {
    parse: parseIp,
    standard: undefined,
    example: '88.88.88.88',
    about: 'The address to announce. Default: none, and peers use the one your announcements come from.',
  },
  'is-public-ip': {
    parse: parseBoolean,
    standard: false,
    example: 'false',
    about:
      'Whether peers are to use the announced address, which then must be set. Connections from beyond your own ' +
      'networks are accepted only if this is true.',
  },
  'explorer.period': {
    parse: parsePeriod,
    standard: 20_000,
    example: '20s',
    about: 'Time between two announcements, such as 20s, 1m30s or 500ms.',
  },
  'explorer.multicast.address': {
    parse: parseMulticastAddress,
    standard: '235.5.5.11',
    example: '235.5.5.11',
    about: 'The group: peers must have the same one to find each other.',
  },
  'explorer.multicast.port': {
    parse: parsePort,
    standard: 8001,
    example: '8001',
    about: discoveryPort,
  },
  'explorer.multicast.interface-name': {
    parse: parseInterfaceName,
    standard: undefined,
    example: 'wlan0',
    about: interfaceName,
  },
  'explorer.broadcast.address': {
    parse: parseIpv4,
    standard: '255.255.255.255',
    example: '255.255.255.255',
    about: 'Where announcements go.',
  },
  'explorer.broadcast.port': {
    parse: parsePort,
    standard: 8001,
    example: '8001',
    about: discoveryPort,
  },
  'explorer.broadcast.interface-name': {
    parse: parseInterfaceName,
    standard: undefined,
    example: 'wlan0',
    about: interfaceName,
  },
}

/** Keys that hold other keys. A way of discovery is used when its section is there. */
export const sections = {
  history: { about: 'What is kept of conversations.', written: false },
  files: { about: 'Files that go from peer to peer.', written: false },
  control: { about: 'How other programs of yours, and the page, use the p2p that runs.', written: false },
  websocket: { about: 'The server that peers connect to.', written: true },
  explorer: { about: 'How peers find each other.', written: true },
  'explorer.multicast': {
    about: 'Announce to a multicast group. Used also when there is neither this section nor broadcast.',
    written: true,
  },
  'explorer.broadcast': {
    about:
      'Announce by broadcast, for networks that do not carry multicast; besides multicast, or instead of it.',
    written: false,
  },
} as const

export type SectionPath = keyof typeof sections

export const keyPaths = Object.keys(keys).filter(isKeyPath)
export const sectionPaths = Object.keys(sections).filter(isSectionPath)

export function isKeyPath(path: string): path is KeyPath {
  return Object.hasOwn(keys, path)
}

export function isSectionPath(path: string): path is SectionPath {
  return Object.hasOwn(sections, path)
}

/** The environment variable of a key. */
export function variableOf(path: KeyPath): string {
  return `P2P_${path.toUpperCase().replace(/[.-]/g, '_')}`
}

/** How a flag is written on the command line. */
export function flagText(flag: keyof Flags): string {
  return `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}
