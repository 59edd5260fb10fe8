import { basename, resolve, sep } from 'node:path'
import { P2PError } from '../../base/errors.ts'
import { limits } from '../../base/limits.ts'
import { sleep } from '../../base/time.ts'
import { resolveShare } from '../../files/walk.ts'
import type { FileWorker } from '../../files/file-worker.ts'
import type { EntryKind } from '../../protocol/file-messages.ts'
import type { FileId } from '../../protocol/file-id.ts'
import { isProvable, type PeerId } from '../../protocol/peer-id.ts'
import type { IndexedFile, ShareStore, StoredShare, Viewer } from '../../store/share-store.ts'
import type { NodeEvent } from '../node-event.ts'
import { HashQueue } from './hash-queue.ts'
import { SharedTree } from './shared-tree.ts'
import { Throttle } from './throttle.ts'
import { Turns } from './turns.ts'
import type { Share, ShareOptions, Visibility } from './types.ts'
import { shownVisibility, storedVisibility } from './visibility.ts'

/** What sharing needs of its node. */
export interface SharingContext {
  readonly store: ShareStore
  readonly worker: FileWorker
  /** Absolute; nothing of it is ever shown to others. */
  readonly dataDir: string | undefined
  emit(event: NodeEvent): void
  warn(error: unknown): void
  /** Somebody may not have any more what he could have. */
  rightsChanged(): void
}

/** Shares that are looked through at the same time. */
const walksAtOnce = 2
/** How long it is waited for the first files of a new share. */
const firstLookMs = 1_000

/** The shares of a node, and their index: what others see of our disk. */
export class Sharing implements Disposable {
  readonly hashing: HashQueue
  readonly #context: SharingContext
  readonly #trees = new Map<number, SharedTree>()
  readonly #tellers = new Map<number, Throttle>()
  readonly #turns = new Turns(walksAtOnce)
  #started = false

  constructor(context: SharingContext) {
    this.#context = context
    this.hashing = new HashQueue({
      store: context.store,
      worker: context.worker,
      hashed: ({ share }) => this.#changed(share.row),
      failed: (file, reason) => this.failed(file, reason),
      warn: (error) => context.warn(error),
    })
  }

  /** The node is open: what is shared is looked through, and watched. */
  start(): void {
    this.#started = true
    for (const share of this.#shares()) void this.#keep(share).look()
    this.hashing.wake()
  }

  list(): readonly Share[] {
    return this.#shares().map((share) => this.#shown(share))
  }

  /** @throws like `Files.share` */
  async share(path: string, options: ShareOptions): Promise<Share> {
    const { as, visibleTo = 'all', signal } = options
    signal?.throwIfAborted()
    const name = as ?? basename(resolve(path))
    requireName(name)
    requireVisibility(visibleTo)
    const found = await this.resolve(path)
    signal?.throwIfAborted()
    const share = await this.#context.store.addShare({
      name,
      ...found,
      offer: undefined,
      ...storedVisibility(visibleTo),
    })
    if (this.#started) {
      const tree = this.#keep(share)
      void tree.look()
      // So that who is told of it sees something; a slow disk is not waited for.
      await Promise.race([tree.begun, sleep(firstLookMs, signal)])
    }
    this.#changed(share.row)
    return this.#shown(share)
  }

  /** Shares a path as its last name, unless it is shared like that already. @throws like `share` */
  async shareOnce(path: string): Promise<void> {
    const { path: real } = await this.resolve(path)
    const isShared = this.#shares().some(
      (share) => share.path === real && share.name === basename(resolve(path)),
    )
    if (!isShared) await this.share(path, {})
  }

  /** @throws P2PError `share-unknown`, `store-unwritable` */
  async setVisibility(name: string, visibleTo: Visibility): Promise<void> {
    requireVisibility(visibleTo)
    const { row } = this.#find(name)
    const stored = storedVisibility(visibleTo)
    await this.#context.store.setVisibility(row, stored.visibleTo, stored.peers)
    this.#context.rightsChanged()
    this.#changed(row)
  }

  /** Whoever was named goes on under a new ID. @throws P2PError `store-unwritable` */
  async moved(from: PeerId, to: PeerId): Promise<void> {
    const { store } = this.#context
    const named = store.shares().filter(({ peers }) => peers.includes(from))
    await Promise.all(
      named.map(({ row, visibleTo, peers }) =>
        store.setVisibility(row, visibleTo, [...new Set(peers.map((id) => (id === from ? to : id)))]),
      ),
    )
    this.#context.rightsChanged()
  }

  /** @throws P2PError `share-unknown`, `store-unwritable` */
  async unshare(name: string): Promise<void> {
    const { row } = this.#find(name)
    this.#drop(row)
    const removing = this.#context.store.removeShare(row)
    this.#context.rightsChanged()
    await removing
    this.#context.rightsChanged()
    this.#context.emit({ type: 'share:removed', at: new Date(), name })
  }

  /**
   * A file or folder that may be shown to others.
   *
   * @throws P2PError `share-invalid` when there is none, or our own data would be in it
   */
  async resolve(path: string): Promise<{ readonly path: string; readonly kind: EntryKind }> {
    const found = await resolveShare(path)
    const { dataDir } = this.#context
    if (resolve(found.path, '..') === found.path)
      throw invalid(`${found.path} is everything that is on this machine. Share a folder in it.`)
    const own = dataDir === undefined ? undefined : (await resolveShare(dataDir)).path
    if (own !== undefined && (isInside(own, found.path) || isInside(found.path, own)))
      throw invalid(`${path} and the data of this node in ${own} are in each other. Share another folder.`)
    return found
  }

  /** Files directly below the top for somebody, with their IDs, as far as they are known. */
  topFiles(viewer: Viewer): readonly { readonly path: string; readonly id: FileId }[] {
    const place = { offer: undefined, path: '', after: '', deep: false }
    const page = this.#context.store.list(viewer, place, limits.listEntries)
    return (page?.entries ?? []).flatMap(({ path, id }) => (id === undefined ? [] : [{ path, id }]))
  }

  /** What the disk said of a file is not what the index says: looks again, or leaves it out when it cannot be read. */
  async failed(file: IndexedFile, reason: string | undefined): Promise<void> {
    const tree = this.#trees.get(file.share.row)
    // What was offered is as it was then, or not at all.
    if (tree === undefined) await this.#context.store.forgetOne(file.share.row, file.path)
    else if (reason === undefined) tree.lookAt(file.path)
    else await tree.unreadable(file.path, reason)
  }

  [Symbol.dispose](): void {
    this.hashing[Symbol.dispose]()
    for (const row of [...this.#trees.keys(), ...this.#tellers.keys()]) this.#drop(row)
  }

  #shares(): readonly StoredShare[] {
    return this.#context.store.shares().filter(({ offer }) => offer === undefined)
  }

  #find(name: string): StoredShare {
    const found = this.#shares().find((share) => share.name === name)
    if (found !== undefined) return found
    throw new P2PError('share-unknown', `Nothing is shared as ${name}. "shares" lists what is.`)
  }

  #keep(share: StoredShare): SharedTree {
    const tree = new SharedTree(share, {
      ...this.#context,
      inTurn: (walk) => this.#turns.take(walk),
      changed: () => this.#changed(share.row),
    })
    this.#trees.set(share.row, tree)
    return tree
  }

  #drop(row: number): void {
    this.#trees.get(row)?.[Symbol.dispose]()
    this.#trees.delete(row)
    this.#tellers.get(row)?.[Symbol.dispose]()
    this.#tellers.delete(row)
  }

  #changed(row: number): void {
    this.hashing.wake()
    let teller = this.#tellers.get(row)
    if (teller === undefined) {
      teller = new Throttle(limits.progressMs, () => this.#tell(row))
      this.#tellers.set(row, teller)
    }
    teller.wish()
  }

  #tell(row: number): void {
    const share = this.#shares().find((one) => one.row === row)
    if (share !== undefined)
      this.#context.emit({ type: 'share:changed', at: new Date(), share: this.#shown(share) })
  }

  #shown(share: StoredShare): Share {
    const { name, path, kind, row } = share
    const { files, bytes, unhashedFiles, unhashedBytes } = this.#context.store.totals(row)
    const problem = this.#trees.get(row)?.problem ?? ''
    const visibleTo = shownVisibility(share)
    return { name, path, kind, visibleTo, files, totalBytes: bytes, unhashedFiles, unhashedBytes, problem }
  }
}

/** @throws P2PError `share-invalid` for what is no name: others see it as the first of a path */
export function requireName(name: string): void {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name) || !name.isWellFormed())
    throw invalid(`"${name}" cannot be a name: give another with --as.`)
  if (Buffer.byteLength(name) > limits.fileNameBytes)
    throw invalid(`The name "${name}" is longer than ${limits.fileNameBytes} bytes. Give a shorter one.`)
}

function requireVisibility(visibleTo: Visibility): void {
  if (visibleTo === 'all' || visibleTo === 'verified') return
  if (!Array.isArray(visibleTo))
    throw invalid('Shares are visible to "all", to "verified", or to named peers.')
  if (visibleTo.length > limits.sharePeers)
    throw new P2PError('too-many', `A share is visible to at most ${limits.sharePeers} named peers.`)
  const unprovable = visibleTo.find((id) => !isProvable(id))
  if (unprovable !== undefined)
    throw invalid(`${unprovable} cannot prove who it is, so that nothing can be shown to it alone.`)
}

/** Whether a path is that of a folder, or below it. */
function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}

function invalid(message: string): P2PError {
  return new P2PError('share-invalid', message)
}
