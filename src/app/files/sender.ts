import { basename, join, resolve } from 'node:path'
import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { whole } from '../../base/whole.ts'
import type { FileWorker } from '../../files/file-worker.ts'
import { resolveShare, walkShare } from '../../files/walk.ts'
import type { OfferEntry } from '../../protocol/file-messages.ts'
import type { OfferId } from '../../protocol/offer-id.ts'
import { isProvable, type PeerId } from '../../protocol/peer-id.ts'
import type { ShareStore, StoredShare, Viewer } from '../../store/share-store.ts'
import type { Outgoing } from './outgoing.ts'
import { requireName, type Sharing } from './sharing.ts'
import type { Spool } from './spool.ts'
import type { CallOptions } from '../p2p-node.ts'
import { sentPaths } from './sent-paths.ts'
import type { OfferInfo, SendOptions, SentContent } from './types.ts'

/** What sending needs of its node. */
export interface SenderContext {
  readonly shares: ShareStore
  readonly worker: FileWorker
  readonly sharing: Sharing
  readonly outgoing: Outgoing
  readonly spool: Spool
  /** Whether a peer may be offered something. @throws P2PError `peer-blocked`, `policy-refused`, `node-stopped` */
  require(id: PeerId): void
}

/** One file or folder that is to be offered. */
interface Item {
  readonly name: string
  readonly path: string
  readonly kind: OfferEntry['kind']
}

/**
 * Makes offers: what is offered is looked through once, and can be had as it was then or not at all. Files are hashed before the offer
 * leaves, those in folders behind it.
 */
export class Sender {
  readonly #context: SenderContext

  constructor(context: SenderContext) {
    this.#context = context
  }

  /** @throws like `Files.send` */
  async send(peerId: PeerId, paths: readonly string[], options: SendOptions = {}): Promise<OfferInfo> {
    this.#require(peerId)
    const { as = [], signal } = options
    if (paths.length === 0 || paths.length > limits.offerEntries)
      throw new P2PError(
        'too-many',
        `An offer has 1 to ${limits.offerEntries} files and folders; put more into a folder.`,
      )
    const names = paths.map((path, index) => as[index] ?? basename(resolve(path)))
    for (const name of names) requireName(name)
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (twice !== undefined)
      throw new P2PError(
        'share-invalid',
        `Two of what is offered are called "${twice}". Give them other names.`,
      )
    const { sharing, outgoing } = this.#context
    const items = await Promise.all(
      paths.map(async (path, index) => ({ name: names[index] ?? '', ...(await sharing.resolve(path)) })),
    )
    return await this.#offer(outgoing.newId(), { peerId, items, signal })
  }

  /** @throws like `Files.sendStream` */
  async sendStream(
    peerId: PeerId,
    { name, content }: { readonly name: string; readonly content: AsyncIterable<Uint8Array> },
    { signal }: CallOptions = {},
  ): Promise<OfferInfo> {
    this.#require(peerId)
    requireName(name)
    const { outgoing, spool } = this.#context
    const id = outgoing.newId()
    try {
      const { path, kind } = await resolveShare(await spool.fill(id, content, signal))
      return await this.#offer(id, { peerId, items: [{ name, path, kind }], signal })
    } catch (error) {
      await spool.remove(id)
      throw error
    }
  }

  /** @throws like `Files.sendContents` */
  async sendContents(
    peerId: PeerId,
    contents: readonly SentContent[],
    { signal }: CallOptions = {},
  ): Promise<OfferInfo> {
    this.#require(peerId)
    const paths = sentPaths(contents.map(({ path }) => path))
    const { outgoing, spool } = this.#context
    const id = outgoing.newId()
    try {
      let folder = ''
      for (const [index, sent] of contents.entries())
        folder = await spool.add(id, paths[index] ?? [], whole(sent, signal))
      const items: Item[] = []
      for (const name of new Set(paths.map(([top = '']) => top))) {
        const { path, kind } = await resolveShare(join(folder, name))
        items.push({ name, path, kind })
      }
      return await this.#offer(id, { peerId, items, signal })
    } catch (error) {
      await spool.remove(id)
      throw error
    }
  }

  #require(peerId: PeerId): void {
    if (!isProvable(peerId))
      throw new P2PError(
        'peer-unprovable',
        `${peerId} is a reference peer, which cannot prove who it is. Files go to peers that can, never in plain.`,
      )
    this.#context.require(peerId)
  }

  async #offer(
    id: OfferId,
    {
      peerId,
      items,
      signal,
    }: { readonly peerId: PeerId; readonly items: readonly Item[]; readonly signal: AbortSignal | undefined },
  ): Promise<OfferInfo> {
    const { shares, outgoing } = this.#context
    const added: StoredShare[] = []
    try {
      for (const item of items)
        added.push(await shares.addShare({ ...item, offer: id, visibleTo: 'named', peers: [peerId] }))
      for (const share of added) await this.#lookThrough(share, signal)
      this.#context.sharing.hashing.wake()
      const entries: OfferEntry[] = []
      for (const share of added) entries.push(await this.#entry(share, { peerId, verified: false }, signal))
      signal?.throwIfAborted()
      return await outgoing.offer(id, peerId, entries)
    } catch (error) {
      await Promise.all(added.map(({ row }) => shares.removeShare(row)))
      throw error
    }
  }

  async #lookThrough({ row, path }: StoredShare, signal: AbortSignal | undefined): Promise<void> {
    const { shares, worker } = this.#context
    const walk = shares.beginWalk(row)
    for await (const entries of walkShare(worker, path, signal && { signal }))
      await shares.note(row, walk, entries)
    await shares.endWalk(row, walk)
  }

  async #entry(
    { name, kind, row, offer }: StoredShare,
    viewer: Viewer,
    signal: AbortSignal | undefined,
  ): Promise<OfferEntry> {
    const { shares, sharing } = this.#context
    const { bytes, files } = shares.totals(row)
    if (kind === 'folder') return { name, kind, sizeBytes: bytes, files, id: undefined }
    const file = (): ReturnType<ShareStore['fileAt']> => shares.fileAt(viewer, { offer, path: name })
    return { name, kind, sizeBytes: bytes, files: 1, id: await sharing.hashing.idOf(file, signal) }
  }
}
