import { performance } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'

/** How long work on the index goes on before everybody else gets a turn. */
const stepMs = 4

/** Counts the time of one step of long work. */
export class Step {
  readonly #until = performance.now() + stepMs

  get isOver(): boolean {
    return performance.now() >= this.#until
  }
}

/** Does something again and again, with a turn for everybody else in between, until it says that nothing is left. */
export async function inSteps(work: (step: Step) => boolean): Promise<void> {
  while (work(new Step())) await setImmediate()
}
