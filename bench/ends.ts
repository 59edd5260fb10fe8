/** Two programs that talk with each other. */
import { join } from 'node:path'
import type { Request } from './conversation.ts'
import type { Ports } from './ports.ts'
import { openWorker, type Worker } from './worker.ts'

/** What to run at one end. */
interface EndProgram {
  readonly file: string
  readonly args?: readonly string[]
}

/** The end that dials and the end that is dialled. */
export interface Pair {
  readonly from: EndProgram
  readonly to: EndProgram
}

/** Words before each of the two programs. */
export type Places = readonly [from: readonly string[], to: readonly string[]]

const channel: EndProgram = { file: 'ours/channel-end.ts' }
const node: EndProgram = { file: 'ours/node-end.ts' }
const bareWs: EndProgram = { file: 'baselines/ws-end.ts' }
const bareTls: EndProgram = { file: 'baselines/ws-end.ts', args: ['tls'] }

export const pairs = {
  /** A channel of our transport: encrypted, and nothing is stored. */
  channel: { from: channel, to: channel },
  /** Two of our nodes: encrypted, and each message goes through the store. */
  ours: { from: node, to: node },
  /** A reference peer that calls a node of ours: plain. */
  reference: { from: { file: 'baselines/reference-end.ts' }, to: node },
  bareWs: { from: bareWs, to: bareWs },
  /** Bare `ws` over TLS 1.3, with a certificate from both ends. */
  bareTls: { from: bareTls, to: bareTls },
} as const satisfies Readonly<Record<string, Pair>>

/** `pairs.bareTls`, but both ends store in `folder` what is said, with bare SQLite. */
export function storedTls(folder: string): Pair {
  const end = (name: string): EndProgram => ({ ...bareTls, args: ['tls', join(folder, name)] })
  return { from: end('from.db'), to: end('to.db') }
}

/** Starts both, lets them meet, measures, and ends them. */
export async function withEnds<Taken>(
  pair: Pair,
  measure: (from: Worker, to: Worker, ports: Ports) => Promise<Taken>,
  [fromPlace, toPlace]: Places = [[], []],
): Promise<Taken> {
  await using to = await openWorker(pair.to.file, pair.to.args, { enter: toPlace })
  await using from = await openWorker(pair.from.file, pair.from.args, { enter: fromPlace })
  const ports = await to.ask<Ports>({ kind: 'listen' } satisfies Request)
  await from.ask({ kind: 'connect', to: ports } satisfies Request)
  return await measure(from, to, ports)
}
