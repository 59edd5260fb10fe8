/** The shared port under fire: rows H1, H15 to H17 and T10 of the threat table, in plain and inside TLS. */
import assert from 'node:assert/strict'
import { createServer as createTcpServer, connect, type AddressInfo, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import * as fc from 'fast-check'
import { bareClient } from '../../test/node-facts/bare-tls.ts'
import {
  delay,
  makeCredentials,
  openSecurePair,
  openTransport,
  type TestTransport,
  type TestTransportOptions,
} from '../../test/transport/open.ts'
import { exchange, requestText, type Target } from '../../test/transport/raw.ts'
import {
  callSecurely,
  papersNamed,
  papersOf,
  securedRequest,
  usual,
  webSocketHeaders,
} from '../../test/transport/tls-ends.ts'
import type { ChannelEnd } from './channel.ts'
import { speechOf } from './sniff.ts'
import type { Address } from './transport.ts'

const me = makeCredentials()
const quick = { firstByteMs: 400, headersMs: 900 }
const lifted = { firstByteMs: Infinity, headersMs: Infinity }

function openOurs(options: TestTransportOptions = {}): Promise<TestTransport> {
  return openTransport({ credentials: makeCredentials(), ...options })
}

/** Every first byte that is taken for this. */
function firstBytes(speech: string): readonly number[] {
  return [...Array(256).keys()].filter((byte) => speechOf(byte) === speech)
}

test('the first byte tells TLS from HTTP, and both from everything else', () => {
  assert.deepEqual(firstBytes('tls'), [0x16])
  assert.equal(String.fromCharCode(...firstBytes('http')), 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')
  assert.equal(firstBytes('other').length, 256 - 27)
})

function noise(): Buffer {
  return Buffer.concat([Buffer.of(0x16), crypto.getRandomValues(Buffer.alloc(500))])
}

/** Half of what TLS needs, in each of its stages. */
const halves: readonly (readonly [string, (to: Target) => Promise<{ closed: boolean; tookMs: number }>])[] = [
  ['H16: half a request in plain', (to) => exchange(to, 'GET /ping HTTP/1.1\r\nX: ', { withinMs: 2_500 })],
  ['H17: the header of a TLS record', (to) => exchange(to, '\x16\x03\x01\x02\x00', { withinMs: 2_500 })],
  [
    'H17: a TLS record that comes byte by byte',
    (to) => drip(to, Buffer.from('1603010200010001fc0303'.padEnd(120, '0'), 'hex')),
  ],
  [
    'H16: half a request inside TLS',
    (to) => callSecurely(to, 'GET /ping HTTP/1.1\r\nX: ', { ...papersOf(me), withinMs: 2_500 }),
  ],
  ['H16: silence inside TLS', (to) => callSecurely(to, '', { ...papersOf(me), withinMs: 2_500 })],
]

/** Sends a byte every 100 ms, which never is a whole record. */
async function drip(to: Target, bytes: Buffer): Promise<{ closed: boolean; tookMs: number }> {
  const started = performance.now()
  const socket = connect({ host: to.address, port: to.port })
  socket.on('error', () => {})
  let at = 0
  const timer = setInterval(() => socket.write(bytes.subarray(at, ++at)), 100)
  const closed = await Promise.race([
    new Promise((resolve) => socket.on('close', () => resolve(true))),
    delay(2_500),
  ])
  clearInterval(timer)
  socket.destroy()
  return { closed: closed === true, tookMs: performance.now() - started }
}

describe('deadlines', { concurrency: true }, () => {
  for (const [name, call] of halves) {
    test(`${name}, and then silence, is cut off`, async () => {
      await using server = await openOurs({ limits: quick })
      const { closed, tookMs } = await call(server.here)
      assert.ok(closed)
      assert.ok(tookMs > quick.firstByteMs && tookMs < 2_400, `${tookMs} ms`)
    })

    test(`${name} twin: without our deadline it stays, whatever limits Node has`, async () => {
      await using server = await openOurs({ limits: lifted })
      assert.equal((await call(server.here)).closed, false)
    })
  }

  test('H17: the limit is 5 s, also inside TLS', async () => {
    await using server = await openOurs()
    const calls = await Promise.all([
      exchange(server.here, '\x16\x03\x01\x02\x00'),
      callSecurely(server.here, 'GET /ping', papersOf(me)),
    ])
    for (const { closed, tookMs } of calls)
      assert.ok(closed && tookMs >= 4_900 && tookMs < 6_900, `${tookMs} ms`)
  })
})

describe('connections that break off', () => {
  test('H15: resets and ends before the first byte, after it, and in a handshake harm nobody', async () => {
    await using server = await openOurs({ limits: quick })
    const uncaught: unknown[] = []
    const onUncaught = (error: unknown): void => void uncaught.push(error)
    process.on('uncaughtException', onUncaught)
    const pieces = ['', 'G', '\x16', '\x16\x03\x01\x02\x00\x01', 'GET /ping HTTP/1.1\r\n', '\0']
    await Promise.all(
      Array.from({ length: 300 }, (_, index) => {
        const localAddress = `127.0.3.${1 + (index % 200)}`
        const socket = connect({ host: '127.0.0.1', port: server.port, localAddress })
        socket.on('error', () => {}).resume()
        socket.on('connect', () => {
          socket.write(pieces[index % pieces.length] ?? '')
          if (index % 4 === 1) socket.end()
          else if (index % 4 === 2) setImmediate(() => socket.resetAndDestroy())
          else socket.resetAndDestroy()
        })
        return new Promise((resolve) => socket.on('close', resolve))
      }),
    )
    await delay(100)
    process.off('uncaughtException', onUncaught)
    assert.deepEqual(uncaught, [])
    assert.equal(await server.ping(server.id, server.here), true)
  })

  test('T10: a hundred handshakes that are broken off leave nothing behind', async () => {
    await using server = await openOurs({
      limits: { ...lifted, pendingPerAddress: 4, pendingGraceMs: Infinity },
    })
    for (let i = 0; i < 100; i++) {
      const socket = connectTls({ host: '127.0.0.1', port: server.port, ...usual, ...papersOf(me) })
      socket.on('error', () => {})
      const stage = (['connect', 'secureConnect'] as const)[i % 2] ?? 'connect'
      await new Promise<void>((resolve) => socket.on(stage, () => resolve()).on('close', () => resolve()))
      if (i % 3 === 0) await delay(1)
      socket.destroy()
    }
    // None of them gives way and none is cut off, so that what is left of them would keep these out for ever.
    for (let served = 0, tries = 0; served < 4 && tries < 50; tries++) {
      await delay(20)
      const calls = Array.from({ length: 4 }, () => server.ping(server.id, server.here))
      served = (await Promise.all(calls)).filter(Boolean).length
      assert.ok(served === 4 || tries < 49, `${served} of 4`)
    }
  })
})

/** Stands before a server and hands over what callers say one byte at a time. */
async function openSlicer(
  to: Address,
): Promise<AsyncDisposable & { readonly here: Address; slices(): number }> {
  let slices = 0
  const sockets = new Set<Socket>()
  const server = createTcpServer((caller) => {
    const callee = connect({ host: to.address, port: to.port, noDelay: true })
    for (const socket of [caller, callee]) sockets.add(socket.on('error', () => {}))
    callee.pipe(caller)
    void (async () => {
      for await (const chunk of caller as AsyncIterable<Buffer>) {
        for (const byte of chunk) {
          callee.write(Uint8Array.of(byte))
          slices++
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
    })().catch(() => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    here: { address: '127.0.0.1', port: (server.address() as AddressInfo).port },
    slices: () => slices,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe('T10: strange handshakes', () => {
  test('a handshake and a request in segments of one byte are served', async () => {
    await using server = await openOurs()
    await using slicer = await openSlicer(server.here)
    const { status } = await callSecurely(slicer.here, securedRequest(server.here, '/ping'), papersOf(me))
    assert.equal(status, 200)
    assert.ok(slicer.slices() > 500)
  })

  test('0x16 and then noise ends at once or at the deadline, and others are served', async () => {
    await using server = await openOurs({ limits: { ...quick, pendingPerAddress: Infinity } })
    const calls = await Promise.all(Array.from({ length: 50 }, () => exchange(server.here, noise())))
    for (const { closed, tookMs, status } of calls) assert.ok(closed && status === 0 && tookMs < 3_000)
    assert.equal(await server.ping(server.id, server.here), true)
  })

  test('handshakes count as pending: one address holds no more than 8, and old ones give way', async () => {
    await using server = await openOurs()
    const sockets = Array.from({ length: 30 }, () => {
      const socket = connect({ host: '127.0.0.1', port: server.port, localAddress: '127.0.0.5' })
      return socket.on('error', () => {}).on('connect', () => socket.write('\x16\x03\x01'))
    })
    const open = new Set(sockets)
    for (const socket of sockets) socket.on('close', () => open.delete(socket))
    await delay(500)
    assert.equal(open.size, 8)
    const { status } = await callSecurely(server.here, securedRequest(server.here, '/ping'), {
      ...papersOf(me),
      localAddress: '127.0.0.5',
    } as object)
    assert.equal(status, 200)
    for (const socket of sockets) socket.destroy()
  })

  test('200 handshakes of rubbish a second leave an honest session working', async () => {
    await using pair = await openSecurePair({ messageRate: { perSecond: Infinity, burst: Infinity } })
    const { right, dialler, accepter } = pair
    const echo = (async () => {
      for await (const frames of accepter) for (const frame of frames) accepter.send(frame)
    })()
    const rubbish = papersNamed('usual')
    const attacks: Promise<unknown>[] = []
    const attack = setInterval(() => {
      for (let i = 0; i < 10; i++) {
        const localAddress = `127.0.4.${1 + (attacks.length % 200)}`
        attacks.push(callSecurely(right.here, 'x', { ...rubbish, localAddress } as object))
      }
    }, 50)
    const tripsMs: number[] = []
    const untilMs = performance.now() + 2_000
    const answers = dialler[Symbol.asyncIterator]()
    while (performance.now() < untilMs) {
      const started = performance.now()
      dialler.send(Uint8Array.of(1))
      await answers.next()
      tripsMs.push(performance.now() - started)
      await delay(10)
    }
    clearInterval(attack)
    await Promise.all(attacks)
    await right[Symbol.asyncDispose]()
    await echo
    assert.ok(attacks.length >= 200, `${attacks.length} attacks`)
    // The attacker shares our processor here: test/hostile and the bench tell the two apart, and look at the slowest.
    const medianMs = tripsMs.sort((a, b) => a - b)[Math.floor(tripsMs.length / 2)] ?? Infinity
    assert.ok(medianMs < 200, `${medianMs} ms`)
  })
})

/** Opens a session by hand and asks for new keys so many times; whether the session has ended of it, and how. */
async function updateKeys(
  count: number,
  limits: TestTransportOptions['limits'] = {},
): Promise<ChannelEnd | undefined> {
  await using server = await openOurs({ limits: { sweepMs: 20, ...limits } })
  const socket = connect(server.port, '127.0.0.1').on('error', () => {})
  const accepted = server.nextAccepted()
  const caller = await bareClient(socket, papersOf(me))
  caller.write(securedRequest(server.here, '/ws', { ...webSocketHeaders, PeerID: me.id }))
  const channel = await accepted
  socket.resume()
  caller.updateKeys(count)
  const end = await Promise.race([channel.closed, delay(1_000)])
  socket.destroy()
  return end ?? undefined
}

test('T10: a flood of KeyUpdate ends the session', async () => {
  assert.deepEqual(await updateKeys(5_000), { code: 1008, reason: 'too much beside data' })
})

test('T10 twin: without the limit each of them is answered, for ever', async () => {
  assert.equal(await updateKeys(5_000, { tlsExtraBytes: Infinity }), undefined)
})

test('T10: a few of them, as are needed after very much data, harm nothing', async () => {
  assert.equal(await updateKeys(100), undefined)
})

test('whatever comes first, a connection is served or ended in time, and nothing is thrown', async () => {
  await using server = await openOurs({
    limits: { ...quick, pendingPerAddress: Infinity, pending: Infinity },
  })
  const request = requestText(server.here, '/ping')
  const honest = fc.constantFrom(
    request,
    request.slice(0, 9),
    'PRI * HTTP/2.0\r\n\r\n',
    '\x16\x03\x01\x00\x05\x01',
  )
  const start = fc.oneof(honest, fc.string({ unit: 'binary', maxLength: 4 }))
  const tail = fc.uint8Array({ maxLength: 80 })
  const call = fc.tuple(start, tail, fc.integer({ min: 1, max: 40 }))
  const calls = fc.array(call, { minLength: 40, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(calls, async (many) => {
      const ends = many.map(([head, rest, cut]) => {
        const bytes = Buffer.concat([Buffer.from(head, 'latin1'), rest])
        return exchange(server.here, [bytes.subarray(0, cut), bytes.subarray(cut)], { withinMs: 4_000 })
      })
      for (const { closed } of await Promise.all(ends)) assert.ok(closed)
      assert.equal(await server.ping(server.id, server.here), true)
    }),
    { numRuns: 5 },
  )
})
