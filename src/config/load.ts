import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { platformDataDir } from '../index.ts'
import { readConfigFile, writeDefaultFile } from './config-file.ts'
import { defaultFile } from './default-file.ts'
import { flagText, type Flags } from './keys.ts'
import { fromEnvironment, fromFlags, Mistakes, type Environment } from './origins.ts'
import { understand, type Understood } from './understand.ts'
import type { FileContent } from './yaml-file.ts'

/** The whole configuration, checked; nothing has been made or opened. */
export interface Settings extends Understood {
  /** Absolute. */
  readonly dataDir: string
  /** The configuration file, absolute, and whether there is one. */
  readonly file: string
  readonly fileExists: boolean
}

/**
 * Puts the configuration together: the defaults, over them the file, over that the environment (`P2P_*`), over that the
 * flags. Makes and opens nothing.
 *
 * @throws P2PError `config-invalid` that names every mistake, one a line, with where it is and what to write instead
 */
export async function loadConfig({
  env,
  flags,
}: {
  readonly env: Environment
  readonly flags: Flags
}): Promise<Settings> {
  const mistakes = new Mistakes()
  const { dataDir, file, mustExist } = findFile(env, flags, mistakes)
  const text = readConfigFile(file, { mustExist, mistakes })
  const content =
    text === undefined || text === defaultFile() ? defaultContent : await readText(file, text, mistakes)
  const given = [...content.given, ...fromEnvironment(env, mistakes), ...fromFlags(flags)]
  const understood = understand(content, given, mistakes)
  mistakes.throwIfAny()
  return { ...understood, dataDir, file: resolve(file), fileExists: text !== undefined }
}

/**
 * Writes the configuration file, with every key explained, if there was none. To be called once the data directory is
 * there and ours.
 *
 * @throws P2PError `data-dir-unusable`
 */
export function writeMissingConfig({ file, fileExists }: Settings): void {
  if (!fileExists && !existsSync(file)) writeDefaultFile(file)
}

/** What the file says that is written where there is none; saves the YAML library at most starts. */
const defaultContent: FileContent = { given: [], sections: new Set(['explorer', 'explorer.multicast']) }

async function readText(file: string, text: string, mistakes: Mistakes): Promise<FileContent> {
  const { readYaml } = await import('./yaml-file.ts')
  return await readYaml(file, text, mistakes)
}

interface Places {
  readonly dataDir: string
  /** As it was named, for messages. */
  readonly file: string
  readonly mustExist: boolean
}

function findFile(env: Environment, flags: Flags, mistakes: Mistakes): Places {
  for (const flag of ['dataDir', 'config'] as const) {
    if (flags[flag] === '') mistakes.add(flagText(flag), 'the path is empty; name one, or leave the flag out')
  }
  const dataDir = resolve(flags.dataDir || env['P2P_DATA_DIR'] || platformDataDir(env, process.platform))
  const chosen = flags.config || env['P2P_CONFIG']
  return chosen
    ? { dataDir, file: chosen, mustExist: true }
    : { dataDir, file: join(dataDir, 'config.yaml'), mustExist: false }
}
