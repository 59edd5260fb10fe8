/** Nodes that share files, for the tests of this folder. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { NodeOptions, P2PNode } from '../../src/index.ts'
import { introduce, openNode, type TestNode } from './nodes.ts'

/** A folder that is removed at the end. */
export async function openFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'p2p-files-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Two nodes that know each other, with a folder for each. */
export async function openPair(
  options: readonly [NodeOptions, NodeOptions] = [{}, {}],
): Promise<{ readonly a: TestNode; readonly b: TestNode; readonly home: string } & AsyncDisposable> {
  const folder = await openFolder()
  const [a, b] = await Promise.all(
    options.map((one, index) =>
      openNode({ downloads: join(folder.path, index === 0 ? 'a-in' : 'b-in'), ...one }),
    ),
  )
  if (a === undefined || b === undefined) throw new Error('two nodes are needed')
  introduce(a, b)
  return {
    a,
    b,
    home: folder.path,
    async [Symbol.asyncDispose]() {
      await Promise.all([a.node.close(), b.node.close()])
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** Compares safety numbers at both ends, as two people would by telephone. */
export async function verifyByPhone(a: P2PNode, b: P2PNode): Promise<void> {
  const number = await a.trust.safetyNumber(b.id)
  await a.trust.compareSafetyNumber(b.id, number)
  await b.trust.compareSafetyNumber(a.id, number)
}
