import type { GroupCommit } from '../group-commit.ts'
import { topOf, type EntryTable, type NamedEntry } from './entry-table.ts'
import type { IndexTree } from './index-tree.ts'
import { inSteps, type Step } from './steps.ts'
import { TreeCursor, type Placed } from './tree-cursor.ts'
import type { BitSet } from './walks.ts'

/** Forgets what a walk has not found. */
export class Gone {
  readonly #commit: GroupCommit
  readonly #entries: EntryTable
  readonly #tree: IndexTree

  constructor({ commit, entries, tree }: { commit: GroupCommit; entries: EntryTable; tree: IndexTree }) {
    this.#commit = commit
    this.#entries = entries
    this.#tree = tree
  }

  /**
   * @param found what the walk has found, as it is now; undefined when it is not under way any more
   * @returns how many were forgotten
   */
  async forget(share: number, found: () => BitSet | undefined): Promise<number> {
    const top = this.#commit.read(() => this.#entries.get(topOf(share), ''))
    if (top === undefined) return 0
    if (!top.isFolder)
      return found()?.has(top.id) === false ? this.#remove([{ parent: top.parent, node: top }]) : 0
    const reader = {
      below: (folder: number, after: string, limit: number) => this.#entries.namesBelow(folder, after, limit),
      folderIn: () => undefined,
    }
    const cursor = this.#commit.read(() => new TreeCursor<NamedEntry>(reader, { top: top.id, after: '' }))
    let count = 0
    await inSteps((step) => {
      const known = found()
      if (known === undefined) return false
      const { missing, isDone } = this.#commit.read(() => nextMissing(cursor, known, step))
      count += this.#remove(missing)
      return !isDone
    })
    return count
  }

  #remove(missing: readonly Pick<Placed<NamedEntry>, 'parent' | 'node'>[]): number {
    if (missing.length === 0) return 0
    return this.#commit.apart(() => {
      let count = 0
      for (const { parent, node } of missing) {
        const entry = this.#entries.get(parent, node.name)
        if (entry?.id !== node.id) continue
        this.#tree.remove(entry)
        count++
      }
      return count
    })
  }
}

/** Entries that are deleted in one go. */
const mostMissing = 200

/** What comes next of what was not found; a folder before what is in it. */
function nextMissing(cursor: TreeCursor<NamedEntry>, found: BitSet, step: Step) {
  const missing: Placed<NamedEntry>[] = []
  while (!step.isOver && missing.length < mostMissing) {
    const next = cursor.next()
    if (next === undefined) return { missing, isDone: true }
    if (!found.has(next.node.id)) missing.push(next)
  }
  return { missing, isDone: false }
}
