import type { Log, Verification } from '../index.ts'
import type { View } from '../face/view.ts'
import type { Ongoing } from './ongoing.ts'
import type { ShellState } from './shell-state.ts'

/** What a command works with. */
export interface CommandContext {
  readonly state: ShellState
  readonly view: View
  readonly log: Log
  /** Tells people what a command waits for. */
  readonly tell: (line: string) => void
  /** Gives the command up. */
  readonly signal: AbortSignal
  /** Absent where lines go in and out, and nothing else can. */
  readonly pipes?: Pipes
}

/** Standard input and output of a command that runs alone. */
interface Pipes {
  readonly input: AsyncIterable<Uint8Array>
  /** Resolves when more may be written. @throws P2PError `output-closed` */
  readonly write: (bytes: Uint8Array) => Promise<void>
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
  /** Goes on after the command. */
  readonly ongoing?: readonly Ongoing[]
  /** Is of use only while p2p runs: who runs only this command ends it. */
  readonly lasts?: true
  /** What another person has to answer first; resolves with whether all is well. */
  readonly verdict?: Promise<boolean>
}

export type Completes =
  | 'peer'
  | 'session'
  | 'command'
  | 'policy'
  | 'local-path'
  | 'peer-path'
  | 'share'
  | 'offer'
  | 'transfer'
  | 'limit'

export interface Command {
  readonly name: string
  readonly aliases?: readonly string[]
  readonly usage: string
  readonly summary: string
  readonly details?: string
  readonly argument: 'none' | 'optional' | 'required'
  /**
   * Whether the argument may have several words, and whether the space between them is kept; in words that may be quoted, it is
   * for the command to split them. Names of peers may have several.
   */
  readonly words?: 'many' | 'verbatim' | 'quoted'
  /** What Tab offers for the argument; of quoted words for the first, the second and so on, and for all after the last. */
  readonly completes?: Completes | readonly Completes[]
  readonly run: (context: CommandContext, argument: string) => Promise<Outcome> | Outcome
}
