/**
 * Run on a host of the lab through which another one is routed: takes the calls that were meant for a peer and answers
 * them in one of several bad ways. It counts every byte of an application that it gets to see.
 *
 *   node middle.ts LISTEN-PORT TARGET-ADDRESS TARGET-PORT MODE [KEY-FILE]
 *
 * A line of standard input is the next mode; connections that are open then are reset. With KEY-FILE it has
 * stolen the key of the peer.
 */
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls'
import { WebSocketServer } from 'ws'

import { KeyPair } from '../../src/identity/key-pair.ts'

/**
 * `relay` passes all on, untouched. `impostor` is one of ours with another key. `thief` has the peer's own key, and
 * `thief without ALPN` offers no protocol. `plain` answers as a reference peer would. `reset` and `silent` do just that.
 */
const modes = ['relay', 'impostor', 'thief', 'thief without ALPN', 'plain', 'reset', 'silent'] as const
type Mode = (typeof modes)[number]

const [listenPort, target = '', targetPort, firstMode = '', keyFile] = process.argv.slice(2)
let mode = modeNamed(firstMode)
const counts = { connections: 0, inPlain: 0, applicationBytes: 0 }
const open = new Set<Socket>()

const application = createHttpServer((_, response) =>
  response.writeHead(200, { 'Content-Length': 2 }).end('ok'),
)
const sessions = new WebSocketServer({ noServer: true, perMessageDeflate: false })
sessions.on('headers', (headers) => headers.push('P2P-Version: 1'))
application.on('upgrade', (request, socket, head) => sessions.handleUpgrade(request, socket, head, () => {}))
application.on('clientError', (_, socket) =>
  socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
)

const ownKey = KeyPair.make()
const peersKey = keyFile === undefined ? ownKey : new KeyPair(createPrivateKey(readFileSync(keyFile)))
const answers = {
  impostor: openTls(ownKey, ['p2p/1']),
  thief: openTls(peersKey, ['p2p/1']),
  'thief without ALPN': openTls(peersKey, []),
  plain: application,
}

function openTls({ certificate, privateKey }: KeyPair, protocols: readonly string[]): TlsServer {
  const server = createTlsServer({
    cert: certificate,
    key: privateKey,
    requestCert: true,
    rejectUnauthorized: false,
    ...(protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
  })
  server.on('tlsClientError', () => {})
  return server.on('secureConnection', (socket: TLSSocket) => {
    socket.on('error', () => {})
    application.emit('connection', socket)
    // Only then: the HTTP server would take the bytes from under a listener that is there before.
    socket.on('data', (bytes) => seen(bytes))
  })
}

function seen(bytes: Buffer): void {
  counts.applicationBytes += bytes.length
  print({ type: 'application', text: bytes.toString('latin1').slice(0, 200) })
}

function modeNamed(text: string): Mode {
  const found = modes.find((one) => one === text)
  if (found === undefined) throw new Error(`no mode ${text}`)
  return found
}

const server = createServer((socket) => {
  counts.connections++
  open.add(socket)
  socket.on('error', () => {})
  socket.on('close', () => open.delete(socket))
  socket.once('data', (first: Buffer) => {
    const inPlain = first[0] !== 0x16
    if (inPlain) {
      counts.inPlain++
      seen(first)
    }
    print({ type: 'connection', mode, inPlain })
    socket.pause()
    socket.unshift(first)
    take(socket)
  })
})

function take(socket: Socket): void {
  if (mode === 'reset') return void socket.resetAndDestroy()
  if (mode === 'silent') return
  if (mode === 'relay') return relay(socket)
  answers[mode].emit('connection', socket)
  if (mode === 'plain') socket.resume()
}

function relay(socket: Socket): void {
  const peer = connect({ host: target, port: Number(targetPort) })
  open.add(peer)
  peer.on('error', () => socket.destroy())
  peer.on('close', () => {
    open.delete(peer)
    socket.destroy()
  })
  socket.on('close', () => peer.destroy())
  socket.pipe(peer)
  peer.pipe(socket)
}

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

createInterface({ input: process.stdin }).on('line', (line) => {
  if (line !== 'report') {
    mode = modeNamed(line)
    for (const socket of open) socket.resetAndDestroy()
  }
  print({ type: 'report', mode, ...counts })
})
server.listen(Number(listenPort), '0.0.0.0', () => print({ type: 'started' }))
