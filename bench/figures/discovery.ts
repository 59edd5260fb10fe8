/** Two hosts on one network: how long until each knows the other. */
import { join } from 'node:path'
import { openLab, labUnavailable, type Lab } from '../../test/lab/lab.ts'
import { install, startProgram, type Installed } from '../command.ts'
import type { Figure } from '../figure.ts'
import type { MeeterRequest, Started } from '../ours/meeter.ts'
import { openWorker, type Worker } from '../worker.ts'

const runs = 20
/** Bare datagrams speak on a port of their own, so that the nodes do not hear them. */
const helloPort = 8101
const hello = join(import.meta.dirname, '../baselines/datagram-hello.mjs')

export const discovery: Figure = {
  name: 'discovery',
  about: 'two hosts, start of the second until each knows the other, next to one bare question and answer',
  async measure() {
    const unavailable = labUnavailable()
    if (unavailable !== false) throw new Error(unavailable)
    await using lab = await openLab({ hosts: 2 })
    await using first = await openWorker('ours/meeter.ts', [], { enter: enter(lab, 0) })
    await first.ask<Started>({ kind: 'start' } satisfies MeeterRequest)
    const answer = [hello, 'answer', lab.host(0).address, String(helloPort)]
    await using _answering = await startProgram(answer, { sign: 'answering', enter: enter(lab, 0) })
    using command = install('{ address: 235.5.5.11, port: 8001 }')

    const asked: Asked[] = []
    const startCalls: number[] = []
    const processes: number[] = []
    for (let run = 0; run < runs; run++) {
      // A host that was never heard before: answers to one address are limited in rate.
      lab.host(1).changeAddress(`10.77.0.${100 + 2 * run}`)
      asked.push(await ask(lab))
      startCalls.push(await meet(lab, first))
      lab.host(1).changeAddress(`10.77.0.${101 + 2 * run}`)
      processes.push(await meetCommand(lab, first, command, `peer-${run}`))
    }
    return [
      {
        name: 'discovery',
        unit: 'ms',
        percentile: 0.95,
        ours: startCalls,
        baseline: asked.map(({ insideMs }) => insideMs),
        targets: [{ of: 'value', is: 'at most', bound: 100 }],
        note: 'p95; from the call of startNode in a new process until both have said peer:found',
      },
      {
        name: 'discovery-with-process',
        unit: 'ms',
        percentile: 0.95,
        ours: processes,
        baseline: asked.map(({ processMs }) => processMs),
        targets: [],
        note: 'the same from the start of the installed command, so with the start of Node',
      },
    ]
  },
}

interface Asked {
  readonly insideMs: number
  readonly processMs: number
}

function enter(lab: Lab, host: number): readonly string[] {
  return ['ip', 'netns', 'exec', lab.host(host).namespace]
}

async function ask(lab: Lab): Promise<Asked> {
  const question = [hello, 'ask', lab.host(1).address, String(helloPort)]
  await using asking = await startProgram(question, { sign: 'answered', enter: enter(lab, 1) })
  const { answered } = JSON.parse(asking.line) as { answered: number }
  return { insideMs: answered, processMs: asking.startMs }
}

async function meet(lab: Lab, first: Worker): Promise<number> {
  await using second = await openWorker('ours/meeter.ts', [], { enter: enter(lab, 1) })
  const { id, startedAt } = await second.ask<Started>({ kind: 'start' } satisfies MeeterRequest)
  const foundFirst = await second.ask<string>({ kind: 'found' } satisfies MeeterRequest)
  const foundSecond = await first.ask<string>({ kind: 'found', id } satisfies MeeterRequest)
  return milliseconds(BigInt(startedAt), [BigInt(foundFirst), BigInt(foundSecond)])
}

async function meetCommand(lab: Lab, first: Worker, command: Installed, who: string): Promise<number> {
  const startedAt = process.hrtime.bigint()
  await using second = await command.start(who, { sign: '"peer:found"', enter: enter(lab, 1) })
  const foundFirst = startedAt + BigInt(Math.round(second.startMs * 1e6))
  const id = command.idOf(who)
  const foundSecond = await first.ask<string>({ kind: 'found', id } satisfies MeeterRequest)
  return milliseconds(startedAt, [foundFirst, BigInt(foundSecond)])
}

/** From a moment until the later of two others. */
function milliseconds(from: bigint, until: readonly [bigint, bigint]): number {
  const last = until[0] > until[1] ? until[0] : until[1]
  return Number(last - from) / 1e6
}
