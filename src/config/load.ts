import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { platformDataDir } from '../index.ts'
import { readConfigFile, writeDefaultFile } from './config-file.ts'
import { defaultFile } from './default-file.ts'
import { Draft } from './draft.ts'
import { flagText, type Flags } from './keys.ts'
import { readEnvironment, readFlags, type Environment } from './origins.ts'
import { keySettings, type KeySettings } from './settings.ts'

/** The whole configuration, checked; nothing has been made or opened. */
export interface Settings extends KeySettings {
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
  const draft = new Draft()
  const { dataDir, file, mustExist } = findFile(env, flags, draft)
  const text = readConfigFile(file, { mustExist, draft })
  await readText(file, text, draft)
  readEnvironment(env, draft)
  readFlags(flags, draft)
  const settings = keySettings(draft)
  draft.throwIfWrong()
  return { ...settings, dataDir, file: resolve(file), fileExists: text !== undefined }
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

/** The file as we write it, or are going to, says nothing but the defaults, and saves most starts the YAML library. */
async function readText(file: string, text: string | undefined, draft: Draft): Promise<void> {
  if (text === undefined || text === defaultFile()) {
    draft.enter('explorer.multicast')
    return
  }
  const { readYaml } = await import('./yaml-file.ts')
  readYaml(file, text, draft)
}

interface Places {
  readonly dataDir: string
  /** As it was named, for messages. */
  readonly file: string
  readonly mustExist: boolean
}

function findFile(env: Environment, flags: Flags, draft: Draft): Places {
  for (const flag of ['dataDir', 'config'] as const) {
    if (flags[flag] === '') draft.wrong(flagText(flag), 'the path is empty; name one, or leave the flag out')
  }
  const dataDir = resolve(flags.dataDir || env['P2P_DATA_DIR'] || platformDataDir(env, process.platform))
  const chosen = flags.config || env['P2P_CONFIG']
  return chosen
    ? { dataDir, file: chosen, mustExist: true }
    : { dataDir, file: join(dataDir, 'config.yaml'), mustExist: false }
}
