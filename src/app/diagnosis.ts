import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { monotonicMs, sleep } from '../base/time.ts'
import { isInContainer, networkKind } from '../doctor/surroundings.ts'
import { knock } from '../doctor/tcp-knock.ts'
import type { Explorer, ExplorerFactory, LinkCounters } from '../discovery/explorer.ts'
import { findingsOf } from '../rules/diagnosis.ts'
import type { Facts, Finding, NetworkFacts, WayFacts } from '../rules/findings.ts'
import type { CallOptions } from './p2p-node.ts'
import { Neighbours, type NeighboursContext } from './neighbours.ts'

export interface DiagnoseOptions extends CallOptions {
  /** Others to be tried, by address or host name; `port` is their discovery port, by default ours. */
  readonly peers?: readonly { readonly host: string; readonly port?: number }[]
  /** How long to wait for the first announcement when nobody answers, in ms; default `limits.diagnosePatienceMs`, a period. */
  readonly patienceMs?: number
  /** Ways of finding peers that are tried for a moment besides those in use. */
  readonly trials?: readonly ExplorerFactory[]
}

/** What was measured, and what it means. */
export interface Diagnosis extends Facts {
  /** Whether nothing is wrong: no finding is a `problem`. */
  readonly healthy: boolean
  readonly findings: readonly Finding[]
}

/** What a diagnosis needs of its node. */
export interface DiagnosisContext extends NeighboursContext {
  openTrial(factory: ExplorerFactory): Promise<Explorer>
}

/** How often it looks whether somebody was heard. */
const listenMs = 250

/** What the facts come to. */
export function conclude(facts: Facts): Diagnosis {
  const findings = findingsOf(facts)
  return { ...facts, healthy: findings.every(({ severity }) => severity !== 'problem'), findings }
}

/**
 * Listens for a while, calls itself, and calls others. Takes some seconds.
 *
 * @throws the abort reason of `signal`
 */
export async function examine(context: DiagnosisContext, options: DiagnoseOptions): Promise<Diagnosis> {
  const { signal } = options
  await Promise.all(context.explorers.map((explorer) => explorer.announce()))
  await wait(limits.diagnoseMs, signal)
  await using tried = new AsyncDisposableStack()
  // Later than those in use: of two announcements at once a peer answers the last only.
  const trials: Explorer[] = []
  for (const factory of options.trials ?? []) {
    const trial = await openTrial(context, factory)
    if (trial !== undefined) trials.push(tried.use(trial))
  }
  if (trials.length > 0) await wait(limits.diagnoseTrialMs, signal)
  const explorers = [...context.explorers, ...trials]
  const networks = await networksOf(explorers, context.transport.port, signal)
  const facts = factsOf(context, explorers, networks)
  const { peers: asked = [], patienceMs = limits.diagnosePatienceMs } = options
  if (asked.length === 0 && conclude(facts).healthy) await hearSomebody(context, patienceMs, signal)
  const neighbours = new Neighbours(context, networks, signal)
  const peers = await neighbours.test(asked, facts.discoveryPort)
  return conclude({ ...factsOf(context, explorers, networks), peers })
}

function factsOf(
  { explorers: used, transport }: DiagnosisContext,
  explorers: readonly Explorer[],
  networks: readonly NetworkFacts[],
): Facts {
  const counters = explorers.map((explorer) => explorer.counters)
  return {
    port: transport.port,
    discoveryPort: used[0]?.port ?? 0,
    ways: used.map(({ name }) => name),
    obstacles: [],
    networks,
    peers: [],
    elsewhere: [...new Set(counters.flatMap(({ elsewhere }) => elsewhere))],
    receiveBufferBytes: counters[0]?.receiveBufferBytes ?? 0,
    inContainer: isInContainer(),
  }
}

/** Who cannot answer us announces all the same, once in a period. */
async function hearSomebody(
  context: DiagnosisContext,
  patienceMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const until = monotonicMs() + patienceMs
  const isAlone = (): boolean =>
    context.explorers.length > 0 &&
    context.peers().length === 0 &&
    context.explorers.every(({ counters }) => counters.elsewhere.length === 0)
  while (isAlone() && monotonicMs() < until) await wait(listenMs, signal)
}

/** What cannot be opened is not tried: what is in use tells why. */
async function openTrial(context: DiagnosisContext, factory: ExplorerFactory): Promise<Explorer | undefined> {
  try {
    return await context.openTrial(factory)
  } catch (error) {
    if (!isP2PError(error)) throw error
    return undefined
  }
}

async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, signal)
  signal?.throwIfAborted()
}

/** Our networks, each with what every explorer did there and what we say to ourselves. */
async function networksOf(
  explorers: readonly Explorer[],
  port: number,
  signal: AbortSignal | undefined,
): Promise<readonly NetworkFacts[]> {
  const links = explorers.flatMap((explorer) =>
    explorer.counters.links.map((link) => ({ explorer, link, key: `${link.interfaceName} ${link.address}` })),
  )
  const byNetwork = Map.groupBy(links, ({ key }) => key)
  const first = new Map(links.toReversed().map((one) => [one.key, one.link]))
  return await Promise.all(
    [...first].map(async ([key, { interfaceName, address, netmask }]): Promise<NetworkFacts> => {
      const [unicast, tcp] = await Promise.all([
        callSelf(explorers, address, signal),
        knock({ address, port }, signal),
      ])
      const kind = networkKind(interfaceName, address.startsWith('127.'))
      const ways = (byNetwork.get(key) ?? []).map(({ explorer, link }) => wayOf(explorer.name, link))
      return { name: interfaceName, address, netmask, kind, ways, unicast, tcp }
    }),
  )
}

function wayOf(way: string, link: LinkCounters): WayFacts {
  const { joined, sent, failed, lastError, heard, echoed, answers } = link
  return { way, joined, sent, failed, lastError, heard, echoed, answers }
}

/** Where explorers share the port, one of them gets it; that is as good as any. */
async function callSelf(
  explorers: readonly Explorer[],
  address: string,
  signal: AbortSignal | undefined,
): Promise<NetworkFacts['unicast']> {
  const options = signal === undefined ? {} : { signal }
  const results = await Promise.all(explorers.map((explorer) => explorer.callSelf(address, options)))
  return (['heard', 'other'] as const).find((one) => results.includes(one)) ?? 'silent'
}
