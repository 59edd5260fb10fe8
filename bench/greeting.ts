/** Two hosts of which one calls the other as soon as it hears it: the same for ours and for the baseline. */

export type GreetingRequest =
  /** Starts, and announces itself; answers with a {@link Greeter}. Who `calls`, calls everybody it hears. */
  | { readonly kind: 'start'; readonly address: string; readonly calls: boolean }
  /** Answers when a session is open with this peer, or with anybody, with when it was: ns on the clock of the machine. */
  | { readonly kind: 'opened'; readonly id?: string }

export interface Greeter {
  readonly id: string
  readonly announcedAt: string
}

/** When a session with whom was opened. */
export class Openings {
  readonly #at = new Map<string, bigint>()
  #onOpened = (): void => {}

  add(id: string): void {
    this.#at.set(id, process.hrtime.bigint())
    this.#onOpened()
  }

  async of(id: string | undefined): Promise<string> {
    for (;;) {
      const at = id === undefined ? this.#at.values().next().value : this.#at.get(id)
      if (at !== undefined) return String(at)
      await new Promise<void>((resolve) => (this.#onOpened = resolve))
    }
  }
}
