import type { NodeEvent } from '../index.ts'

/** How p2p looks from outside: a screen or a prompt for people, or lines for programs. */
export interface Face {
  show(event: NodeEvent): void
  /**
   * Lasts until whoever is in front of it is done, or `stop` aborts.
   *
   * @returns the exit status
   */
  run(): Promise<number>
  /** Resolves when everything that was shown has left. */
  flushed(): Promise<void>
}
