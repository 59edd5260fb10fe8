/** Runs some jobs at the same time; the first that fails ends them. */
export class Lanes implements AsyncDisposable {
  readonly #most: number
  readonly #running = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  constructor(most: number) {
    this.#most = most
  }

  /** Begins a job as soon as there is room. @throws what an earlier job has failed with */
  async run(job: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#most) await Promise.race(this.#running)
    this.#requireSuccess()
    const running = job().catch((error: unknown) => {
      this.#failure ??= { error }
    })
    this.#running.add(running)
    void running.then(() => this.#running.delete(running))
  }

  /** Resolves when all have ended. @throws what one of them has failed with */
  async end(): Promise<void> {
    await Promise.all(this.#running)
    this.#requireSuccess()
  }

  /** Waits for those that run, whatever they do. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running)
  }

  #requireSuccess(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
