/** What a cursor has to know of an entry. */
export interface Node {
  readonly name: string
  readonly id: number
  readonly isFolder: boolean
}

/** Where a cursor reads. */
export interface NodeReader<Kind extends Node> {
  /** The next entries of a folder behind a name, in the order of their names' bytes. */
  below(folder: number, after: string, limit: number): readonly Kind[]
  /** ID of the folder with this name; undefined when there is none. */
  folderIn(folder: number, name: string): number | undefined
}

export interface Placed<Kind> {
  /** Relative to where the cursor began. */
  readonly path: string
  /** ID of the folder that it is in. */
  readonly parent: number
  readonly node: Kind
}

interface Level<Kind> {
  readonly folder: number
  /** Path of the folder, with a `/` behind it; empty for the first. */
  readonly prefix: string
  readonly page: readonly Kind[]
  next: number
}

/** Entries of one folder that are read in one go; as many folders may be open as a path has names. */
const pageNodes = 256

/** Walks through everything below a folder, name by name in the order of their bytes, a folder before what is in it. */
export class TreeCursor<Kind extends Node> {
  readonly #reader: NodeReader<Kind>
  readonly #pageNodes: number
  readonly #levels: Level<Kind>[] = []

  /**
   * @param start the folder, and a path below it behind which it begins, whether there is anything or not
   * @param most how many entries will be asked for
   */
  constructor(reader: NodeReader<Kind>, start: { top: number; after: string }, most: number = pageNodes) {
    this.#reader = reader
    this.#pageNodes = Math.min(most, pageNodes)
    let folder: number | undefined = start.top
    let prefix = ''
    for (const name of start.after === '' ? [] : start.after.split('/')) {
      this.#open(folder, prefix, name)
      folder = reader.folderIn(folder, name)
      if (folder === undefined) return
      prefix = `${prefix}${name}/`
    }
    this.#open(folder, prefix, '')
  }

  next(): Placed<Kind> | undefined {
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      const { folder, prefix, page } = level
      const node = page[level.next++]
      if (node !== undefined) {
        const path = prefix + node.name
        if (node.isFolder) this.#open(node.id, `${path}/`, '')
        return { path, parent: folder, node }
      }
      this.#levels.pop()
      const last = page.at(-1)
      if (last !== undefined && page.length === this.#pageNodes) this.#open(folder, prefix, last.name)
    }
    return undefined
  }

  #open(folder: number, prefix: string, after: string): void {
    const page = this.#reader.below(folder, after, this.#pageNodes)
    if (page.length > 0) this.#levels.push({ folder, prefix, page, next: 0 })
  }
}
