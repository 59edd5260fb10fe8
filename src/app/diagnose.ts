import { isP2PError, type P2PError } from '../base/errors.ts'
import { portOwner } from '../doctor/port-owner.ts'
import type { Obstacle } from '../rules/findings.ts'
import { conclude, type DiagnoseOptions, type Diagnosis } from './diagnosis.ts'
import { startNode } from './node.ts'
import { usualPort, type NodeOptions } from './options.ts'
import type { P2PNode } from './p2p-node.ts'

/**
 * Starts a node as `startNode` does, or as much of it as starts, examines what works between it and others, and stops it.
 *
 * @param options those of the node; `discoveryPort` is the one of its explorers
 * @throws P2PError when not even a node without a port and without explorers starts; the abort reason of `signal`
 */
export async function diagnose(
  options: NodeOptions & DiagnoseOptions & { readonly discoveryPort?: number } = {},
): Promise<Diagnosis> {
  const { port = usualPort, discoveryPort = usualPort } = options
  const failures: P2PError[] = []
  await using node = await startAnyhow(options, failures)
  const seen = await node.diagnose(failures.length > 1 ? { ...options, trials: [] } : options)
  const obstacles = obstaclesOf(failures, port, discoveryPort)
  return conclude({ ...seen, port: port === 0 ? seen.port : port, discoveryPort, obstacles })
}

/** With everything that was asked for; else with another TCP port; else without explorers. */
async function startAnyhow(options: NodeOptions, failures: P2PError[]): Promise<P2PNode> {
  for (const less of [{}, { port: 0 }]) {
    try {
      return await startNode({ ...options, ...less })
    } catch (error) {
      if (!isP2PError(error)) throw error
      failures.push(error)
    }
  }
  return await startNode({ ...options, port: 0, explorers: [] })
}

/** What another TCP port has helped against was about that port. */
function obstaclesOf(
  [first, second]: readonly P2PError[],
  port: number,
  discoveryPort: number,
): readonly Obstacle[] {
  const found: Obstacle[] = []
  if (first !== undefined && first.message !== second?.message) {
    const taken = first.code === 'port-taken' && { kind: 'tcp-port-taken' as const }
    found.push({ ...other(first), ...taken, program: portOwner('tcp', port) })
  }
  if (second !== undefined) {
    const taken = second.code === 'port-taken' && { kind: 'udp-port-taken' as const }
    found.push({ ...other(second), ...taken, program: portOwner('udp', discoveryPort) })
  }
  return found
}

function other({ code, message }: P2PError): Omit<Obstacle, 'program'> {
  const kind = code === 'port-forbidden' || code === 'interface-unknown' ? code : 'not-started'
  return { kind, message }
}
