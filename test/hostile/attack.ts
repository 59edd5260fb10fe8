/**
 * Everything that the threat table lists for the open wire, sent by one stranger to one node:
 *
 *   node attack.ts TARGET-ADDRESS OWN-ADDRESS SECONDS
 *
 * It goes round until the time is over and prints how often.
 */
import { randomBytes } from 'node:crypto'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { frames, lengthPrefixed } from './bad-frames.ts'

const [target = '', own = '', seconds = '10'] = process.argv.slice(2)
const port = 8001
const endAt = performance.now() + Number(seconds) * 1_000
/** The same in every attack: the table has room for few newcomers of one address. */
const ownId = 'badbad00-0000-4000-8000-0000000badba'
/** Sessions that were let in: the frames met a session, and not a closed door. */
let sessions = 0

const id16 = '000102030405460788090a0b0c0d0e0f'
const peer = (rest: string): string => `0a120a10${id16}${rest}`

/** Rows U1 to U12 and U19: what no peer may be harmed by. */
const datagrams: readonly string[] = [
  '',
  '10c13e',
  '0a00',
  `0a110a0f${id16.slice(2)}10c13e`,
  `0a130a11${id16}aa10c13e`,
  `0a120a10${'00'.repeat(16)}10c13e`,
  `0a120a10${'ff'.repeat(16)}10c13e`,
  peer('1000'),
  peer('10ffffffffffffffffff01'),
  peer('10f0a204'),
  '00',
  '10',
  '0affffffff0f',
  'ffffffffffffffffffffff',
  '8301'.repeat(500),
  '0b'.repeat(1_000),
  '1204c13e0000',
  peer('10c13e2202ff41'),
  peer('10c13e22053c6e696c3e'),
  ...['127.0.0.1', '0.0.0.0', '::1', '169.254.169.254', 'localhost', 'evil.example', 'x'.repeat(900)].map(
    (ip) => peer(`10c13e22${lengthPrefixed(Buffer.from(ip))}2801`),
  ),
  peer(`10c13e1a${lengthPrefixed(Buffer.from('0a095f5f70726f746f5f5f120c7b22706f6c6c75746564227d', 'hex'))}`),
  peer(
    `10c13eca3e${lengthPrefixed(Buffer.concat([Buffer.from('08012a', 'hex'), Buffer.from([60]), Buffer.from('\u001b]0;owned\u0007'.repeat(6).slice(0, 60))]))}`,
  ),
  randomBytes(1_472).toString('hex'),
]

const requests: readonly string[] = [
  'GET / HTTP/1.1\r\n\r\n',
  `GET /peers HTTP/1.1\r\nHost: evil.example:8001\r\nPeerID: ${ownId}\r\n\r\n`,
  `GET /ws HTTP/1.1\r\nHost: ${target}:8001\r\nOrigin: http://evil.example\r\nPeerID: ${ownId}\r\n\r\n`,
  `OPTIONS /peers HTTP/1.1\r\nHost: ${target}:8001\r\n\r\n`,
  `POST /ping HTTP/1.1\r\nHost: ${target}:8001\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello`,
  `GET /ping HTTP/1.1\r\nHost: ${target}:8001\r\nX: ${'a'.repeat(17_000)}\r\n\r\n`,
  `GET /${'a'.repeat(65_000)} HTTP/1.1\r\nHost: ${target}:8001\r\n\r\n`,
  `GET /ping HTTP/1.1\r\nHost: ${target}:8001\r\n${'A: b\r\n'.repeat(2_000)}\r\n`,
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  '\u0016\u0003\u0001\u0002\u0000\u0001',
  'G',
  '\u0000\u0000\u0000\u0000',
]

/** Connects, sends the bytes, then those that are meant for a session if it got one, and leaves in one of two ways. */
async function throwAt(bytes: string, holdMs: number, frame?: Buffer): Promise<void> {
  const socket = connect({ host: target, port })
  socket.on('error', () => {})
  socket.once('data', (answer: Buffer) => {
    if (frame === undefined || !answer.includes(' 101 ')) return
    sessions++
    socket.write(frame)
  })
  socket.on('data', () => {})
  await Promise.race([once(socket, 'connect').catch(() => {}), sleep(500)])
  socket.write(Buffer.from(bytes, 'latin1'))
  await Promise.race([once(socket, 'close').catch(() => {}), sleep(holdMs)])
  if (Math.random() < 0.5) socket.resetAndDestroy()
  else socket.destroy()
}

function upgrade(): string {
  const key = randomBytes(16).toString('base64')
  return [
    'GET /ws HTTP/1.1',
    `Host: ${target}:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${key}`,
    `PeerID: ${ownId}`,
    '\r\n',
  ].join('\r\n')
}

async function openMouth(): Promise<UdpSocket> {
  const socket = createSocket('udp4')
  socket.on('error', () => {})
  socket.bind(0, own)
  await once(socket, 'listening')
  return socket
}

/** 10,000 announcements a second of peers that do not exist (U15), and ourselves now and then. */
async function flood(mouth: UdpSocket): Promise<void> {
  const mine = Buffer.from(`0a120a10${ownId.replaceAll('-', '')}10c13e22053c6e696c3e`, 'hex')
  mouth.send(mine, port, target)
  await sleep(200)
  while (performance.now() < endAt) {
    mouth.send(mine, port, target)
    for (let sent = 0; sent < 100; sent++) {
      const id = randomBytes(16)
      id[6] = 0x40
      mouth.send(
        Buffer.concat([Buffer.from('0a120a10', 'hex'), id, Buffer.from('10c13e', 'hex')]),
        port,
        target,
      )
    }
    await sleep(10)
  }
}

async function repeat<Input>(
  inputs: readonly Input[],
  act: (input: Input) => Promise<void>,
  until = endAt,
): Promise<number> {
  let rounds = 0
  for (; performance.now() < until; rounds++) {
    for (const input of inputs) await act(input)
  }
  return rounds
}

/** Requests and frames, as fast as they are taken. */
async function talk(): Promise<void> {
  const until = endAt - Number(seconds) * 400
  await Promise.all([
    repeat(requests, (request) => throwAt(request, 300), until),
    repeat(frames, (frame) => throwAt(upgrade(), 300, frame), until),
  ])
}

/** Then connections that stay silent: more than are let in, so nothing else gets through meanwhile (H2). */
async function stayConnected(): Promise<void> {
  const silent = Array.from({ length: 20 }, () => repeat(['', 'GET /pi'], (bytes) => throwAt(bytes, 1_000)))
  await Promise.all(silent)
}

const mouth = await openMouth()
const rounds = await Promise.all([
  flood(mouth),
  repeat(datagrams, async (hex) => {
    mouth.send(Buffer.from(hex, 'hex'), port, target)
    await sleep(1)
  }),
  talk().then(() => stayConnected()),
])
mouth.close()
process.stdout.write(
  `${JSON.stringify({ type: 'done', sessions, rounds: rounds.filter((round) => round !== undefined) })}\n`,
)
