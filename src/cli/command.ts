import type { Log, Verification } from '../index.ts'
import type { ShellState } from './shell-state.ts'
import type { View } from './view.ts'

/** What a command works with. */
export interface CommandContext {
  readonly state: ShellState
  readonly view: View
  readonly log: Log
  /** Tells people what a command waits for. */
  readonly tell: (line: string) => void
  /** Gives the command up. */
  readonly signal: AbortSignal
}

/** What a command brought. */
export interface Outcome {
  /** For programs. */
  readonly result?: Readonly<Record<string, unknown>>
  /** For people; safe to show. */
  readonly lines?: readonly string[]
  /** The shell is to end. */
  readonly ends?: true
  /** Waits for a person's yes or no; who sits at a prompt is asked next. */
  readonly asks?: Verification
}

export interface Command {
  readonly name: string
  readonly aliases?: readonly string[]
  readonly usage: string
  readonly summary: string
  readonly details?: string
  readonly argument: 'none' | 'optional' | 'required'
  /** Whether the argument may have several words, and whether the space between them is kept. Names of peers may. */
  readonly words?: 'many' | 'verbatim'
  /** What Tab offers for the argument. */
  readonly completes?: 'peer' | 'session' | 'command' | 'policy'
  readonly run: (context: CommandContext, argument: string) => Promise<Outcome> | Outcome
}
