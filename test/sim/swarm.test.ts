/** Many receivers of one file, each with the plan of its own, on links that are shared and slow. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { limits } from '../../src/base/limits.ts'
import { addChunk, emptyChunks } from '../../src/rules/chunk-map.ts'
import { DownloadPlan, type Run } from '../../src/rules/download-plan.ts'

const stepMs = 10

/** What is on its way from one to another. */
interface Flow {
  readonly from: string
  readonly to: Receiver
  readonly run: Run
  sent: number
}

class Receiver {
  readonly id: string
  readonly plan: DownloadPlan
  readonly have: Uint8Array
  doneAt = Infinity

  constructor(number: number, chunks: number) {
    this.id = `receiver ${number}`
    this.plan = new DownloadPlan({ chunks, have: emptyChunks(chunks), seed: (number + 1) * 7_919 })
    this.have = emptyChunks(chunks)
  }
}

interface SwarmOptions {
  readonly chunks: number
  readonly receivers: number
  /** Chunks a second that the seeder, and each receiver, can send. */
  readonly seederRate: number
  readonly receiverRate: number
}

/** @returns when the last one was done, in seconds, and how often the seeder has sent the file */
function play({ chunks, receivers, seederRate, receiverRate }: SwarmOptions) {
  const all = Array.from({ length: receivers }, (_, number) => new Receiver(number, chunks))
  for (const { plan } of all) plan.setSource('seeder', undefined)
  let flows: Flow[] = []
  let sentBySeeder = 0
  let now = 0
  for (; all.some(({ plan }) => plan.missing > 0); now += stepMs) {
    assert.ok(now < 10_000_000, 'it never ends')
    // Not all learn at the same moment what others have.
    for (const [number, receiver] of all.entries()) {
      if ((now + number * 60) % limits.availabilityMs !== 0 || now === 0) continue
      for (const other of all) if (other !== receiver) receiver.plan.setSource(other.id, other.have)
    }
    for (const to of all) {
      for (const from of ['seeder', ...all.map(({ id }) => id)]) {
        if (from === to.id || flows.some((flow) => flow.from === from && flow.to === to)) continue
        const run = to.plan.next(from, now)
        if (run !== undefined) flows.push({ from, to, run, sent: 0 })
      }
    }
    for (const flow of flows) {
      const rate = flow.from === 'seeder' ? seederRate : receiverRate
      const sharers = flows.filter(({ from }) => from === flow.from).length
      const before = Math.floor(flow.sent + 1e-9)
      flow.sent = Math.min(flow.run.count, flow.sent + (rate * stepMs) / 1_000 / sharers)
      for (let index = before; index < Math.floor(flow.sent + 1e-9); index++) {
        if (flow.from === 'seeder') sentBySeeder++
        const chunk = flow.run.first + index
        if (flow.to.plan.arrived(flow.from, chunk, now)) addChunk(flow.to.have, chunk)
      }
    }
    flows = flows.filter((flow) => {
      const over = flow.sent + 1e-9 >= flow.run.count || flow.to.plan.isObsolete(flow.from)
      if (over) flow.to.plan.ended(flow.from, now)
      return !over
    })
    for (const receiver of all)
      if (receiver.plan.missing === 0) receiver.doneAt = Math.min(receiver.doneAt, now)
  }
  return { seconds: now / 1_000, times: sentBySeeder / chunks }
}

test('one seeder with a slow link serves five in little more than the time of one', () => {
  const options = { chunks: 300, seederRate: 20, receiverRate: 100 }
  const one = play({ ...options, receivers: 1 })
  const five = play({ ...options, receivers: 5 })
  assert.equal(one.times, 1)
  assert.ok(five.seconds <= 1.5 * one.seconds, `${five.seconds} s instead of ${one.seconds} s`)
  assert.ok(five.times <= 1.5, `the seeder sent ${five.times} times the file`)
})

test('a small file is still sent less often than there are receivers', () => {
  const { times } = play({ chunks: 48, receivers: 3, seederRate: 12, receiverRate: 500 })
  assert.ok(times < 2, `${times} times`)
})
