import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import {
  announcement,
  delay,
  openTransport,
  plainly,
  selfId,
  until,
  type TestTransport,
} from '../../test/transport/open.ts'
import {
  exchange,
  requestText,
  upgradeHeaders,
  type Exchange,
  type Target,
} from '../../test/transport/raw.ts'
import { friendId } from '../../test/transport/open.ts'

/** Limits that make the tests of deadlines quick. */
const quick = { firstByteMs: 400, headersMs: 900 }
const lifted = { firstByteMs: Infinity, headersMs: Infinity }

/** What the reference demands of every answer, or it crashes (H11). */
function assertReadableByReference({ text, status, head, body, closed }: Exchange): void {
  assert.ok(status > 0, `an HTTP answer, not ${JSON.stringify(text.slice(0, 80))}`)
  const length = /\r\nContent-Length: (\d+)(?:\r\n|$)/i.exec(head)?.[1]
  assert.equal(Number(length), body.length, `Content-Length in ${JSON.stringify(head)}`)
  assert.match(head, /\r\nConnection: close/i)
  assert.doesNotMatch(head, /access-control/i)
  assert.ok(text.length <= 4_000, `${text.length} bytes`)
  assert.ok(closed)
}

/** Connections that stay open and say what `say` gives, until the end of the test. */
function holdOpen(to: Target, say: string, localAddress: string): Socket {
  const socket = connect({ host: to.address, port: to.port, localAddress })
  socket.on('error', () => {})
  socket.on('connect', () => socket.write(say))
  return socket
}

describe('deadlines of connections', { concurrency: true }, () => {
  test('H1: silence is cut off after the time for a first byte, half a header after that for all', async () => {
    await using server = await openTransport({ limits: quick })
    const [silent, byte, tls] = await Promise.all(
      ['', 'G', '\x16'].map((bytes) => exchange(server.here, bytes)),
    )
    assert.ok(silent?.closed && silent.tookMs < 2_000, 'silence')
    for (const half of [byte, tls]) assert.ok(half?.closed && half.tookMs < 3_000, 'half a header')
    assert.ok(byte !== undefined && byte.tookMs > quick.firstByteMs)
  })

  test('H1 twin: without our deadlines the same connections stay open', async () => {
    await using server = await openTransport({ limits: lifted })
    const calls = ['', 'G'].map((bytes) => exchange(server.here, bytes, { withinMs: 2_000 }))
    for (const { closed } of await Promise.all(calls)) assert.equal(closed, false)
  })

  test('H1: the limits are 3 s for the first byte and 5 s for the header', async () => {
    await using server = await openTransport()
    const [silent, half] = await Promise.all(['', 'G'].map((bytes) => exchange(server.here, bytes)))
    assert.ok(silent?.closed && half?.closed)
    assert.ok(silent.tookMs >= 2_900 && silent.tookMs < 4_900, `${silent.tookMs} ms`)
    assert.ok(half.tookMs >= 4_900 && half.tookMs < 7_000, `${half.tookMs} ms`)
  })
})

/** How many of `count` idle connections from one address are still open after a while. */
async function kept(server: TestTransport, count: number): Promise<number> {
  const sockets = Array.from({ length: count }, () => holdOpen(server.here, 'G', '127.0.0.3'))
  const open = new Set(sockets)
  for (const socket of sockets) socket.on('close', () => open.delete(socket))
  await delay(500)
  for (const socket of sockets) socket.destroy()
  return open.size
}

describe('room for connections', () => {
  const slowlorises = 500
  const idlers = 2_000

  /** Opens the whole attack of H2 and asks for /ping through it. */
  async function pingUnderAttack(server: TestTransport): Promise<Exchange> {
    const sockets: Socket[] = []
    try {
      for (let i = 0; i < slowlorises; i++) {
        // From many addresses, so that the limit of one does not help.
        sockets.push(holdOpen(server.here, 'GET /ping HTTP/1.1\r\nX: ', `127.0.1.${1 + (i % 200)}`))
      }
      for (let i = 0; i < idlers; i++) sockets.push(holdOpen(server.here, '', '127.0.0.3'))
      await until(() => sockets.every(({ connecting }) => !connecting), 20_000)
      // Now all are old enough to give way, and none is old enough to be cut off.
      await delay(300)
      return await exchange(server.here, requestText(server.here, '/ping'), {
        localAddress: '127.0.0.2',
        withinMs: 2_000,
      })
    } finally {
      for (const socket of sockets) socket.destroy()
    }
  }

  test('H2: 500 slow and 2,000 idle connections do not keep an honest /ping out', async () => {
    await using server = await openTransport()
    const { status, tookMs } = await pingUnderAttack(server)
    assert.equal(status, 200)
    assert.ok(tookMs < 1_000, `${tookMs} ms`)
  })

  test('H2 twin: when the room is full of connections that never give way, the same /ping is not answered', async () => {
    await using server = await openTransport({ limits: { pendingGraceMs: Infinity } })
    const { status } = await pingUnderAttack(server)
    assert.equal(status, 0)
  })

  test('H2: one address holds no more than 8 connections, all together no more than 64', async () => {
    await using server = await openTransport()
    assert.equal(await kept(server, 50), 8)
    const sockets = Array.from({ length: 96 }, (_, i) =>
      holdOpen(server.here, 'G', `127.0.2.${1 + Math.floor(i / 8)}`),
    )
    const open = new Set(sockets)
    for (const socket of sockets) socket.on('close', () => open.delete(socket))
    await delay(500)
    assert.ok(open.size <= 64, `${open.size} connections`)
    for (const socket of sockets) socket.destroy()
  })

  test('H2 twin: without the limits all of them are held', async () => {
    await using server = await openTransport({ limits: { pendingPerAddress: Infinity, pending: Infinity } })
    assert.equal(await kept(server, 50), 50)
  })

  test('a burst of honest requests that fits is served in full', async () => {
    await using server = await openTransport()
    const calls = Array.from({ length: 8 }, () => exchange(server.here, requestText(server.here, '/ping')))
    for (const { status } of await Promise.all(calls)) assert.equal(status, 200)
  })

  test('a session takes none of the room', async () => {
    await using server = await openTransport({ limits: { pendingPerAddress: 1 } })
    await using client = await openTransport({ credentials: plainly(friendId) })
    for (let i = 0; i < 3; i++) await client.dial(selfId, [server.here])
    assert.equal(await client.ping(server.id, server.here), true)
  })
})

const ping = (to: Target, ...lines: string[]): string =>
  ['GET /ping HTTP/1.1', `Host: ${to.address}:${to.port}`, ...lines, '', ''].join('\r\n')

describe('bytes that are no request of ours', () => {
  const strange: readonly (readonly [string, number, (to: Target) => string])[] = [
    ['H3: a header of 17 KB', 431, (to) => ping(to, `X: ${'x'.repeat(17 * 1024)}`)],
    ['H3: 2,000 headers', 431, (to) => ping(to, ...Array.from({ length: 2_000 }, (_, i) => `a${i}:`))],
    ['H3: 101 headers', 431, (to) => ping(to, ...Array.from({ length: 100 }, (_, i) => `a${i}: b`))],
    ['H3: NUL in a value', 400, (to) => ping(to, 'X: a\0b')],
    ['H3: a bare CR in a value', 400, (to) => ping(to, 'X: a\rb')],
    ['H3: a folded header', 400, (to) => ping(to, 'X: a', ' b')],
    [
      'H4: Content-Length and Transfer-Encoding',
      400,
      (to) => ping(to, 'Content-Length: 1', 'Transfer-Encoding: chunked'),
    ],
    ['H4: two Content-Length', 400, (to) => ping(to, 'Content-Length: 0', 'Content-Length: 1')],
    ['H4: an unknown Transfer-Encoding', 400, (to) => ping(to, 'Transfer-Encoding: xchunked')],
    ['H4: lines that end with a bare LF', 400, (to) => ping(to, 'X: y').replaceAll('\r\n', '\n')],
    ['H4: a body of 1 GB', 400, (to) => ping(to, 'Content-Length: 1000000000') + 'x'.repeat(100_000)],
    ['H4: a chunked body of garbage', 400, (to) => `${ping(to, 'Transfer-Encoding: chunked')}zzz\r\n`],
    [
      'H4: a body that waits for 100 Continue',
      400,
      (to) => ping(to, 'Content-Length: 9', 'Expect: 100-continue'),
    ],
    ['H5: POST', 405, (to) => requestText(to, '/ping', { 'Content-Length': '0' }, 'POST')],
    ['H5: TRACE', 405, (to) => requestText(to, '/ping', {}, 'TRACE')],
    ['H5: CONNECT', 405, (to) => requestText(to, 'evil.example:80', {}, 'CONNECT')],
    ['H5: the preface of HTTP/2', 405, () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['H5: a URL of 64 KB', 414, (to) => requestText(to, `/${'x'.repeat(64 * 1024)}`)],
    ['H5: absolute form', 404, (to) => requestText(to, `http://${to.address}:${to.port}/ping`)],
    ['an unknown expectation', 200, (to) => ping(to, 'Expect: wonders')],
    ['not HTTP, but in capital letters', 400, () => 'HELLO\r\n\r\n'],
    ['HTTP/1.0 without a Host', 421, () => 'GET /ping HTTP/1.0\r\n\r\n'],
    ['an upgrade to something else', 200, (to) => ping(to, 'Connection: Upgrade', 'Upgrade: h2c')],
  ]

  for (const [name, expected, text] of strange) {
    test(`${name}: ${expected}, with its length, and the connection ends`, async () => {
      await using server = await openTransport()
      const answer = await exchange(server.here, text(server.here))
      assert.equal(answer.status, expected, JSON.stringify(answer.text.slice(0, 200)))
      assertReadableByReference(answer)
      assert.equal(await server.ping(server.id, server.here), true)
    })
  }

  test('H4: a connection is never used again, whatever else came on it', async () => {
    await using server = await openTransport()
    const answer = await exchange(server.here, requestText(server.here, '/ping').repeat(100))
    assert.equal(answer.text.match(/HTTP\/1\.1/g)?.length, 1)
    assertReadableByReference(answer)
  })

  test('a request that comes byte by byte is understood', async () => {
    await using server = await openTransport()
    const { status } = await exchange(server.here, requestText(server.here, '/ping').split(''))
    assert.equal(status, 200)
  })
})

describe('answers that the reference can read', () => {
  test('H11: every answer says its length, ends its connection and fits in one read', async () => {
    const peers = Array.from({ length: 500 }, (_, i) => announcement(i + 10))
    await using server = await openTransport({ context: { peersFor: () => peers } })
    const { here } = server
    const asks: readonly (readonly [number, string])[] = [
      [200, requestText(here, '/ping')],
      [200, requestText(here, '/peers', { PeerID: friendId })],
      [403, requestText(here, '/peers')],
      [403, requestText(here, '/ws', { ...upgradeHeaders, PeerID: 'x' })],
      [426, requestText(here, '/ws', { PeerID: friendId })],
      [426, requestText(here, '/ws', { ...upgradeHeaders, 'Sec-WebSocket-Version': '12' })],
      [400, requestText(here, '/ws', upgradeHeaders) + '\x82\x80\0\0\0\0'],
      [404, requestText(here, '/nothing')],
      [421, requestText(here, '/ping', { Host: 'localhost' })],
      [421, requestText(here, '/ping', { Host: undefined })],
    ]
    for (const [status, text] of asks) {
      const answer = await exchange(here, text)
      assert.equal(answer.status, status, text)
      assertReadableByReference(answer)
    }
  })

  test('H11: 94 entries of the usual size are sent, and 503 while stopping has its length too', async () => {
    const peers = Array.from({ length: 200 }, (_, i) => ({ ...announcement(i + 10), ip: undefined }))
    await using server = await openTransport({ context: { peersFor: () => peers } })
    await using client = await openTransport({ credentials: plainly(friendId) })
    const text = requestText(server.here, '/peers', { PeerID: friendId })
    assertReadableByReference(await exchange(server.here, text))
    assert.ok((await client.fetchPeers(server.id, server.here)).length > 60)
    server.stopAccepting()
    const stopping = await exchange(server.here, text)
    assert.equal(stopping.status, 503)
    assert.equal(stopping.body, 'server is stopping')
    assertReadableByReference(stopping)
  })

  test("H11 twin: Node's own way of answering is one that the reference cannot read", async () => {
    const plain = createServer((_, response) => {
      response.write('o')
      response.end('k')
    })
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
    const here = { address: '127.0.0.1', port: (plain.address() as AddressInfo).port }
    const answer = await exchange(here, requestText(here, '/ping'), { withinMs: 500 })
    plain.close()
    plain.closeAllConnections()
    assert.equal(answer.status, 200)
    assert.throws(() => assertReadableByReference(answer))
  })
})

/** An interface of a network in which 127.0.0.1 is a stranger. */
const interfaces = () => ({
  eth0: [
    {
      address: '10.1.2.3',
      netmask: '255.255.255.0',
      family: 'IPv4' as const,
      mac: '00:00:00:00:00:00',
      internal: false,
      cidr: '10.1.2.3/24',
    },
  ],
})

describe('where connections may come from', () => {
  test('H14: a connection from off the link is ended without a word', async () => {
    await using server = await openTransport({ interfaces })
    const answer = await exchange(server.here, requestText(server.here, '/ping'))
    assert.equal(answer.text, '')
    assert.ok(answer.closed)
    assert.equal(server.isOnLink('127.0.0.1'), false)
    assert.equal(server.isOnLink('10.1.2.200'), true)
    assert.deepEqual(server.addresses(), [])
  })

  test('H14 twin: with a public address the same connection is served', async () => {
    await using server = await openTransport({ interfaces, isPublicIp: true })
    const { status } = await exchange(server.here, requestText(server.here, '/ping'))
    assert.equal(status, 200)
  })
})
