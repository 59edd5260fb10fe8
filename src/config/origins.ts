import { nearest } from '../index.ts'
import type { Draft } from './draft.ts'
import { flagText, keyPaths, keys, variableOf, type Flags, type KeyPath } from './keys.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Variables that are not about a key. */
const otherVariables = ['P2P_CONFIG', 'P2P_DATA_DIR']

/** Takes what variables say. An empty one counts as none: that is how scripts and container files say nothing. */
export function readEnvironment(env: Environment, draft: Draft): void {
  for (const path of keyPaths) {
    const set = variablesOf(path).filter((name) => (env[name] ?? '') !== '')
    if (set.length > 1) draft.wrong(set.join(' and '), 'both mean the same; set only one of them')
    for (const name of set) draft.give(path, env[name] ?? '', name)
  }
  refuseUnknown(env, draft)
}

export function readFlags(flags: Flags, draft: Draft): void {
  for (const path of keyPaths) {
    const { flag } = keys[path]
    const text = flag && flags[flag]
    if (flag !== undefined && text !== undefined) draft.give(path, text, flagText(flag))
  }
}

function variablesOf(path: KeyPath): readonly string[] {
  const { shortVariable } = keys[path]
  return shortVariable === undefined ? [variableOf(path)] : [variableOf(path), shortVariable]
}

/** `P2P_TEST_` is for our own tests, which start the command with whatever they set for themselves. */
function refuseUnknown(env: Environment, draft: Draft): void {
  const known = [...otherVariables, ...keyPaths.flatMap(variablesOf)]
  for (const name of Object.keys(env)) {
    if (!name.startsWith('P2P_') || name.startsWith('P2P_TEST_') || known.includes(name)) continue
    const meant = nearest(name, known) ?? known.find((other) => other.endsWith(name.slice('P2P'.length)))
    const advice = meant === undefined ? 'unset it' : `did you mean ${meant}?`
    draft.wrong(name, `p2p knows no such variable; ${advice}`)
  }
}
