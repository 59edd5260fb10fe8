import { homedir } from 'node:os'
import { join } from 'node:path'
import type { LogLevel, NodeOptions } from '../index.ts'
import type { Flags } from './arguments.ts'

/** The configuration, as the command uses it. */
export interface Settings {
  readonly node: NodeOptions
  readonly logLevel: LogLevel
  readonly logFile: string
  readonly historyFile: string
}

/** @throws P2PError `config-invalid` */
export async function readSettings(flags: Flags, env: NodeJS.ProcessEnv): Promise<Settings> {
  const dataDir = flags.dataDir ?? env['P2P_DATA_DIR'] ?? join(homedir(), '.config', 'p2p')
  return {
    node: {
      dataDir,
      ...(flags.port !== undefined && { port: Number(flags.port) }),
      ...(flags.name !== undefined && { name: flags.name }),
    },
    logLevel: 'INFO',
    logFile: join(dataDir, 'log.log'),
    historyFile: join(dataDir, 'history', 'shell'),
  }
}
