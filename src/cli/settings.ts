import { join } from 'node:path'
import { loadConfig, writeMissingConfig, type Settings as Config } from '../config/load.ts'
import {
  broadcast,
  type diagnose,
  isP2PError,
  multicast,
  P2PError,
  type ExplorerFactory,
  type LogLevel,
  type NodeOptions,
} from '../index.ts'
import type { Flags } from './arguments.ts'

/** The configuration, as the command uses it. */
export interface Settings {
  readonly node: NodeOptions
  /** Absolute. */
  readonly dataDir: string
  /** How peers are found, for people. */
  readonly explorerNames: readonly string[]
  /** UDP port of discovery. */
  readonly discoveryPort: number
  readonly logLevel: LogLevel
  readonly logFile: string
  readonly historyFile: string
  /** How the control API is served besides its socket: whether with the page, and on which port. */
  readonly control: Config['control']
  /** Writes the configuration file with every key explained where there is none; the data directory must be ours. */
  readonly writeMissingConfig: () => void
}

/** @throws P2PError `config-invalid` */
export async function readSettings(flags: Flags, env: NodeJS.ProcessEnv): Promise<Settings> {
  const config = await loadConfig({ env, flags })
  return {
    node: nodeOptions(config),
    dataDir: config.dataDir,
    explorerNames: (['multicast', 'broadcast'] as const).filter((name) => config[name] !== undefined),
    discoveryPort: (config.multicast ?? config.broadcast)?.port ?? 8001,
    logLevel: config.logLevel,
    logFile: join(config.dataDir, 'log.log'),
    historyFile: join(config.dataDir, 'history', 'shell'),
    control: config.control,
    writeMissingConfig: () => writeMissingConfig(config),
  }
}

/** What `p2p doctor` starts its node with: what is configured, but nothing of the data directory, so that it runs beside another. */
export async function readDoctorOptions(flags: Flags, env: NodeJS.ProcessEnv): Promise<DoctorOptions> {
  const config = await loadConfig({ env, flags })
  const { explorers = [], port, isPublicIp, ip } = nodeOptions(config)
  const used = config.multicast ?? config.broadcast
  const { address: _address, ...where } = used === undefined ? { address: '' } : discovery(used)
  const trials = [
    ...(config.multicast === undefined ? [multicast(where)] : []),
    ...(config.broadcast === undefined ? [broadcast(where)] : []),
  ]
  return {
    name: 'p2p doctor',
    explorers,
    trials,
    ...(port !== undefined && { port }),
    ...(isPublicIp !== undefined && { isPublicIp }),
    ...(ip !== undefined && { ip }),
    ...(used !== undefined && { discoveryPort: used.port }),
  }
}

type DoctorOptions = Parameters<typeof diagnose>[0]

function nodeOptions(config: Config): NodeOptions {
  const { name, policy, dataDir, port, ip, isPublicIp, periodMs } = config
  const { readReceipts, typing, keepMessagesDays, files } = config
  const { download, upload, perPeer, active } = files
  const explorers: ExplorerFactory[] = []
  if (config.multicast !== undefined) {
    const { address: group, ...where } = discovery(config.multicast)
    explorers.push(located(config, 'multicast', multicast({ group, ...where, periodMs })))
  }
  if (config.broadcast !== undefined) {
    explorers.push(located(config, 'broadcast', broadcast({ ...discovery(config.broadcast), periodMs })))
  }
  return {
    name,
    policy,
    dataDir,
    port,
    isPublicIp,
    explorers,
    readReceipts,
    typing,
    downloads: files.folder,
    transferLimits: { download, upload, perPeer, active },
    autoAccept: { from: files.accept === 'verified' ? 'verified' : 'nobody', maxBytes: files.acceptMaxBytes },
    ...(ip !== undefined && { ip }),
    ...(keepMessagesDays !== undefined && { keepMessagesDays }),
  }
}

/** Opens as `factory` does, and says of an unknown interface where its name comes from. */
function located(
  { origins }: Config,
  way: 'multicast' | 'broadcast',
  factory: ExplorerFactory,
): ExplorerFactory {
  const origin = origins.get(`explorer.${way}.interface-name`)
  return async (context) => {
    try {
      return await factory(context)
    } catch (error) {
      if (origin === undefined || !isP2PError(error, 'interface-unknown')) throw error
      throw new P2PError(error.code, `${origin}: ${error.message}`, { cause: error })
    }
  }
}

function discovery({ address, port, interfaceName }: NonNullable<Config['multicast']>): {
  readonly address: string
  readonly port: number
  readonly interfaceName?: string
} {
  return { address, port, ...(interfaceName !== undefined && { interfaceName }) }
}
