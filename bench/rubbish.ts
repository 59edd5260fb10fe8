/** A stranger that begins handshakes all the time and finishes none as a peer does. */
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { mutualTls } from './tls.ts'
import { serve } from './worker.ts'

export type RubbishRequest =
  /** Begins so many handshakes a second with the TCP port, until told to stop; answers at once. */
  | { readonly kind: 'start'; readonly port: number; readonly perSecond: number }
  /** Answers with how many a second were begun. */
  | { readonly kind: 'stop' }

/** Calls come from this many addresses of the loopback network, since a peer lets in only so many from one. */
const sources = 16
/** After this the stranger hangs up, if nobody has before. */
const staysMs = 2_000

const { cert, key, ...withoutCertificate } = mutualTls()

/** From what costs the other side least to what costs it most. */
const kinds: readonly ((socket: Socket) => Socket)[] = [
  // A record of the handshake with nothing in it that has a meaning.
  (socket) => {
    socket.write(Buffer.concat([Buffer.of(0x16, 3, 1, 1, 0), randomBytes(256)]))
    return socket
  },
  // Hangs up in the middle: the other side has computed its part.
  (socket) => {
    socket.once('data', () => socket.destroy())
    return connectTls({ ...withoutCertificate, socket })
  },
  // Proves nothing.
  (socket) => connectTls({ ...withoutCertificate, socket }),
  // A key that nobody knows, and then no request.
  (socket) => {
    const secure = connectTls({ ...withoutCertificate, cert, key, socket })
    return secure.on('secureConnect', () => secure.write(randomBytes(64)))
  },
]

let timer: NodeJS.Timeout | undefined
let begun = 0
let startedAt = 0

function begin(port: number): void {
  const localAddress = `127.2.0.${1 + (begun % sources)}`
  const socket = connect({ host: '127.0.0.1', port, localAddress }).on('error', () => {})
  const make = kinds[Math.floor(begun / sources) % kinds.length]
  begun++
  socket.on('connect', () =>
    make?.(socket)
      .on('error', () => {})
      .resume(),
  )
  const leaving = setTimeout(() => socket.destroy(), staysMs)
  socket.on('close', () => clearTimeout(leaving))
}

function start(port: number, perSecond: number): void {
  begun = 0
  startedAt = performance.now()
  timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1000) * perSecond
    while (begun < due) begin(port)
  }, 1)
}

function stop(): number {
  clearInterval(timer)
  return begun / ((performance.now() - startedAt) / 1000)
}

serve((request: RubbishRequest) =>
  request.kind === 'start' ? start(request.port, request.perSecond) : stop(),
)
