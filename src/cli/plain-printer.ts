import type { NodeEvent, P2PError } from '../index.ts'
import { displayLines, displayText } from '../face/display-text.ts'
import type { View } from '../face/view.ts'
import type { Outcome } from './command.ts'
import type { Narrator } from './narrator.ts'
import type { Output } from './output.ts'
import type { Printer } from './printer.ts'

interface PlainPrinterOptions {
  readonly output: Output
  readonly errors: Output
  readonly view: View
  readonly narrator: Narrator
}

/** Lines for people where no one types at a terminal: results and events to standard output, mistakes to standard error. */
export class PlainPrinter implements Printer {
  readonly #output: Output
  readonly #errors: Output
  readonly #view: View
  readonly #narrator: Narrator

  constructor({ output, errors, view, narrator }: PlainPrinterOptions) {
    this.#output = output
    this.#errors = errors
    this.#view = view
    this.#narrator = narrator
  }

  event(event: NodeEvent): void {
    if (event.type === 'node:started') this.#output.write(`${this.#view.node(event.node)}\n`)
    for (const line of this.#narrator.lines(event)) this.#output.offer(`${line}\n`)
  }

  done(_line: string, { lines = [] }: Outcome): void {
    for (const line of lines) this.#output.write(`${line}\n`)
  }

  failed(line: string, { message }: P2PError): void {
    this.#errors.write(`p2p: ${displayText(line)}: ${displayLines(message).join('\n')}\n`)
  }
}

/** What stands in the place of lines that a slow reader lost. */
export function plainGap(dropped: number): string {
  return `… ${dropped} lines were left out: they are read too slowly\n`
}
