import type { NodeEvent, P2PError } from '../index.ts'
import type { Outcome } from './command.ts'

/** Shows what happens: as JSON lines, as plain lines, or around the line that is being typed. */
export interface Printer {
  event(event: NodeEvent): void
  /** A line was carried out. */
  done(line: string, outcome: Outcome): void
  /** A line could not be carried out. */
  failed(line: string, error: P2PError): void
}
