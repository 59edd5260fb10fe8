import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'

/** What somebody has dropped or chosen: a file, or what leads to one or to a folder. */
export type Dropped = File | FileSystemEntry

/** One file of what goes together. */
export interface Content {
  /** Beginning with the name of what was dropped; its parts are joined by `/`, and are as they are on the disk. */
  readonly path: string
  readonly file: File
}

/** What systems put into folders, and nobody means to send. */
const leftOut: ReadonlySet<string> = new Set(['.DS_Store', 'Thumbs.db'])

/**
 * All files of what was dropped, as they stand in it; folders without any are left out.
 * @throws P2PError `too-many`, `share-invalid`, `file-unusable`: it goes as a whole, or not at all
 */
export async function contentsOf(dropped: readonly Dropped[]): Promise<readonly Content[]> {
  const twice = firstTwice(dropped.map(({ name }) => name))
  if (twice !== undefined)
    throw new P2PError('share-invalid', `Two of these are called "${twice}": send one after the other.`)
  const contents: Content[] = []
  for (const one of dropped)
    for await (const content of filesIn(one)) {
      if (contents.length === limits.sentContents) throw tooMany()
      contents.push(content)
    }
  if (contents.length === 0) throw new P2PError('share-invalid', 'There is no file in this: nothing is sent.')
  return contents
}

function firstTwice(names: readonly string[]): string | undefined {
  const seen = new Set<string>()
  return names.find((name) => seen.size === seen.add(name).size)
}

/** The line that says what follows it, in this order. @throws P2PError `too-many` */
export function contentsLine(contents: readonly Content[]): Uint8Array<ArrayBuffer> {
  const entries = contents.map(({ path, file }) => ({ path, sizeBytes: file.size }))
  const line = new TextEncoder().encode(`${JSON.stringify(entries)}\n`)
  if (line.length <= limits.sentContentsLineBytes) return line
  throw new P2PError(
    'too-many',
    'The names of these files are too long to be sent together: nothing is sent. Send fewer at once.',
  )
}

/** Which of these cannot be read, or has changed since it was chosen. */
export async function findUnreadable(contents: readonly Content[]): Promise<Content | undefined> {
  for (const content of contents) {
    const isReadable = await content.file
      .slice(0, 1)
      .arrayBuffer()
      .then(Boolean, () => false)
    if (!isReadable) return content
  }
  return undefined
}

async function* filesIn(one: Dropped, path = one.name): AsyncGenerator<Content, void> {
  if (one instanceof File) yield { path, file: one }
  else if (isFolder(one)) yield* filesInFolder(one, path)
  else if (isFile(one))
    yield { path, file: await readable(path, (resolve, reject) => one.file(resolve, reject)) }
}

async function* filesInFolder(folder: FileSystemDirectoryEntry, path: string): AsyncGenerator<Content, void> {
  // Its files have one part more.
  if (path.split('/').length >= limits.folderDepth)
    throw new P2PError(
      'too-many',
      `"${path}" lies too deep: at most ${limits.folderDepth} folders inside each other are sent.`,
    )
  const reader = folder.createReader()
  for (;;) {
    // A browser gives a part of them at a time, and none when it has given all.
    const entries = await readable<FileSystemEntry[]>(path, (resolve, reject) =>
      reader.readEntries(resolve, reject),
    )
    if (entries.length === 0) return
    for (const entry of entries) if (!leftOut.has(entry.name)) yield* filesIn(entry, `${path}/${entry.name}`)
  }
}

/** The callbacks of the browser as a promise. @throws P2PError `file-unusable` */
function readable<Found>(
  path: string,
  ask: (resolve: (found: Found) => void, reject: (why: unknown) => void) => void,
): Promise<Found> {
  const { promise, resolve, reject } = Promise.withResolvers<Found>()
  ask(resolve, (why) => reject(unreadable(path, why)))
  return promise
}

/** One is missing: the others do not go without it. */
export function unreadable(path: string, why?: unknown): P2PError {
  return new P2PError('file-unusable', `"${path}" cannot be read, or has changed: nothing is sent.`, {
    cause: why,
  })
}

function tooMany(): P2PError {
  const most = limits.sentContents.toLocaleString('en')
  return new P2PError(
    'too-many',
    `At most ${most} files can be sent together, and this is more: nothing is sent. ` +
      'Send fewer at once, or the path of their folder with the clip beside the message.',
  )
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile
}

/** What makes an element take files and folders that are dropped on it. */
export function dropProps(take: (dropped: readonly Dropped[]) => unknown): {
  readonly onDragOver: (event: DragEvent) => void
  readonly onDragLeave: (event: DragEvent) => void
  readonly onDrop: (event: DragEvent) => void
} {
  return {
    onDragOver: (event) => {
      if (event.dataTransfer === null || !event.dataTransfer.types.includes('Files')) return
      event.preventDefault()
      event.stopPropagation()
      event.dataTransfer.dropEffect = 'copy'
      mark(event, true)
    },
    onDragLeave: (event) => mark(event, false),
    onDrop: (event) => {
      mark(event, false)
      if (event.dataTransfer === null || !event.dataTransfer.types.includes('Files')) return
      event.preventDefault()
      event.stopPropagation()
      take(droppedIn(event.dataTransfer))
    },
  }
}

function mark({ currentTarget }: DragEvent, isOver: boolean): void {
  if (currentTarget instanceof HTMLElement) currentTarget.classList.toggle('dropping', isOver)
}

/** What lies in a drop; it is there only as long as the event. Where a browser knows no entries, its files are taken as they are. */
export function droppedIn({ items, files }: Pick<DataTransfer, 'items' | 'files'>): readonly Dropped[] {
  const ofFiles = [...items].filter(({ kind }) => kind === 'file')
  const entries = ofFiles.map((item) => entryOf(item) ?? item.getAsFile())
  const found = entries.filter((one) => one !== null)
  return found.length > 0 ? found : [...files]
}

/** Not every browser has this call, whatever its types say. */
function entryOf(item: Partial<DataTransferItem>): FileSystemEntry | null {
  return item.webkitGetAsEntry?.() ?? null
}
