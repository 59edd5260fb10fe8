/** From a key until the screen that it changes is written, in a real terminal. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { install, onLoopback } from '../command.ts'
import type { CrowdRequest } from '../crowd.ts'
import { percentile, type Figure, type Measurement } from '../figure.ts'
import { freeUdpPort } from '../ports.ts'
import { openWorker } from '../worker.ts'
import { fill } from './store.ts'

const peers = 1_000
const messages = 100_000
/** The crowd announces itself in some seconds, and is asked whether it is there at once. */
const settleMs = 40_000

const story = {
  columns: 120,
  rows: 40,
  sign: 'q quit',
  settleMs,
  phases: [
    { name: 'list', keys: ['\u001B[B', '\u001B[B', '\u001B[6~', '\u001B[A'], times: 200 },
    { name: 'open', keys: ['\u001B[H', '\r', '\u001B'], times: 30 },
    {
      name: 'write',
      keys: ['\r', ...'a message that somebody types, letter by letter '.split('')],
      times: 200,
    },
    { name: 'scroll', keys: ['\u001B[5~', '\u001B[5~', '\u001B[5~', '\u001B[6~'], times: 200 },
  ],
}

interface Taken {
  readonly startMs: number
  readonly phases: Readonly<
    Record<string, { readonly ms: readonly number[]; readonly bytes: readonly number[] }>
  >
}

export const terminalKeys: Figure = {
  name: 'tui-keys',
  about: `terminal UI: key to screen p95, with ${peers} peers and ${messages} messages, 120 columns by 40 rows`,
  async measure() {
    const port = await freeUdpPort()
    using command = install(onLoopback(port))
    await fill(join(command.dataDirOf('desk'), 'messages.db'), { messages, among: 1 })
    await using crowd = await openWorker('crowd.ts', ['p2p'])
    const words = command.argsOf('desk', '--config', command.config, '--port', '0')
    const taken = await play(words, () =>
      crowd.ask({ kind: 'announce', count: peers, port } satisfies CrowdRequest),
    )
    return [keys(taken), bytes(taken), start(taken)]
  },
}

/** Presses the keys of the story; `shown` is called as soon as there is a screen. */
async function play(words: readonly string[], shown: () => Promise<unknown>): Promise<Taken> {
  const script = join(import.meta.dirname, '../ours/terminal.py')
  const child = spawn('python3', [script, JSON.stringify(story), '--', process.execPath, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  let last = ''
  for await (const line of createInterface({ input: child.stdout })) {
    last = line
    if (line === 'shown') await shown()
  }
  await ended
  return JSON.parse(last) as Taken
}

function keys({ phases }: Taken): Measurement {
  const each = Object.entries(phases).map(([name, { ms }]) => `${name} ${percentile(ms, 0.95).toFixed(1)}`)
  return {
    name: 'tui-keys',
    unit: 'ms',
    ours: Object.values(phases).flatMap(({ ms }) => ms),
    baseline: [],
    percentile: 0.95,
    targets: [{ of: 'value', is: 'at most', bound: 30 }],
    note: `p95 of each: ${each.join(', ')} ms`,
  }
}

function bytes({ phases }: Taken): Measurement {
  const each = Object.entries(phases).map(([name, taken]) => `${name} ${percentile(taken.bytes, 0.5)}`)
  return {
    name: 'tui-bytes',
    unit: 'bytes a key',
    ours: phases['write']?.bytes ?? [],
    baseline: [],
    targets: [],
    note: `median while one writes; of each: ${each.join(', ')}`,
  }
}

function start({ startMs }: Taken): Measurement {
  const note = 'from the start of the process until the first whole screen'
  return { name: 'tui-start', unit: 'ms', ours: [startMs], baseline: [], targets: [], note }
}
