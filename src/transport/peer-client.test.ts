import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import {
  announcement,
  openTransport,
  peerId,
  plainly,
  selfId,
  strangerId,
} from '../../test/transport/open.ts'
import { P2PError, isP2PError, type ErrorCode } from '../base/errors.ts'
import { limits as standard, type Limits } from '../base/limits.ts'
import { encodePeerList } from '../protocol/peer-list.ts'
import { fetchPeers, ping } from './peer-client.ts'
import type { Address } from './transport.ts'

interface Hostile extends AsyncDisposable {
  readonly here: Address
  /** Bytes that were written to clients. */
  readonly sentBytes: number
  /** Connections that were accepted. */
  readonly connections: number
  /** What clients asked. */
  readonly heard: string
}

/** A server that does to every connection, as soon as it says something, whatever `act` does. */
async function openHostile(act: (socket: Socket) => void): Promise<Hostile> {
  const sockets = new Set<Socket>()
  let connections = 0
  let heard = ''
  let goneBytes = 0
  const server = createServer((socket) => {
    connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.setDefaultEncoding('latin1')
    socket.on('close', () => (goneBytes += socket.bytesWritten))
    socket.once('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1')
      act(socket)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    here: { address: '127.0.0.1', port: (server.address() as AddressInfo).port },
    get sentBytes() {
      return goneBytes
    },
    get connections() {
      return connections
    },
    get heard() {
      return heard
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Writes `piece` for as long as the other side listens. */
function flood(socket: Socket, piece: string): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(piece));
  }
  socket.on('drain', more)
  more()
}

function drip(socket: Socket, text: string, everyMs = 20): void {
  let at = 0
  const timer = setInterval(() => socket.write(text[at++ % text.length] ?? ''), everyMs)
  socket.on('close', () => clearInterval(timer))
}

const ok = (length: number | undefined, body: string): string =>
  `HTTP/1.1 200 OK\r\n${length === undefined ? '' : `Content-Length: ${length}\r\n`}\r\n${body}`
const bytesText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** Made before anything is timed. */
const bomb = gzipSync(Buffer.alloc(50_000_000))

/** Who calls, and whom: in plain. */
const plain = { id: peerId(2), credentials: plainly(selfId) }

async function fetch(from: Address, changed: Partial<Limits> = {}): Promise<number | ErrorCode> {
  try {
    const peers = await fetchPeers(from, {
      ...plain,
      limits: { ...standard, ...changed },
    })
    return peers.length
  } catch (error) {
    if (isP2PError(error)) return error.code
    throw error
  }
}

const list = bytesText(encodePeerList([announcement(5), announcement(6)]))

describe('H12: a hostile server of /peers', { concurrency: true }, () => {
  const attacks: readonly (readonly [string, number | ErrorCode, (socket: Socket) => void])[] = [
    ['a length of 10^14', 'protocol-violation', (socket) => flood(socket, ok(1e14, 'x'.repeat(65_536)))],
    [
      'chunks without an end',
      'protocol-violation',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
        flood(socket, `4000\r\n${'x'.repeat(0x4000)}\r\n`)
      },
    ],
    ['one byte now and then', 'peer-unreachable', (socket) => drip(socket, ok(60_000, 'x'.repeat(60_000)))],
    ['10 MB', 'protocol-violation', (socket) => flood(socket, ok(undefined, 'x'.repeat(10_000_000)))],
    [
      'a compressed answer',
      'protocol-violation',
      (socket) => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`)
        socket.write(bomb)
      },
    ],
    [
      'a redirect to another server',
      'not-a-peer',
      (socket) =>
        socket.write('HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n'),
    ],
    ['bytes that are no list', 'protocol-violation', (socket) => socket.write(ok(3, '\xff\xff\xff'))],
    ['entries without an ID', 0, (socket) => socket.write(ok(7, '\x0a\x00\x0a\x03\x10\xc1\x3e'))],
    ['an empty list', 0, (socket) => socket.write(ok(0, ''))],
    [
      'a header without an end',
      'not-a-peer',
      (socket) => flood(socket, 'HTTP/1.1 200 OK\r\nX: '.padEnd(4_096, 'x')),
    ],
    ['no HTTP', 'not-a-peer', (socket) => socket.write('SSH-2.0-OpenSSH_9\r\n')],
    ['hanging up', 'peer-unreachable', (socket) => socket.destroy()],
    ['half a body, then hanging up', 'peer-unreachable', (socket) => socket.end(ok(100, 'half'))],
    [
      'a refusal',
      'peer-refused',
      (socket) => socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'),
    ],
    ['stopping', 'peer-refused', (socket) => socket.write('HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n')],
    [
      'interim answers without an end',
      'not-a-peer',
      (socket) => flood(socket, 'HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n'),
    ],
    [
      'another protocol',
      'not-a-peer',
      (socket) => socket.write('HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
    ],
  ]

  for (const [name, expected, act] of attacks) {
    test(`${name}: ${expected}, within the limits of time and bytes`, async () => {
      await using server = await openHostile(act)
      const started = performance.now()
      assert.equal(await fetch(server.here), expected)
      assert.ok(performance.now() - started < 4 * standard.fetchPeersMs)
      assert.equal(server.connections, 1, 'no second try and no other server')
    })
  }

  test('5,000 entries: at most 64 are kept', async () => {
    const entry = encodePeerList([announcement(9)])
    const many = bytesText(Buffer.concat(Array.from({ length: 1_500 }, () => entry)))
    assert.ok(many.length < standard.fetchedPeerListBytes)
    await using server = await openHostile((socket) => socket.write(ok(many.length, many)))
    assert.equal(await fetch(server.here), standard.fetchedPeers)
  })

  test('twin: without the limits, 10 MB are read to their end and a slow answer is waited for', async () => {
    const huge = `\x0a\x00`.repeat(2_000_000)
    await using big = await openHostile((socket) =>
      socket.write(Buffer.from(ok(huge.length, huge), 'latin1')),
    )
    assert.equal(await fetch(big.here), 'protocol-violation')
    const lifted = { fetchedPeerListBytes: Infinity, fetchPeersMs: 60_000 }
    assert.equal(await fetch(big.here, lifted), 0)

    await using slow = await openHostile((socket) => drip(socket, ok(list.length, list)))
    assert.equal(await fetch(slow.here, { fetchPeersMs: 1_000 }), 'peer-unreachable')
    assert.equal(await fetch(slow.here, lifted), 2)
  })

  test('an honest list is read, whatever way its length is told', async () => {
    for (const answer of [ok(list.length, list), ok(undefined, list)]) {
      await using server = await openHostile((socket) => socket.end(Buffer.from(answer, 'latin1')))
      assert.equal(await fetch(server.here), 2)
      assert.match(server.heard, new RegExp(`^GET /peers HTTP/1\\.1\\r\\n`))
      assert.match(server.heard, new RegExp(`\\r\\nPeerID: ${selfId}\\r\\n`))
      assert.doesNotMatch(server.heard, /\r\nOrigin|\r\nAccept-Encoding/i)
    }
  })

  test('an abort ends the call with its reason', async () => {
    await using server = await openHostile(() => {})
    const controller = new AbortController()
    const call = fetchPeers(server.here, { ...plain, limits: standard, signal: controller.signal })
    const reason = new P2PError('node-stopped', 'enough')
    controller.abort(reason)
    await assert.rejects(call, reason)
    const again = fetchPeers(server.here, { ...plain, limits: standard, signal: controller.signal })
    await assert.rejects(again, reason)
  })
})

describe('/ping of a peer', { concurrency: true }, () => {
  const answers: readonly (readonly [string, boolean, (socket: Socket) => void])[] = [
    ['200 and ok', true, (socket) => socket.write(ok(2, 'ok'))],
    ['200 and ok until the end of the connection', true, (socket) => socket.end(ok(undefined, 'ok'))],
    ['another body', false, (socket) => socket.write(ok(3, 'ok!'))],
    ['406', false, (socket) => socket.write('HTTP/1.1 406 X\r\nContent-Length: 2\r\n\r\nok')],
    ['H13: a body without an end', false, (socket) => flood(socket, ok(undefined, 'o'.repeat(9_999)))],
    ['H13: 65 bytes', false, (socket) => socket.write(ok(65, 'o'.repeat(65)))],
    [
      'H13: a hundred interim answers',
      false,
      (socket) => socket.write(`${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(100)}${ok(2, 'ok')}`),
    ],
    ['H13: a TLS alert', false, (socket) => socket.write('\x15\x03\x01\x00\x02\x02\x28')],
    ['H13: nothing, ever', false, () => {}],
    ['H13: a byte now and then', false, (socket) => drip(socket, ok(undefined, 'ok'.repeat(20)), 30)],
    ['hanging up', false, (socket) => socket.destroy()],
  ]

  for (const [name, expected, act] of answers) {
    test(`${name}: ${expected}`, async () => {
      await using server = await openHostile(act)
      const started = performance.now()
      const limits = { ...standard, pingTimeoutMs: 500 }
      assert.equal(await ping(server.here, { ...plain, limits }), expected)
      assert.ok(performance.now() - started < 2_000)
    })
  }

  test('H13: the limit is 2 s', async () => {
    await using server = await openHostile(() => {})
    const started = performance.now()
    assert.equal(await ping(server.here, { ...plain, limits: standard }), false)
    const tookMs = performance.now() - started
    assert.ok(tookMs >= 1_900 && tookMs < 4_000, `${tookMs} ms`)
  })

  test('H13: little of an endless body is taken from the network', async () => {
    await using server = await openHostile((socket) => flood(socket, ok(undefined, 'o'.repeat(65_536))))
    assert.equal(await ping(server.here, { ...plain, limits: standard }), false)
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.ok(server.sentBytes < 16 * 1024 * 1024, `${server.sentBytes} bytes`)
  })

  test('an abort is no answer', async () => {
    await using server = await openHostile(() => {})
    const signal = AbortSignal.timeout(20)
    assert.equal(await ping(server.here, { ...plain, limits: standard, signal }), false)
    assert.equal(await ping(server.here, { ...plain, limits: standard, signal }), false)
  })

  test('nobody there is no answer', async () => {
    const gone = await openHostile(() => {})
    await gone[Symbol.asyncDispose]()
    assert.equal(await ping(gone.here, { ...plain, limits: standard }), false)
  })

  test('U10: an address that the system refuses at once is no answer, and ends nothing', async () => {
    // Anybody can announce such an address. From a timer, as the directory asks: no promise runs before the error then.
    const noWay = { address: '255.255.255.255', port: 8001 }
    const answered = await new Promise<boolean>((resolve) => {
      setTimeout(() => void ping(noWay, { ...plain, limits: standard }).then(resolve), 0)
    })
    assert.equal(answered, false)
  })
})

test('transports ask each other', async () => {
  await using asked = await openTransport({ context: { peersFor: () => [announcement(5)] } })
  await using asking = await openTransport({ credentials: plainly(peerId(2)) })
  assert.equal(await asking.ping(asked.id, asked.here), true)
  assert.deepEqual(await asking.fetchPeers(asked.id, asked.here), [announcement(5)])
  await using stranger = await openTransport({ credentials: plainly(strangerId) })
  await assert.rejects(stranger.fetchPeers(asked.id, asked.here), { code: 'peer-refused' })
})
