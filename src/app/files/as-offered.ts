import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import type { OfferEntry, SharedEntry } from '../../protocol/file-messages.ts'
import { bytesIn } from './offer-view.ts'

/**
 * What our user, or the rule, has said yes to: what the peer lists may be nothing else, and not more (F10, F12). An offer that is not known
 * any more allows nothing.
 */
export class AsOffered {
  readonly #entries: ReadonlyMap<string, OfferEntry>
  readonly #bytes: number
  readonly #files: number
  #folders = 0

  constructor(entries: readonly OfferEntry[]) {
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]))
    this.#bytes = bytesIn(entries)
    this.#files = entries.reduce((sum, { files }) => sum + files, 0)
  }

  /** @throws P2PError `file-changed` for what was not offered, and when there are too many folders; each is counted */
  require(listed: readonly SharedEntry[]): void {
    const other = listed.find((entry) => !this.#has(entry))
    if (other !== undefined)
      throw new P2PError(
        'file-changed',
        `${JSON.stringify(other.path)} is not what was offered. Ask for another offer.`,
      )
    this.#folders += listed.filter(({ kind }) => kind === 'folder').length
    if (this.#folders > this.#files + limits.offerFolders) throw moreThanOffered()
  }

  /** @throws P2PError `file-changed` */
  requireTotals({
    totalBytes,
    totalFiles,
  }: {
    readonly totalBytes: number
    readonly totalFiles: number
  }): void {
    if (totalBytes > this.#bytes || totalFiles > this.#files) throw moreThanOffered()
  }

  #has({ path, kind, sizeBytes, id }: SharedEntry): boolean {
    const slash = path.indexOf('/')
    const offered = this.#entries.get(slash < 0 ? path : path.slice(0, slash))
    if (offered === undefined || slash >= 0) return offered?.kind === 'folder'
    if (offered.kind === 'folder' || kind === 'folder') return offered.kind === kind
    const isSame = id === undefined || offered.id === undefined || id === offered.id
    return isSame && sizeBytes === offered.sizeBytes
  }
}

function moreThanOffered(): P2PError {
  return new P2PError('file-changed', 'There is more in it by now than was offered. Ask for another offer.')
}
