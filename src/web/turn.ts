/** Does one thing after the other. */
export class Turn {
  #last: Promise<unknown> = Promise.resolve()

  /** @throws what `work` throws, which keeps nothing else from its turn */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = this.#last.then(work)
    this.#last = mine.catch(() => {})
    return mine
  }
}
