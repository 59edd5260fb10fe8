/**
 * Everything that the threat table lists for TLS and identity, sent by one stranger to one node:
 *
 *   node attack-keys.ts TARGET-ADDRESS SECONDS FRIEND-ID CERTIFICATE-FILE...
 *
 * FRIEND-ID is a peer that the target knows; the files hold a key and a certificate each. It goes round until the time is
 * over, then prints how often each attack was made (`tried`) and how often it got what nobody may get (`won`).
 */
import { createHash, randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'

import { KeyPair } from '../../src/identity/key-pair.ts'
import { encodeAnnouncement, type Upgrade } from '../../src/protocol/announcement.ts'
import { encodePairing } from '../../src/protocol/pairing.ts'
import type { PeerId } from '../../src/protocol/peer-id.ts'
import { clientFrame, frames } from './bad-frames.ts'

const [target = '', seconds = '', friendText = '', ...certificateFiles] = process.argv.slice(2)
const friend = friendText as PeerId
const port = 8001
const endAt = performance.now() + Number(seconds) * 1_000
const tried: Record<string, number> = {}
const won: Record<string, number> = {}
/** Sessions of fresh keys that are held open. */
const held = new Set<Socket>()

const keys = Array.from({ length: 100 }, () => KeyPair.make())
const fresh = (): KeyPair => keys[Math.floor(Math.random() * keys.length)]!
const ours = { minVersion: 'TLSv1.3', ALPNProtocols: ['p2p/1'] } as const
const proving = ({ certificate, privateKey }: KeyPair): ConnectionOptions => ({
  ...ours,
  cert: certificate,
  key: privateKey,
})

const count = (counts: Record<string, number>, name: string): void =>
  void (counts[name] = (counts[name] ?? 0) + 1)

/** What each attack with a whole handshake lacks. Any byte that comes back has won. */
const badHandshakes: readonly (readonly [string, ConnectionOptions])[] = [
  ['no certificate', ours],
  ['no ALPN', { ...proving(fresh()), ALPNProtocols: [] }],
  ['ALPN h2', { ...proving(fresh()), ALPNProtocols: ['h2'] }],
  ['TLS 1.2', { ...proving(fresh()), minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }],
  ...certificateFiles.map((file): readonly [string, ConnectionOptions] => {
    const text = readFileSync(file, 'utf8')
    return [`certificate ${file.replace(/.*\//, '')}`, { ...ours, cert: text, key: text }]
  }),
]

/** A connection over TLS, as soon as the handshake seems over to us; undefined when there is none. */
async function secure(options: ConnectionOptions): Promise<TLSSocket | undefined> {
  const socket = connectTls({ host: target, port, rejectUnauthorized: false, ...options })
  socket.on('error', () => {})
  const closed = once(socket, 'close').then(() => false)
  const opened = once(socket, 'secureConnect').then(() => true)
  opened.catch(() => {})
  closed.catch(() => {})
  if (await Promise.race([opened, closed, sleep(2_000, false)]).catch(() => false)) return socket
  socket.destroy()
  return undefined
}

function request(path: string, id: string, version = '1'): string {
  const upgrade =
    path === '/peers'
      ? ''
      : `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n`
  return `GET ${path} HTTP/1.1\r\nHost: ${target}:${port}\r\n${upgrade}PeerID: ${id}\r\nP2P-Version: ${version}\r\n\r\n`
}

/** The first thing that is said to us within half a second. */
async function answerTo(socket: Socket, text: string): Promise<string> {
  const answer = new Promise<string>((resolve) => {
    socket.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1')))
    socket.once('close', () => resolve(''))
  })
  socket.write(text)
  return Promise.race([answer, sleep(500, '')])
}

async function openPlain(): Promise<Socket> {
  const socket = connectTcp({ host: target, port })
  socket.on('error', () => {})
  await Promise.race([once(socket, 'connect').catch(() => {}), sleep(500)])
  return socket
}

const admitted = (answer: string): boolean => / (?:101|200) /.test(answer.slice(0, 20))

/** T2, T3, T4, T8: a handshake that lacks something; whoever answers has read a request of nobody. */
async function sendBadHandshake([name, options]: (typeof badHandshakes)[number]): Promise<void> {
  const socket = await secure(options)
  count(tried, name)
  if (socket === undefined) return
  if ((await answerTo(socket, request('/ping', friend))) !== '') count(won, name)
  socket.destroy()
}

/** T5: proved one ID, and says another, an old one, or none. */
async function sendOtherId(): Promise<void> {
  for (const id of [friend, fresh().id, '11111111-1111-4111-8111-111111111111', '']) {
    for (const path of ['/ws', '/peers', '/pair']) {
      const key = KeyPair.make()
      const socket = await secure(proving(key))
      if (socket === undefined) continue
      count(tried, 'another ID')
      if (admitted(await answerTo(socket, request(path, id)))) count(won, 'another ID')
      socket.destroy()
    }
  }
}

/** H9: a version 8 ID in plain. */
async function sendProvableIdInPlain(): Promise<void> {
  for (const id of [friend, fresh().id]) {
    for (const path of ['/ws', '/peers', '/pair']) {
      const socket = await openPlain()
      count(tried, 'plain')
      if (admitted(await answerTo(socket, request(path, id)))) count(won, 'plain')
      socket.destroy()
    }
  }
}

/** T10: what begins like TLS and is not, byte by byte, cut off, or reset. */
async function sendRubbish(): Promise<void> {
  const hello = await clientHello()
  const attacks: readonly ((socket: Socket) => void)[] = [
    (socket) => socket.end(Buffer.concat([Buffer.of(0x16), randomBytes(300)])),
    (socket) => socket.end(Buffer.concat([Buffer.from('16030102000100', 'hex'), randomBytes(600)])),
    (socket) => socket.write(Buffer.from('80280103010000', 'hex')),
    (socket) => socket.write(hello, () => socket.resetAndDestroy()),
    (socket) => socket.write(hello.subarray(0, 5)),
    (socket) => socket.write(hello, () => socket.write(randomBytes(8_192))),
    (socket) => socket.resetAndDestroy(),
    (socket) => drip(socket, hello),
  ]
  for (const attack of attacks) {
    const socket = await openPlain()
    count(tried, 'rubbish')
    attack(socket)
    setTimeout(() => socket.destroy(), 400)
    // At most 200 a second: of those that one address may have waiting.
    await sleep(5)
  }
}

function drip(socket: Socket, bytes: Buffer): void {
  socket.setNoDelay()
  for (let at = 0; at < Math.min(bytes.length, 200); at++) socket.write(bytes.subarray(at, at + 1))
}

let knownHello: Buffer | undefined

/** The first bytes of a real handshake. */
async function clientHello(): Promise<Buffer> {
  if (knownHello !== undefined) return knownHello
  const { createServer } = await import('node:net')
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: own } = server.address() as { port: number }
  const client = connectTls({ host: '127.0.0.1', port: own, rejectUnauthorized: false, ...proving(fresh()) })
  client.on('error', () => {})
  const [caller] = (await once(server, 'connection')) as [Socket]
  knownHello = ((await once(caller, 'data')) as [Buffer])[0]
  client.destroy()
  caller.destroy()
  server.close()
  return knownHello
}

/** Keys cost nothing: sessions of many of them, held or filled with frames that no peer may be harmed by. */
async function openSessions(): Promise<void> {
  for (const frame of frames) {
    const key = fresh()
    const socket = await secure(proving(key))
    if (socket === undefined) continue
    if (!admitted(await answerTo(socket, request('/ws', key.id)))) {
      count(tried, 'session refused')
      socket.destroy()
      continue
    }
    count(tried, 'session')
    held.add(socket)
    socket.on('close', () => held.delete(socket))
    socket.on('data', () => {})
    if (Math.random() < 0.3) socket.write(frame)
  }
}

/** Attempts to pair with the user, who never asked for any, in and out of turn. */
async function pair(): Promise<void> {
  const nonce = randomBytes(32)
  const commitment = createHash('sha256').update(nonce).digest()
  const says: readonly (readonly Uint8Array[])[] = [
    [encodePairing({ kind: 'commit', commitment })],
    [encodePairing({ kind: 'commit', commitment }), encodePairing({ kind: 'reveal', nonce })],
    [encodePairing({ kind: 'reveal', nonce })],
    [encodePairing({ kind: 'nonce', nonce })],
    [encodePairing({ kind: 'verdict', same: true, mac: nonce })],
    [encodePairing({ kind: 'scan', mac: nonce })],
    [encodePairing({ kind: 'taken' })],
    [encodePairing({ kind: 'succession', statement: randomBytes(250) })],
    [randomBytes(1_025)],
    [new Uint8Array()],
    Array.from({ length: 40 }, () => encodePairing({ kind: 'commit', commitment })),
  ]
  for (const said of says) {
    const key = KeyPair.make()
    const socket = await secure(proving(key))
    if (socket === undefined) continue
    const taken = admitted(await answerTo(socket, request('/pair', key.id)))
    count(tried, taken ? 'pairing' : 'pairing refused')
    for (const frame of taken ? said : []) socket.write(clientFrame(0x82, Buffer.from(frame)))
    setTimeout(() => socket.destroy(), 300)
  }
}

/** U17 and U16: IDs with no key, another's key, half a key; the friend at our address, leaving, without its key. */
async function announce(): Promise<void> {
  const mouth = createSocket('udp4')
  mouth.on('error', () => {})
  mouth.bind(0)
  await once(mouth, 'listening')
  const [one, other] = [KeyPair.make(), KeyPair.make()]
  const usual: Upgrade = {
    protocol: 1,
    instance: 7n,
    key: one.key,
    capabilities: 2 ** 32 - 1,
    name: 'friend',
    leaving: false,
    wantsAnswer: true,
  }
  const said: readonly (readonly [PeerId, Partial<Upgrade> | undefined])[] = [
    [one.id, undefined],
    [one.id, { key: undefined }],
    [one.id, { key: other.key }],
    [other.id, {}],
    [friend, undefined],
    [friend, {}],
    [friend, { key: undefined, leaving: true }],
    [friend, { leaving: true }],
    ['22222222-2222-4222-8222-222222222222' as PeerId, {}],
  ]
  for (const [id, changes] of said) {
    const upgrade = changes === undefined ? undefined : { ...usual, ...changes }
    const announcement = { id, port, files: new Map(), ip: undefined, isPublicIp: false, upgrade }
    mouth.send(encodeAnnouncement(announcement), port, target, () => {})
    count(tried, 'announcement')
    await sleep(10)
  }
  mouth.close()
}

async function repeat(act: () => Promise<void>): Promise<void> {
  while (performance.now() < endAt) {
    await act()
    await sleep(20)
  }
}

async function eachBadHandshake(): Promise<void> {
  for (const bad of badHandshakes) await sendBadHandshake(bad)
}

await Promise.all(
  [eachBadHandshake, sendOtherId, sendProvableIdInPlain, sendRubbish, openSessions, pair, announce].map(
    repeat,
  ),
)
for (const socket of held) socket.destroy()
process.stdout.write(`${JSON.stringify({ type: 'done', tried, won })}\n`, () => process.exit())
