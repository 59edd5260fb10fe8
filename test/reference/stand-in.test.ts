/** The stand-in against itself: what our client is measured with has to be right first. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { labUnavailable, openLab } from '../lab/lab.ts'
import { openReference } from '../lab/reference.ts'
import { StandIn, type StandInEvent, type StandInOptions } from './stand-in.ts'
import { Crash, encodeFrame, encodeAnnouncement, parseDatagram, parsePeerList, uuidText } from './wire.ts'

const skip = labUnavailable()

test('two stand-ins find each other by multicast, in up to one period', { skip }, async () => {
  await using lab = await openLab({ hosts: 2 })
  await using one = await openReference(lab.host(0), { periodMs: 300 })
  await using two = await openReference(lab.host(1), { periodMs: 300 })
  await Promise.all([one.found(two.id), two.found(one.id)])
})

test('two stand-ins find each other by broadcast, chat, and leave', { skip }, async () => {
  await using lab = await openLab({ hosts: 2 })
  const options = { periodMs: 300, checkPeriodMs: 500, to: '255.255.255.255' }
  await using one = await openReference(lab.host(0), options)
  await using two = await openReference(lab.host(1), options)
  await Promise.all([one.found(two.id), two.found(one.id)])

  await one.command(`connect ${two.id}`)
  const [outgoing, incoming] = await Promise.all([one.session(two.id), two.session(one.id)])
  assert.deepEqual([outgoing.incoming, incoming.incoming], [false, true])
  await one.command(`send ${outgoing.id} hello there`)
  await two.message('message:arrived', 'hello there')
  await two.command(`attach ${incoming.id}`)
  await two.message('message:shown', 'hello there')
  await two.command(`send ${incoming.id} hi`)
  await one.message('message:arrived', 'hi')

  await one.command(`close-session ${outgoing.id}`)
  const closed = await two.event('session:closed')
  assert.deepEqual([closed['code'], closed['reason']], [1000, 'manual close'])
  await assert.rejects(one.command(`load-peers ${two.id}`), /knows nobody/)
  two.write('exit')
  await one.event('peer:lost')
})

test('one forged datagram makes two stand-ins answer each other without end', { skip }, async () => {
  await using lab = await openLab({ hosts: 3 })
  const [one, two, attacker] = [lab.host(0), lab.host(1), lab.host(2)]
  await using first = await openReference(one)
  await using second = await openReference(two)
  const sent = one.countSent('udp sport 8001')
  const forged = encodeAnnouncement({ id: second.id, port: 8001, ip: '<nil>', isPublicIp: false })
  const route = { from: { address: two.address, port: 8001 }, to: { host: one, port: 8001 } }
  attacker.sendDatagrams(route, [forged])
  await first.found(second.id)
  await sleep(500)
  assert.ok(sent() > 100, `${sent()} datagrams in half a second`)
})

test('where the published client crashes, the stand-in crashes', () => {
  const id = '0102030405060708090a0b0c0d0e0f10'
  const whole = encodeAnnouncement({ id: uuidText(id)!, port: 8001, ip: '<nil>', isPublicIp: false })
  assert.equal(Buffer.from(whole).toString('hex'), `0a120a10${id}10c13e22053c6e696c3e`)
  assert.throws(() => parseDatagram(new Uint8Array()), Crash)
  assert.throws(() => parseDatagram(Buffer.from('10c13e', 'hex')), Crash)
  assert.throws(() => parseDatagram(Buffer.from('0a00', 'hex')), Crash)
  assert.throws(() => parsePeerList(Buffer.from('0a0310c13e', 'hex')), Crash)
  assert.throws(() => parsePeerList(new Uint8Array()), /nobody/)
  const files = Buffer.from(`1a${(1100).toString(16)}`, 'hex')
  assert.throws(() => parseDatagram(Buffer.concat([whole, files, Buffer.alloc(1100)])))
})

test('an answer to /peers without Content-Length, or cut by the single read, is noticed', async () => {
  const answers = [
    'HTTP/1.1 404 Not Found\r\n\r\n',
    `HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n${'x'.repeat(5000)}`,
  ]
  for (const answer of answers) {
    await using server = await openAnswering(answer)
    await using standIn = await openLoopback()
    standIn.learn({ id: guest, address: '127.0.0.1', port: server.port })
    await assert.rejects(standIn.loadPeers(guest), answer === answers[0] ? Crash : /one read/)
    assert.equal(
      standIn.events.some(({ type }) => type === 'crash'),
      answer === answers[0],
    )
  }
})

test('a /ping that keeps its connection is counted as leaked, and anything but 200 forgets the peer', async () => {
  await using keeping = await openAnswering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'keep')
  await using stopping = await openAnswering(
    'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
  )
  await using standIn = await openLoopback({ checkPeriodMs: 50 })
  standIn.learn({ id: guest, address: '127.0.0.1', port: keeping.port })
  standIn.learn({ id: otherGuest, address: '127.0.0.1', port: stopping.port })
  const lost = await standIn.next('peer:lost')
  assert.deepEqual([lost.peer.id, lost.reason], [otherGuest, 'status 503'])
  assert.ok(standIn.leakedConnections >= 1)
})

test('strangers get 403, and a known peer that does not upgrade 426', async () => {
  await using standIn = await openLoopback()
  const url = `http://127.0.0.1:${standIn.port}`
  const statusOf = async (path: string, id = guest): Promise<number> => {
    const answer = await fetch(url + path, { headers: { PeerID: id } })
    return answer.status
  }
  assert.deepEqual([await statusOf('/peers'), await statusOf('/ws'), await statusOf('/x')], [403, 403, 404])
  standIn.learn({ id: guest, address: '127.0.0.1', port: 1 })
  assert.deepEqual([await statusOf('/peers'), await statusOf('/ws')], [200, 426])
  assert.equal(await statusOf('/peers', guest.replaceAll('-', '').toUpperCase()), 200)
})

test('W13: the 21st message to a user who is not attached ends the session', async () => {
  await using standIn = await openLoopback({ pingPeriodMs: 300, pongTimeoutMs: 100 })
  const client = await dial(standIn)
  for (let count = 0; count < 25; count++) client.send(encodeFrame(`message ${count}`))
  const closed = await standIn.next('session:closed')
  assert.equal(closed.reason, 'no pong within 100 ms')
  assert.equal(standIn.events.filter(({ type }) => type === 'message:arrived').length, 20)
})

test('W13: a user who attaches in time reads on, and the session stays', async () => {
  await using standIn = await openLoopback({ pingPeriodMs: 300, pongTimeoutMs: 100 })
  const client = await dial(standIn)
  for (let count = 0; count < 25; count++) client.send(encodeFrame(`message ${count}`))
  const { session } = await standIn.next('session:opened')
  await sleep(100)
  standIn.session(session.id).attach()
  await sleep(700)
  assert.equal(standIn.events.filter(({ type }) => type === 'message:shown').length, 25)
  assert.equal(standIn.sessions.size, 1)
})

test('a session ends with the status that the published client gives', async () => {
  const inputs: readonly (readonly [string | Uint8Array, number])[] = [
    ['text', 1011],
    [Buffer.from('ff', 'hex'), 1011],
    [Buffer.alloc(32_769), 1009],
  ]
  await using standIn = await openLoopback()
  for (const [input, code] of inputs) {
    const client = await dial(standIn)
    client.send(input)
    const [status] = (await once(client, 'close')) as [number]
    assert.equal(status, code)
  }
})

test('it sends at most ten messages a second, after a burst of ten', async () => {
  await using standIn = await openLoopback()
  await dial(standIn)
  const { session } = await standIn.next('session:opened')
  const started = performance.now()
  const times: number[] = []
  await Promise.all(
    Array.from({ length: 13 }, async (_, count) => {
      await standIn.session(session.id).send(`message ${count}`)
      times.push(performance.now() - started)
    }),
  )
  assert.ok(times[12]! >= 250, `the 13th after ${times[12]} ms`)
})

const guest = uuidText('22222222222242228222222222222222')!
const otherGuest = uuidText('33333333333343338333333333333333')!
let discoveryPort = 28_000

/** On this machine, away from the usual ports; `next` waits for one event. */
async function openLoopback(options: Partial<StandInOptions> = {}) {
  const events: StandInEvent[] = []
  const standIn = await StandIn.open({
    ip: '127.0.0.1',
    port: 0,
    discoveryPort: discoveryPort++,
    to: '127.255.255.255',
    onEvent: (event) => events.push(event),
    ...options,
  })
  async function next<Type extends StandInEvent['type']>(type: Type) {
    for (let tries = 0; tries < 500; tries++) {
      const found = events.find(
        (event): event is Extract<StandInEvent, { type: Type }> => event.type === type,
      )
      if (found !== undefined) return found
      await sleep(10)
    }
    throw new Error(`no ${type} within 5 s`)
  }
  return Object.assign(standIn, { events, next, [Symbol.asyncDispose]: () => standIn.close() })
}

/** A server that answers every connection with the same bytes. */
async function openAnswering(bytes: string, then: 'end' | 'keep' = 'end') {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => (then === 'end' ? socket.end(bytes) : socket.write(bytes)))
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close }
}

async function dial(standIn: StandIn): Promise<WebSocket> {
  standIn.learn({ id: guest, address: '127.0.0.1', port: 1 })
  const client = new WebSocket(`ws://127.0.0.1:${standIn.port}/ws`, { headers: { PeerID: guest } })
  await once(client, 'open')
  return client
}
