import type { NodeEvent, P2PError } from '../index.ts'
import { jsonLine } from '../face/display-text.ts'
import type { Outcome } from './command.ts'
import type { Output } from './output.ts'
import type { Printer } from './printer.ts'

/** Standard output of `--json`: one event is one line (docs/node-event.schema.json), and there is nothing else. */
export class JsonPrinter implements Printer {
  readonly #output: Output

  constructor(output: Output) {
    this.#output = output
  }

  event(event: NodeEvent): void {
    this.#output.offer(eventLine({ ...event }))
  }

  done(command: string, { result }: Outcome): void {
    this.#output.write(eventLine({ type: 'command:done', at: new Date(), command, ok: true, result }))
  }

  failed(command: string, { code, message }: P2PError): void {
    const error = { code, message }
    this.#output.write(eventLine({ type: 'command:done', at: new Date(), command, ok: false, error }))
  }
}

/** The event that takes the place of those that a slow reader lost. */
export function jsonGap(dropped: number): string {
  const error = {
    code: 'queue-full',
    message: `${dropped} events were left out: standard output is read too slowly. Read it faster.`,
  }
  return eventLine({ type: 'warning', at: new Date(), error })
}

/** One event in a line. */
export function jsonEvent(event: NodeEvent): string {
  return eventLine({ ...event })
}

function eventLine(event: Readonly<Record<string, unknown>>): string {
  return jsonLine({ v: 1, ...event })
}
