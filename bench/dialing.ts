/** Opening connections one after the other: the same for ours and for the baseline. */

/** Where the other end is. */
export interface Dialled {
  readonly port: number
  /** Peer ID; empty where there is none. */
  readonly id: string
}

export type DialRequest =
  /** Waits for the other end; answers with a {@link Dialled}. */
  | { readonly kind: 'listen' }
  /**
   * Opens so many, a few at a time. Answers when all are open, with when the first began and the last was done: ns
   * on the clock that all processes share.
   */
  | { readonly kind: 'open'; readonly to: Dialled; readonly count: number }
  /** Answers when so many have been accepted since the last such request, with when the last was. */
  | { readonly kind: 'accepted'; readonly count: number }
  /** Ends all of them. */
  | { readonly kind: 'close' }

export interface Opened {
  readonly startedAt: string
  readonly doneAt: string
}

/** Connections that one end may open at the same time: fewer than a peer takes from one address. */
const atOnce = 4

export interface Dialler {
  listen(): Promise<Dialled>
  /** Opens one. @returns what closes it and waits until it has */
  open(to: Dialled): Promise<() => Promise<unknown>>
}

/** Counts what one end has accepted. */
class Arrivals {
  #count = 0
  #lastAt = 0n
  #awaited: { readonly count: number; resolve(lastAt: string): void } | undefined

  add(): void {
    this.#count++
    this.#lastAt = process.hrtime.bigint()
    this.#settle()
  }

  /** Resolves with when the last of so many came. */
  until(count: number): Promise<string> {
    return new Promise((resolve) => {
      this.#awaited = { count, resolve }
      this.#settle()
    })
  }

  #settle(): void {
    if (this.#awaited === undefined || this.#count < this.#awaited.count) return
    this.#awaited.resolve(String(this.#lastAt))
    this.#awaited = undefined
    this.#count = 0
  }
}

/** @param make gets what is to be called for each connection that was accepted */
export function diallingHandler(
  make: (onAccepted: () => void) => Dialler,
): (request: DialRequest) => unknown {
  const arrivals = new Arrivals()
  const dialler = make(() => arrivals.add())
  const open: (() => Promise<unknown>)[] = []

  const openAll = async (to: Dialled, count: number): Promise<Opened> => {
    let left = count
    const startedAt = process.hrtime.bigint()
    const one = async (): Promise<void> => {
      while (left-- > 0) open.push(await dialler.open(to))
    }
    await Promise.all(Array.from({ length: atOnce }, one))
    return { startedAt: String(startedAt), doneAt: String(process.hrtime.bigint()) }
  }
  return (request) => {
    switch (request.kind) {
      case 'listen':
        return dialler.listen()
      case 'open':
        return openAll(request.to, request.count)
      case 'accepted':
        return arrivals.until(request.count)
      case 'close':
        return Promise.all(open.splice(0).map((close) => close())).then(() => null)
    }
  }
}
