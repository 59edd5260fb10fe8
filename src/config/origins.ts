import { flagText, keyPaths, keys, variableOf, type Flags, type KeyPath } from './keys.ts'
import { limits, nearest, P2PError } from '../index.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A value that somebody gave, before it is understood. */
export interface Given {
  readonly path: KeyPath
  readonly text: string
  /** For people: `FILE:LINE:COLUMN`, the name of a variable, or a flag. */
  readonly origin: string
}

/** Everything wrong, gathered so that all of it is told at once. */
export class Mistakes {
  readonly #lines: string[] = []

  add(origin: string, text: string): void {
    this.#lines.push(`${origin}: ${text}`)
  }

  /** @throws P2PError `config-invalid` when there are any */
  throwIfAny(): void {
    if (this.#lines.length === 0) return
    const told = this.#lines.slice(0, limits.configMistakes)
    const more = this.#lines.length - told.length
    if (more > 0) told.push(`and ${more} more`)
    throw new P2PError('config-invalid', told.join('\n'))
  }
}

export function fromFlags(flags: Flags): readonly Given[] {
  return keyPaths.flatMap((path) => {
    const { flag } = keys[path]
    const text = flag === undefined ? undefined : flags[flag]
    return flag === undefined || text === undefined ? [] : [{ path, text, origin: flagText(flag) }]
  })
}

/** Variables that are not about a key. */
const otherVariables = ['P2P_CONFIG', 'P2P_DATA_DIR']

/** An empty variable counts as none: that is how scripts and container files say nothing. */
export function fromEnvironment(env: Environment, mistakes: Mistakes): readonly Given[] {
  refuseUnknown(env, mistakes)
  return keyPaths.flatMap((path) => {
    const set = variablesOf(path).filter((name) => (env[name] ?? '') !== '')
    if (set.length > 1) mistakes.add(set.join(' and '), 'both mean the same; set only one of them')
    return set.map((name) => ({ path, text: env[name] ?? '', origin: name }))
  })
}

function variablesOf(path: KeyPath): readonly string[] {
  const { shortVariable } = keys[path]
  return [variableOf(path), ...(shortVariable === undefined ? [] : [shortVariable])]
}

function refuseUnknown(env: Environment, mistakes: Mistakes): void {
  const known = [...otherVariables, ...keyPaths.flatMap(variablesOf)]
  for (const name of Object.keys(env)) {
    if (!name.startsWith('P2P_') || name.startsWith('P2P_TEST_') || known.includes(name)) continue
    const meant = nearest(name, known) ?? known.find((other) => other.endsWith(name.slice('P2P'.length)))
    mistakes.add(
      name,
      `p2p knows no such variable; ${meant === undefined ? 'unset it' : `did you mean ${meant}?`}`,
    )
  }
}
