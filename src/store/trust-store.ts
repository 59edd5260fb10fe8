import { P2PError } from '../base/errors.ts'
import { limits as defaults, type Limits } from '../base/limits.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { TrustState } from '../rules/trust.ts'
import { flawOf } from './pin-row.ts'
import type { PinChange } from './pin-table.ts'
import { openTrustFile, type TrustFile } from './trust-file.ts'

/** What is kept of one peer. */
export interface Pin {
  readonly id: PeerId
  /** 32 bytes; absent for a reference peer, or one that was blocked before it ever proved its key. */
  readonly key: Uint8Array | undefined
  readonly trust: Exclude<TrustState, 'unknown'>
  /** Empty when the user gave none. No two pins have the same one. */
  readonly alias: string
  /** How it was verified; absent unless `trust` is `verified`. */
  readonly method: 'code' | 'qr' | 'safety-number' | undefined
  /** Since when `trust` is what it is. Wall clock. */
  readonly since: Date
  /** When it was last met. Wall clock; for choosing who gives way. */
  readonly metAt: Date
  /** The highest version of the protocol it has spoken: less is refused, it only rises. */
  readonly protocol: number
  /** Counter of the last succession statement that led to or away from this key; 0 when none. */
  readonly counter: number
  /** The ID that this key named as its successor. */
  readonly successor: PeerId | undefined
}

export interface TrustStoreOptions {
  /** The file; undefined for a store that lasts as long as the process. */
  readonly path: string | undefined
  readonly limits?: Pick<Limits, 'pins' | 'contacts'>
}

/**
 * What is known of the keys of peers, all of it in memory and every decision written through before it counts. When
 * nothing can be written, nothing changes: every `put` and `delete` throws, so that nobody believes that a decision was
 * kept which is gone after the next start. Only what is noted, which nobody has decided, is written later.
 */
export interface TrustStore extends Disposable {
  /** What was wrong with the file when it was opened: what, where it is now, what to do; undefined when nothing was. */
  readonly damage: P2PError | undefined
  all(): readonly Pin[]
  get(id: PeerId): Pin | undefined
  /**
   * Stores all of `pins`, or none when it throws. Beyond `limits.pins` the pin without any decision that was not met
   * for longest is forgotten.
   *
   * @throws P2PError `trust-unwritable`, `alias-taken`, `too-many` (beyond `limits.contacts`), and `internal` for a pin
   *   that cannot be, such as one whose key is not that of its ID
   */
  put(...pins: readonly Pin[]): void
  /**
   * Keeps a pin in memory that was only met. It goes to the disk with the next `put` or `flush`, or when the store is closed: one
   * write for all strangers who came since the last.
   *
   * @throws P2PError `internal` like `put`
   */
  note(pin: Pin): void
  /** Writes what was noted, or, when it throws, forgets it. @throws P2PError `trust-unwritable` */
  flush(): void
  /** @throws P2PError `trust-unwritable` */
  delete(id: PeerId): void
}

/** Opens a store and reads all of it; never throws for what is wrong with the file: see {@link TrustStore.damage}. */
export async function openTrustStore({ path, limits = defaults }: TrustStoreOptions): Promise<TrustStore> {
  return new PinStore(path === undefined ? noFile : await openTrustFile(path), limits)
}

/** What a store in memory has instead of a file. */
const noFile: TrustFile = { pins: [], damage: undefined, write: () => undefined, close: () => undefined }

class PinStore implements TrustStore {
  readonly damage: P2PError | undefined
  readonly #pins: Map<PeerId, Pin>
  /** What counts instead of `#pins`, and is not in the file yet. */
  readonly #noted = new Map<PeerId, Pin>()
  readonly #file: TrustFile
  readonly #limits: Pick<Limits, 'pins' | 'contacts'>

  constructor(file: TrustFile, limits: Pick<Limits, 'pins' | 'contacts'>) {
    this.damage = file.damage
    this.#pins = new Map(file.pins.map((pin) => [pin.id, pin]))
    this.#file = file
    this.#limits = limits
  }

  all(): readonly Pin[] {
    return [...this.#all().values()]
  }

  get(id: PeerId): Pin | undefined {
    return this.#noted.get(id) ?? this.#pins.get(id)
  }

  put(...pins: readonly Pin[]): void {
    for (const pin of pins) assertSound(pin)
    const changed = new Map([...this.#noted, ...pins.map((pin) => [pin.id, pin] as const)])
    const next = new Map([...this.#pins, ...changed])
    assertAliasesDiffer(next.values())
    this.#apply({ put: [...changed.values()], remove: this.#surplus(next, changed) })
  }

  note(pin: Pin): void {
    assertSound(pin)
    this.#noted.set(pin.id, pin)
  }

  flush(): void {
    try {
      this.put()
    } finally {
      this.#noted.clear()
    }
  }

  delete(id: PeerId): void {
    this.#apply({ put: [], remove: this.get(id) === undefined ? [] : [id] })
  }

  [Symbol.dispose](): void {
    try {
      this.flush()
    } catch {
      // They are strangers, who are met again.
    }
    this.#file.close()
  }

  #all(): ReadonlyMap<PeerId, Pin> {
    return this.#noted.size === 0 ? this.#pins : new Map([...this.#pins, ...this.#noted])
  }

  #apply(change: PinChange): void {
    if (change.put.length === 0 && change.remove.length === 0) return
    this.#file.write(change)
    for (const id of change.remove) this.#pins.delete(id)
    for (const pin of change.put) this.#pins.set(pin.id, pin)
    for (const id of [...change.remove, ...change.put.map((pin) => pin.id)]) this.#noted.delete(id)
  }

  /** Whoever has to give way so that `next` keeps to the limits; never one that was only just put. */
  #surplus(next: ReadonlyMap<PeerId, Pin>, fresh: ReadonlyMap<PeerId, Pin>): readonly PeerId[] {
    const undecided = [...next.values()].filter((pin) => !isContact(pin))
    const contacts = next.size - undecided.length
    // Never in the way of what frees no room but takes none either: blocking somebody who has an alias.
    if (contacts > this.#limits.contacts && contacts > this.all().filter(isContact).length) {
      throw new P2PError(
        'too-many',
        `No more than ${this.#limits.contacts} peers can be named, verified or blocked. Forget one first.`,
      )
    }
    const surplus = undecided.length - this.#limits.pins
    if (surplus <= 0) return []
    const leaving = undecided.filter((pin) => !fresh.has(pin.id))
    leaving.sort((a, b) => a.metAt.getTime() - b.metAt.getTime())
    return leaving.slice(0, surplus).map((pin) => pin.id)
  }
}

/** Whether a person decided anything about this peer; a chain of successors has one such pin, however long it is. */
function isContact({ alias, trust }: Pin): boolean {
  return alias !== '' || trust === 'verified' || trust === 'succeeded' || trust === 'blocked'
}

function assertSound(pin: Pin): void {
  const flaw = flawOf(pin)
  if (flaw !== undefined) throw new P2PError('internal', `The pin of ${pin.id} cannot be stored: ${flaw}.`)
}

function assertAliasesDiffer(pins: Iterable<Pin>): void {
  const owners = new Map<string, PeerId>()
  for (const { alias, id } of pins) {
    if (alias === '') continue
    const owner = owners.get(alias)
    if (owner !== undefined) {
      throw new P2PError(
        'alias-taken',
        `The alias of ${id} is that of ${owner} too. Take it from one of them first.`,
      )
    }
    owners.set(alias, id)
  }
}
