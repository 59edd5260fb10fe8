/** Calls something soon, and not again before a time has passed; any number of wishes meanwhile make one more call. */
export class Throttle implements Disposable {
  readonly #periodMs: number
  readonly #call: () => void
  #timer: NodeJS.Timeout | undefined
  #wanted = false
  #closed = false

  constructor(periodMs: number, call: () => void) {
    this.#periodMs = periodMs
    this.#call = call
  }

  wish(): void {
    if (this.#closed) return
    if (this.#timer === undefined) this.#fire()
    else this.#wanted = true
  }

  [Symbol.dispose](): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #fire(): void {
    this.#wanted = false
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#wanted) this.#fire()
    }, this.#periodMs).unref()
    this.#call()
  }
}
