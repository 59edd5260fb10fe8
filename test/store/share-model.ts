/** What a store of shares has to do, told as simply as possible: maps from paths, and loops over them. */
import type { FileId } from '../../src/protocol/file-id.ts'
import type { SharedEntry } from '../../src/protocol/file-messages.ts'
import type { OfferId } from '../../src/protocol/offer-id.ts'
import type { FoundEntry, StoredShare, Viewer } from '../../src/store/share-store.ts'

interface Kept extends FoundEntry {
  readonly id: FileId | undefined
}

interface ModelShare {
  share: StoredShare
  readonly entries: Map<string, Kept>
}

/** Paths name by name, each in the order of its bytes. */
function comparePaths(one: string, other: string): number {
  const [a, b] = [one.split('/'), other.split('/')]
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [x, y] = [a[at], b[at]]
    if (x === undefined) return -1
    if (y === undefined) return 1
    const order = Buffer.compare(Buffer.from(x), Buffer.from(y))
    if (order !== 0) return order
  }
  return 0
}

export class ShareModel {
  readonly shares = new Map<number, ModelShare>()

  add(share: StoredShare): void {
    const entries = new Map<string, Kept>()
    this.shares.set(share.row, { share, entries })
    if (share.kind === 'folder')
      entries.set('', { path: '', kind: 'folder', sizeBytes: 0, modifiedAtMs: 0, stamp: '', id: undefined })
  }

  note(row: number, found: readonly FoundEntry[]): void {
    const one = this.shares.get(row)
    if (one === undefined) return
    for (const entry of found) {
      if (entry.path === '' ? entry.kind !== one.share.kind : one.share.kind === 'file') continue
      for (const above of foldersOf(entry.path)) {
        if (one.entries.get(above)?.kind === 'folder') continue
        this.forget(row, above)
        one.entries.set(above, {
          path: above,
          kind: 'folder',
          sizeBytes: 0,
          modifiedAtMs: 0,
          stamp: '',
          id: undefined,
        })
      }
      const known = one.entries.get(entry.path)
      if (known?.kind !== entry.kind) this.forget(row, entry.path)
      if (known?.kind === entry.kind && known.stamp === entry.stamp && known.sizeBytes === entry.sizeBytes)
        continue
      one.entries.set(entry.path, { ...entry, id: undefined })
    }
  }

  /** @returns how many entries a walk that finds these forgets */
  keepOnly(row: number, found: readonly FoundEntry[]): number {
    const entries = this.shares.get(row)?.entries ?? new Map<string, Kept>()
    const paths = new Set(found.flatMap(({ path }) => [path, ...foldersOf(path)]))
    const isFolder = entries.get('')?.kind === 'folder'
    const gone = [...entries.keys()].filter((path) => !paths.has(path) && !(path === '' && isFolder))
    for (const path of gone) entries.delete(path)
    return gone.length
  }

  forget(row: number, path: string): void {
    const one = this.shares.get(row)
    if (one === undefined) return
    const isFolder = one.share.kind === 'folder'
    for (const known of one.entries.keys())
      if (known === path || path === '' || known.startsWith(`${path}/`)) one.entries.delete(known)
    if (path === '' && isFolder) this.add(one.share)
  }

  identify(row: number, { path, stamp }: FoundEntry, id: FileId): void {
    const entries = this.shares.get(row)?.entries
    const known = entries?.get(path)
    if (known?.kind === 'file' && known.stamp === stamp) entries?.set(path, { ...known, id })
  }

  totals(row: number) {
    const files = [...(this.shares.get(row)?.entries.values() ?? [])].filter(({ kind }) => kind === 'file')
    const unhashed = files.filter(({ id }) => id === undefined)
    return {
      files: files.length,
      bytes: bytesOf(files),
      unhashedFiles: unhashed.length,
      unhashedBytes: bytesOf(unhashed),
    }
  }

  /** Everything that somebody sees, in order. */
  seen(viewer: Viewer | undefined, offer: OfferId | undefined): readonly SharedEntry[] {
    return this.files(viewer)
      .filter(({ share }) => share.offer === offer)
      .map(({ share, entry: { path, kind, sizeBytes, modifiedAtMs, id } }) => {
        const whole = path === '' ? share.name : `${share.name}/${path}`
        return { path: whole, kind, sizeBytes: kind === 'folder' ? 0 : sizeBytes, modifiedAtMs, id }
      })
      .toSorted((a, b) => comparePaths(a.path, b.path))
  }

  files(viewer: Viewer | undefined): readonly { readonly share: StoredShare; readonly entry: Kept }[] {
    return [...this.shares.values()]
      .filter(({ share }) => viewer === undefined || sees(viewer, share))
      .flatMap(({ share, entries }) => [...entries.values()].map((entry) => ({ share, entry })))
  }

  list(
    viewer: Viewer,
    place: {
      readonly offer: OfferId | undefined
      readonly path: string
      readonly after: string
      readonly deep: boolean
    },
  ): readonly SharedEntry[] | undefined {
    const { offer, path, after, deep } = place
    const all = this.seen(viewer, offer)
    const target = all.find((entry) => entry.path === path)
    if (path !== '' && target === undefined) return undefined
    const name = path.slice(path.lastIndexOf('/') + 1)
    const below =
      target?.kind === 'file'
        ? [{ ...target, path: name }]
        : all
            .filter((entry) => path === '' || entry.path.startsWith(`${path}/`))
            .map((entry) =>
              path === '' ? entry : Object.assign({}, entry, { path: entry.path.slice(path.length + 1) }),
            )
            .filter((entry) => deep || !entry.path.includes('/'))
    return below.filter((entry) => after === '' || comparePaths(entry.path, after) > 0)
  }
}

function bytesOf(files: readonly Kept[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

function sees({ peerId, verified }: Viewer, { offer, visibleTo, peers }: StoredShare): boolean {
  if (offer !== undefined || visibleTo === 'named') return peers.includes(peerId)
  return visibleTo === 'all' || verified
}

function foldersOf(path: string): readonly string[] {
  if (path === '') return []
  const names = path.split('/')
  return ['', ...names.slice(0, -1).map((_, at) => names.slice(0, at + 1).join('/'))]
}
