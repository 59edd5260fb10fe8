import type { NodeEvent, OfferInfo, P2PNode, Transfer } from '../index.ts'

/** What a command began and does not wait for: who runs only this command waits for its end. */
export type Ongoing =
  { readonly kind: 'transfer'; readonly id: string } | { readonly kind: 'offer'; readonly id: string }

/** How long to wait. */
interface Patience {
  /** Without anything going on. */
  readonly stallMs: number
  readonly signal: AbortSignal
}

/**
 * Waits until a transfer or an offer has ended, or until nothing has gone on for so long.
 *
 * @returns whether it has ended
 * @throws the abort reason of `signal`
 */
export async function untilEnded(
  node: P2PNode,
  what: Ongoing,
  { stallMs, signal }: Patience,
): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  let timer: NodeJS.Timeout | undefined
  const look = (event?: NodeEvent): void => {
    if (event !== undefined && !concerns(event, what)) return
    clearTimeout(timer)
    const standing = standingOf(node, what)
    if (standing === 'ended') resolve(true)
    else if (standing === 'stalled' && Number.isFinite(stallMs)) timer = setTimeout(resolve, stallMs, false)
  }
  const abort = (): void => reject(signal.reason)
  const stops = watched.map((type) => node.on(type, look))
  signal.addEventListener('abort', abort, { once: true })
  try {
    signal.throwIfAborted()
    look()
    return await promise
  } finally {
    clearTimeout(timer)
    for (const stop of stops) stop()
    signal.removeEventListener('abort', abort)
  }
}

const watched = [
  'transfer:started',
  'transfer:progress',
  'transfer:done',
  'transfer:failed',
  'transfer:changed',
  'offer:changed',
] as const satisfies readonly NodeEvent['type'][]

function concerns(event: NodeEvent, { kind, id }: Ongoing): boolean {
  if ('offer' in event) return kind === 'offer' && event.offer.id === id
  if (!('transfer' in event)) return false
  return (kind === 'offer' ? event.transfer.offerId : event.transfer.id) === id
}

/** An offer stands still as long as its receiver says nothing and takes nothing; what is queued has others before it. */
function standingOf({ files }: P2PNode, { kind, id }: Ongoing): 'ended' | 'stalled' | 'moving' {
  if (kind === 'offer') {
    const offer = files.offers().find((one) => one.id === id)
    return offer === undefined || hasOfferEnded(offer) ? 'ended' : 'stalled'
  }
  const transfer = files.transfers().find((one) => one.id === id)
  if (transfer === undefined || hasTransferEnded(transfer)) return 'ended'
  return transfer.state === 'waiting' || transfer.state === 'paused' ? 'stalled' : 'moving'
}

export function hasTransferEnded({ state }: Pick<Transfer, 'state'>): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled'
}

function hasOfferEnded({ state }: Pick<OfferInfo, 'state'>): boolean {
  return state !== 'open' && state !== 'accepted'
}

/** The transfers and offers that commands of this run began, until they have ended. */
export class OngoingSet {
  readonly #begun = new Map<string, Ongoing>()
  /** Commands that are about to begin one, whose events may come before its name is known. */
  #beginning = 0

  /** @throws what `beginning` rejects with */
  async begin<Begun>(
    beginning: Promise<Begun>,
    ongoingOf: (begun: Begun) => Ongoing,
  ): Promise<{ readonly begun: Begun; readonly ongoing: Ongoing }> {
    this.#beginning++
    try {
      const begun = await beginning
      const ongoing = ongoingOf(begun)
      this.#begun.set(ongoing.id, ongoing)
      return { begun, ongoing }
    } finally {
      this.#beginning--
    }
  }

  /** Whether a transfer or an offer was, or may have been, begun by a command of this run, which tells so. */
  mayHave(id: string): boolean {
    return this.#beginning > 0 || this.#begun.has(id)
  }

  /** Resolves when each of them has ended or stands still for so long. @throws the abort reason of `signal` */
  async settled(node: P2PNode, patience: Patience): Promise<void> {
    await Promise.all([...this.#begun.values()].map((one) => untilEnded(node, one, patience)))
  }

  /** Follows what happens; to be called with each event after it was shown. */
  note(event: NodeEvent): void {
    if ('transfer' in event && hasTransferEnded(event.transfer)) this.#begun.delete(event.transfer.id)
    if ('offer' in event && hasOfferEnded(event.offer)) this.#begun.delete(event.offer.id)
  }
}
