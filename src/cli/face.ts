import type { Log } from '../index.ts'
import type { Arguments } from './arguments.ts'
import type { ShellState } from './shell-state.ts'

/** What a face is opened with. */
export interface FaceOptions {
  readonly args: Arguments
  readonly state: ShellState
  readonly log: Log
  /** How peers are found, for people. */
  readonly explorerNames: readonly string[]
  /** File in which a face may remember what was typed. */
  readonly historyFile: string
  /** Aborts when p2p is to end; the face may wish so too. */
  readonly stop: AbortController
}
