/** The message store in its most naive form: lists in memory, and a copy of them for the disk. */
import type { MessageId } from '../../src/protocol/message-id.ts'
import type { DeliveryMarks, Standing } from '../../src/rules/delivery.ts'

export interface Row {
  readonly id: MessageId
  readonly incoming: boolean
  readonly place: number
  readonly text: string
  readonly withdrawn: boolean
}

interface State {
  readonly rows: readonly Row[]
  readonly standing: Standing & { readonly lastPlace: number; readonly read: number; readonly sent: number }
}

/** One conversation. Writes are seen at once, and survive a crash from the next `commit` on. */
export class NaiveStore {
  /** What the disk has had, oldest first; the last is what it has. */
  readonly #disk: State[]
  #memory: State
  readonly #dedupes: boolean

  /** @param dedupes false takes away the rule that an ID comes once, for twins */
  constructor(stream: bigint, dedupes = true) {
    const standing = {
      stream,
      lastPlace: 0,
      delivered: 0,
      peerStream: 0n,
      received: 0,
      seen: 0,
      read: 0,
      sent: 0,
    }
    this.#memory = { rows: [], standing }
    this.#disk = [this.#memory]
    this.#dedupes = dedupes
  }

  get standing(): State['standing'] {
    return this.#memory.standing
  }

  get rows(): readonly Row[] {
    return this.#memory.rows
  }

  /** Ours that may still arrive. */
  get own(): readonly Row[] {
    return this.rows.filter(({ incoming, withdrawn }) => !incoming && !withdrawn)
  }

  get received(): readonly Row[] {
    return this.rows.filter(({ incoming }) => incoming)
  }

  get isCommitted(): boolean {
    return this.#disk.at(-1) === this.#memory
  }

  /** Commits so far. */
  get commits(): number {
    return this.#disk.length
  }

  idAt(incoming: boolean, place: number): MessageId | undefined {
    return this.rows.findLast((row) => row.incoming === incoming && row.place === place)?.id
  }

  add(row: Omit<Row, 'withdrawn'>): void {
    const { incoming, place } = row
    const isHere = this.rows.some((other) => other.id === row.id && other.incoming === incoming)
    if (!isHere || !this.#dedupes) this.#write([...this.rows, { ...row, withdrawn: false }])
    const { standing } = this
    this.mark(
      incoming
        ? { received: Math.max(standing.received, place) }
        : { lastPlace: Math.max(standing.lastPlace, place) },
    )
  }

  mark(marks: DeliveryMarks & { readonly lastPlace?: number; readonly sent?: number }): void {
    if (Object.keys(marks).length > 0)
      this.#memory = { rows: this.rows, standing: { ...this.standing, ...marks } }
  }

  withdraw(id: MessageId): void {
    this.#write(this.rows.map((row) => (row.id === id ? Object.assign({}, row, { withdrawn: true }) : row)))
  }

  /** Everything that both have said is deleted; the conversation begins anew. */
  clear(stream: bigint): void {
    this.#memory = new NaiveStore(stream).#memory
  }

  commit(): void {
    if (!this.isCommitted) this.#disk.push(this.#memory)
  }

  crash(): void {
    this.#memory = this.#disk.at(-1) ?? this.#memory
  }

  /** The disk goes back to what it had `commits` commits ago. */
  rollBack(commits: number): void {
    this.#memory = this.#disk.at(Math.max(-1 - commits, -this.#disk.length)) ?? this.#memory
    this.#disk.push(this.#memory)
  }

  #write(rows: readonly Row[]): void {
    this.#memory = { rows, standing: this.standing }
  }
}
