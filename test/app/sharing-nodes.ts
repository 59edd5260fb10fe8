/** Nodes that have files for each other. */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { NodeEvent, NodeOptions, Transfer } from '../../src/index.ts'
import { introduce, openNode, until, type TestNode } from './nodes.ts'

export interface FileNode extends TestNode {
  /** A folder of its own: `shared` is for what it shares, `down` for what it takes. */
  readonly folder: string
  readonly shared: string
  readonly down: string
  readonly events: NodeEvent[]
}

export interface House extends AsyncDisposable {
  /** Starts a node that knows all others of the house. */
  open(name: string, options?: NodeOptions): Promise<FileNode>
  /** Starts a node again that was closed, with what it has on its disk. */
  again(former: FileNode, options?: NodeOptions): Promise<FileNode>
}

/** Nodes on loopback, which know each other, and whose folders are removed in the end. */
export async function openHouse(): Promise<House> {
  const root = await mkdtemp(join(tmpdir(), 'p2p-files-'))
  const open: FileNode[] = []
  const start = async (folder: string, options: NodeOptions): Promise<FileNode> => {
    const [shared, down] = [join(folder, 'shared'), join(folder, 'down')]
    await mkdir(shared, { recursive: true })
    const started = await openNode({ dataDir: join(folder, 'data'), downloads: down, ...options })
    const events: NodeEvent[] = []
    void collect(started, events)
    const node: FileNode = { ...started, folder, shared, down, events }
    for (const other of open) introduce(node, other)
    open.push(node)
    return node
  }
  return {
    open: (name, options = {}) => start(join(root, name), options),
    async again(former, options = {}) {
      open.splice(open.indexOf(former), 1)
      await former.node.close()
      return await start(former.folder, options)
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(open.map(({ node }) => node.close()))
      await rm(root, { recursive: true, force: true })
    },
  }
}

async function collect({ node }: TestNode, into: NodeEvent[]): Promise<void> {
  for await (const event of node.events()) into.push(event)
}

/** Writes files below a folder, by their paths; a path with `/` at its end is an empty folder. */
export async function write(
  folder: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, `${path}x`)), { recursive: true })
    if (!path.endsWith('/')) await writeFile(join(folder, path), content)
  }
}

/** Everything below a folder: files by their hashes, folders with `/` at their end. Names that begin with a dot too. */
export async function treeOf(folder: string): Promise<Record<string, string>> {
  if (!existsSync(folder)) return {}
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const tree = await Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name)
      const name = path.slice(folder.length + 1)
      if (entry.isDirectory()) return [`${name}/`, ''] as const
      return [name, hashOf(await readFile(path))] as const
    }),
  )
  return Object.fromEntries(tree.sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function hashOf(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}

export async function hashOfFile(path: string): Promise<string> {
  return hashOf(await readFile(path))
}

/** Content that nothing can be guessed of. */
export function noise(bytes: number): Uint8Array {
  return randomBytes(bytes)
}

/** Shares what a node has in its folder, and waits until it is hashed. */
export async function shareAll({ node, shared }: FileNode, name = 'stuff'): Promise<void> {
  await node.files.share(shared, { as: name })
  await hashed({ node })
}

export async function hashed({ node }: Pick<FileNode, 'node'>): Promise<void> {
  await until(
    () => node.files.shares().every(({ unhashedFiles, files }) => unhashedFiles === 0 && files > 0),
    'all is hashed',
    30_000,
  )
}

/** Takes something, and waits for it. */
export async function take(to: FileNode, from: FileNode, path: string): Promise<Transfer> {
  const { id } = await to.node.files.get(from.node.id, path)
  return await to.node.files.finished(id)
}
