/** How many messages arrive in a second over one channel between two processes; nothing is stored (see delivery.ts for that). */
import { text, type Request } from '../conversation.ts'
import { pairs, withEnds, type Pair } from '../ends.ts'
import { inTurn, type Figure } from '../figure.ts'
import type { Worker } from '../worker.ts'

const runs = 7
/** Enough for the compilers of both ends to have settled. */
const warmUpMessages = 500_000
const messagesOfOurs = 1_000_000
const messagesOfBareWs = 300_000
/** Each of these goes through the store of a node, in memory, which takes longer. */
const storedMessages = 50_000

export const messages: Figure = {
  name: 'messages',
  about: `one-way messages a second (${text.length}-byte texts) over our transport, nothing stored, next to bare ws, plain and over TLS`,
  async measure() {
    const ours: number[] = []
    const plain: number[] = []
    const sameFrames: number[] = []
    for (let run = 0; run < runs; run++) {
      plain.push(await rateOf(pairs.bareWs, messagesOfBareWs))
      const { perSecond, frames } = await withEnds(pairs.channel, flood)
      ours.push(perSecond)
      sameFrames.push(await withEnds(pairs.bareTls, (from, to) => frameRate(from, to, frames)))
    }
    const note =
      'nothing is stored, and no rate is set (decision record 0003); messages that are stored are the figure durable-messages'
    return [
      {
        name: 'messages',
        unit: '1/s',
        ours,
        baseline: plain,
        targets: [{ of: 'ratio', is: 'at least', bound: 3 }],
        note: `one encrypted channel: messages encoded, gathered in frames and decoded, next to bare plain ws with one send a message; ${note}`,
      },
      {
        name: 'messages-same-frames',
        unit: '1/s',
        ours,
        baseline: sameFrames,
        targets: [{ of: 'ratio', is: 'at least', bound: 0.5 }],
        note: 'the same runs, next to bare ws over TLS 1.3 that sends as many frames of the same sizes, and reads no messages in them',
      },
    ]
  },
}

export const referenceMessages: Figure = {
  name: 'messages-reference',
  about: 'one-way messages a second that a reference peer sends to us in plain, next to bare ws',
  async measure() {
    return [
      {
        name: 'messages-reference',
        unit: '1/s',
        ...(await inTurn(
          runs,
          () => rateOf(pairs.reference, storedMessages, storedMessages),
          () => rateOf(pairs.bareWs, messagesOfBareWs),
        )),
        targets: [],
        note: 'one message a frame, as the reference sends them; ours stores each, the baseline none; the sender is the same bare ws in both',
      },
    ]
  },
}

interface Flood {
  readonly perSecond: number
  /** The size of each frame, in order. */
  readonly frames: readonly number[]
}

function rateOf(pair: Pair, count: number, warmUp = warmUpMessages): Promise<number> {
  return withEnds(pair, async (from, to) => {
    await transfer(from, to, warmUp)
    return (count - 1) / (await transfer(from, to, count))
  })
}

async function flood(from: Worker, to: Worker): Promise<Flood> {
  await transfer(from, to, warmUpMessages)
  await from.ask({ kind: 'frames' } satisfies Request)
  const seconds = await transfer(from, to, messagesOfOurs)
  const frames = await from.ask<readonly number[]>({ kind: 'frames' } satisfies Request)
  return { perSecond: (messagesOfOurs - 1) / seconds, frames }
}

/** How many of the messages that went in these frames would go in a second. */
async function frameRate(from: Worker, to: Worker, sizes: readonly number[]): Promise<number> {
  const send = async (): Promise<number> => {
    await to.ask({ kind: 'expect', messages: sizes.length } satisfies Request)
    await from.ask({ kind: 'flood-frames', sizes } satisfies Request)
    return await to.ask<number>({ kind: 'arrived' } satisfies Request)
  }
  await send()
  return messagesOfOurs / (await send())
}

async function transfer(from: Worker, to: Worker, count: number): Promise<number> {
  await to.ask({ kind: 'expect', messages: count } satisfies Request)
  await from.ask({ kind: 'flood', messages: count } satisfies Request)
  return await to.ask<number>({ kind: 'arrived' } satisfies Request)
}
