import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { decodeFileList, type FileList } from '../../protocol/file-messages.ts'
import type { FindRequest, ListRequest } from '../../protocol/file-request.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { CallOptions } from '../p2p-node.ts'
import type { FileLines } from './receiving.ts'
import type { FilePage, SharedFile } from './types.ts'

/** What peers let us see of their files. */
export class Browser {
  readonly #lines: Pick<FileLines, 'ask'>

  constructor(lines: Pick<FileLines, 'ask'>) {
    this.#lines = lines
  }

  /** One page of a folder. @throws like `Files.list` */
  async list(
    peerId: PeerId,
    path: string,
    {
      after = '',
      deep = false,
      signal,
    }: CallOptions & { readonly after?: string; readonly deep?: boolean } = {},
  ): Promise<FilePage> {
    const trimmed = path.replace(/^\/+|\/+$/g, '')
    const request: ListRequest = { kind: 'list', offer: undefined, path: trimmed, after, deep }
    return shown(peerId, await this.#ask(peerId, request, signal))
  }

  /** What fits, of all these peers, as their answers come. Who does not answer in time is left out. */
  async *find(
    pattern: string,
    peers: readonly PeerId[],
    { signal }: CallOptions = {},
  ): AsyncGenerator<SharedFile, void> {
    const waiting = peers.slice(limits.findsAtOnce)
    const asked = new Map(
      peers.slice(0, limits.findsAtOnce).map((id) => [id, this.#findPage(id, { pattern, signal })]),
    )
    while (asked.size > 0) {
      const { peerId, page } = await Promise.race(asked.values())
      signal?.throwIfAborted()
      asked.delete(peerId)
      const next = page.next === '' ? waiting.shift() : peerId
      const after = page.next
      if (next !== undefined) asked.set(next, this.#findPage(next, { pattern, after, signal }))
      yield* page.entries
    }
  }

  async #findPage(
    peerId: PeerId,
    {
      pattern,
      after = '',
      signal,
    }: { readonly pattern: string; readonly after?: string; readonly signal: AbortSignal | undefined },
  ): Promise<{ readonly peerId: PeerId; readonly page: FilePage }> {
    const inTime = AbortSignal.timeout(limits.findMs)
    const request: FindRequest = { kind: 'find', pattern, after }
    try {
      const list = await this.#ask(
        peerId,
        request,
        signal === undefined ? inTime : AbortSignal.any([signal, inTime]),
      )
      // One that sends the same page for ever is not asked for ever.
      return { peerId, page: shown(peerId, isAfter(list.next, after) ? list : { ...list, next: '' }) }
    } catch {
      return { peerId, page: { entries: [], next: '' } }
    }
  }

  async #ask(
    peerId: PeerId,
    request: ListRequest | FindRequest,
    signal: AbortSignal | undefined,
  ): Promise<FileList> {
    const list = decodeFileList(await this.#lines.ask(peerId, request, signal && { signal }))
    if (list !== undefined) return list
    throw new P2PError(
      'protocol-violation',
      `${peerId} sent a list of files that is none. Its p2p may be broken.`,
    )
  }
}

function shown(peerId: PeerId, { entries, next }: FileList): FilePage {
  return { entries: entries.map((entry) => ({ ...entry, peerId })), next }
}

/** In the order of their bytes. */
function isAfter(next: string, before: string): boolean {
  return Buffer.compare(Buffer.from(next), Buffer.from(before)) > 0
}
