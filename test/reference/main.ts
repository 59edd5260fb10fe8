/**
 * The stand-in as a program of its own, for a host of the lab: events and results as JSON lines on standard output,
 * one command per line on standard input. It exits with status 1 wherever the published client would crash.
 */
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { StandIn, viewOf, type StandInEvent } from './stand-in.ts'

const { values } = parseArgs({
  options: {
    ip: { type: 'string' },
    id: { type: 'string' },
    to: { type: 'string' },
    port: { type: 'string' },
    'discovery-port': { type: 'string' },
    'period-ms': { type: 'string' },
    'check-period-ms': { type: 'string' },
    'ping-period-ms': { type: 'string' },
  },
})

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

function onEvent(event: StandInEvent): void {
  print(event)
  if (event.type === 'crash') process.exit(1)
}

/** The words of the published client's shell, and what a test needs besides. */
const commands: Readonly<Record<string, (standIn: StandIn, ...args: string[]) => unknown>> = {
  peers: (standIn) => standIn.peers,
  sessions: (standIn) => [...standIn.sessions.values()].map(viewOf),
  pongs: (standIn, id = '') => standIn.session(id).pongsMs,
  counts: (standIn) => standIn.counts,
  connect: async (standIn, id = '') => viewOf(await standIn.connect(id)),
  attach: (standIn, id = '') => standIn.session(id).attach(),
  detach: (standIn, id = '') => standIn.session(id).detach(),
  send: (standIn, id = '', ...words) => standIn.session(id).send(words.join(' ')),
  'send-bytes': (standIn, id = '', hex = '') => standIn.session(id).sendRaw(Buffer.from(hex, 'hex')),
  'send-text-frame': (standIn, id = '', ...words) => standIn.session(id).sendRaw(words.join(' ')),
  'close-session': (standIn, id = '') => standIn.session(id).close(),
  'load-peers': (standIn, id = '') => standIn.loadPeers(id),
  learn: (standIn, id = '', address = '', port = '') => standIn.learn({ id, address, port: Number(port) }),
  emit: (standIn, target) => {
    if (target === undefined) return standIn.announce()
    const colon = target.lastIndexOf(':')
    return standIn.emit(target.slice(0, colon), Number(target.slice(colon + 1)))
  },
  exit: () => process.exit(0),
}

async function run(standIn: StandIn, command: string): Promise<void> {
  const [word = '', ...args] = command.trim().split(/\s+/)
  try {
    const known = commands[word]
    if (known === undefined) throw new Error(`no command ${word}`)
    const result = await known(standIn, ...args)
    print({ type: 'done', command, ok: true, result })
  } catch (error) {
    print({ type: 'done', command, ok: false, error: String(error) })
  }
}

const numbers = {
  port: values.port,
  discoveryPort: values['discovery-port'],
  periodMs: values['period-ms'],
  checkPeriodMs: values['check-period-ms'],
  pingPeriodMs: values['ping-period-ms'],
}
const given = Object.entries(numbers).filter(([, text]) => text !== undefined)

const standIn = await StandIn.open({
  ip: values.ip ?? '127.0.0.1',
  ...(values.id === undefined ? {} : { id: values.id }),
  ...(values.to === undefined ? {} : { to: values.to }),
  ...Object.fromEntries(given.map(([name, text]) => [name, Number(text)])),
  onEvent,
})
const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => void run(standIn, line))
lines.on('close', () => process.exit(0))
