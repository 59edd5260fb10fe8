/** Files of ours that should have a content: it is copied from them instead of being fetched. */
import { lstat, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { stampOf, type FileOfShare } from '../../files/opened-file.ts'
import type { FileWorker } from '../../files/file-worker.ts'
import { openPack } from '../../files/read-pack.ts'
import type { FileId } from '../../protocol/file-id.ts'
import type { ShareStore } from '../../store/share-store.ts'
import type { PlacedFile, TransferStore } from '../../store/transfer-store.ts'

/** Where contents are looked up. */
export interface KnownFiles {
  readonly shares: Pick<ShareStore, 'shares' | 'withContent'>
  readonly store: Pick<TransferStore, 'placed'>
}

/**
 * Files of ours by their contents, of those that are wanted, with their sizes: what we share, and what earlier transfers have brought. It is
 * not known yet that they still have that content.
 */
export async function knownFiles(
  context: KnownFiles,
  wanted: ReadonlyMap<FileId, number>,
): Promise<ReadonlyMap<FileId, FileOfShare>> {
  const { shares } = context
  const found = new Map<FileId, FileOfShare>()
  if (shares.shares().length > 0)
    for (const id of wanted.keys()) {
      const [file] = shares.withContent(id, undefined)
      if (file !== undefined) found.set(id, file)
    }
  const others = new Map([...wanted].filter(([id]) => !found.has(id)))
  for (const [id, file] of await placedFiles(context, others)) found.set(id, file)
  return found
}

/** Those that earlier transfers have brought, as far as they are still there. */
export async function placedFiles(
  { store }: Pick<KnownFiles, 'store'>,
  wanted: ReadonlyMap<FileId, number>,
): Promise<ReadonlyMap<FileId, FileOfShare>> {
  const found = new Map<FileId, FileOfShare>()
  const look = async (folder: string, { id, target }: PlacedFile): Promise<void> => {
    if (found.has(id)) return
    const file = await fileIn(folder, basename(target))
    if (file?.sizeBytes === wanted.get(id) && file !== undefined) found.set(id, file)
  }
  const byFolder = Map.groupBy(store.placed([...wanted.keys()]), ({ into, target }) =>
    dirname(join(into, target)),
  )
  for (const [path, files] of byFolder) {
    // Of a folder that was moved away, nothing more is looked for.
    const folder = await realpath(path).catch(() => undefined)
    if (folder !== undefined) await Promise.all(files.map((file) => look(folder, file)))
  }
  return found
}

/** The bytes of small files, at most `limits.packFiles` of them and `limits.packBytes`; what cannot be read is left out. */
export async function readWhole<Key>(
  worker: FileWorker,
  files: readonly (readonly [Key, FileOfShare])[],
): Promise<readonly (readonly [Key, Uint8Array])[]> {
  await using pack = await openPack(
    worker,
    files.map(([, file]) => file),
  )
  const contents: (readonly [Key, Uint8Array])[] = []
  try {
    for (const [index, [key, { sizeBytes }]] of files.entries()) {
      if (pack.files[index]?.kind !== 'there') continue
      const bytes = new Uint8Array(sizeBytes)
      if ((await pack.read(bytes)) === sizeBytes) contents.push([key, bytes])
    }
  } catch {
    // One has changed while they were read: those from it on are taken from elsewhere.
  }
  return contents
}

/** A file as it is now; undefined when there is none. */
export async function fileNow(path: string): Promise<FileOfShare | undefined> {
  const folder = await realpath(dirname(path)).catch(() => undefined)
  return folder === undefined ? undefined : await fileIn(folder, basename(path))
}

/** @param folder absolute and real */
async function fileIn(folder: string, name: string): Promise<FileOfShare | undefined> {
  const stats = await lstat(join(folder, name), { bigint: true }).catch(() => undefined)
  if (stats?.isFile() !== true) return undefined
  return { share: { path: folder }, path: name, sizeBytes: Number(stats.size), stamp: stampOf(stats) }
}
