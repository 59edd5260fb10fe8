import { groupLeaves } from '../../protocol/file-id.ts'
import type { TransferStore } from '../../store/transfer-store.ts'

/** The map is written when so many bytes have come since, or after this time: a kill costs no more. */
const writtenBytes = 4 * 1024 * 1024
const writtenMs = 250
/** Bytes of the map of one group. */
const groupBytes = groupLeaves / 8

/** Keeps the map of a part in the store up to date, not at every chunk. */
export class PartMap {
  readonly #store: Pick<TransferStore, 'putChunks'>
  readonly #part: { readonly transferId: string; readonly number: number }
  readonly #chunks: Uint8Array
  readonly #groups = new Set<number>()
  #bytes = 0
  #timer: NodeJS.Timeout | undefined

  /** @param chunks is looked at when the map is written */
  constructor(
    store: Pick<TransferStore, 'putChunks'>,
    part: { readonly transferId: string; readonly number: number },
    chunks: Uint8Array,
  ) {
    this.#store = store
    this.#part = part
    this.#chunks = chunks
  }

  /** A chunk has come, and is written; or turned out not to be there. */
  changed(chunk: number, bytes: number): void {
    this.#groups.add(Math.floor(chunk / groupLeaves))
    this.#bytes += bytes
    if (this.#bytes >= writtenBytes) this.#write()
    else this.#timer ??= setTimeout(() => this.#write(), writtenMs).unref()
  }

  /** Writes what is not written yet. */
  close(): void {
    this.#write()
  }

  #write(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#bytes = 0
    const { transferId, number } = this.#part
    for (const group of this.#groups) {
      const bits = this.#chunks.slice(group * groupBytes, (group + 1) * groupBytes)
      this.#store.putChunks(transferId, number, { group, bits })
    }
    this.#groups.clear()
  }
}
