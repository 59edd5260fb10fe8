import { setTimeout as delay } from 'node:timers/promises'
import { connectNode } from '../control/client.ts'
import { isP2PError, limits, silentLog, startNode, type Log, type P2PNode } from '../index.ts'
import type { Flags } from './arguments.ts'
import { fileLog, type FileLog } from './log-file.ts'
import type { Settings } from './settings.ts'

/** A node for one command. */
export interface OpenedNode {
  readonly node: P2PNode
  readonly log: Log
  /** The log file of a node that runs in this process; undefined when it runs in another, which is only asked. */
  readonly own: FileLog | undefined
}

/** What only a node of one's own can be told. */
const ownFlags = ['port', 'name', 'policy', 'logLevel'] as const satisfies readonly (keyof Flags)[]
/** Between two tries to find a node that is just starting. */
const retryMs = 50

/**
 * The node that runs with this data directory, or a new one in this process. Flags that say how a node is to be make one.
 *
 * @throws P2PError what keeps the node from starting
 */
export async function openNode(settings: Settings, flags: Flags): Promise<OpenedNode> {
  const mustBeOwn = ownFlags.some((flag) => flags[flag] !== undefined)
  const giveUpAtMs = performance.now() + limits.controlFindMs
  for (;;) {
    const running = mustBeOwn ? undefined : await connectNode(settings.dataDir)
    if (running !== undefined) return { node: running, log: silentLog, own: undefined }
    const own = fileLog(settings.logFile, settings.logLevel)
    try {
      return { node: await startNode({ ...settings.node, log: own }), log: own, own }
    } catch (error) {
      // Another that has the directory may be about to say where it listens.
      const isBusy = isP2PError(error, 'data-dir-busy')
      if (!isBusy || mustBeOwn || performance.now() > giveUpAtMs) throw error
    }
    await delay(retryMs)
  }
}
