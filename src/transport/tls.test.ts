/** TLS and identity: rows T1 to T9 and T11 of the threat table, at the port and on the way out. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  connect as connectTcp,
  createServer as createTcpServer,
  type AddressInfo,
  type Socket,
} from 'node:net'
import { describe, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { bareClient, bareServer, type BarePapers } from '../../test/node-facts/bare-tls.ts'
import {
  delay,
  friendId,
  makeCredentials,
  openTransport,
  peerId,
  plainly,
  type TestTransport,
  type TestTransportOptions,
} from '../../test/transport/open.ts'
import { exchange, requestText } from '../../test/transport/raw.ts'
import {
  callSecurely,
  openDowngrader,
  openTlsServer,
  papersNamed,
  papersOf,
  securedRequest,
  usual,
  webSocketHeaders,
  type SecureCall,
} from '../../test/transport/tls-ends.ts'
import { isP2PError } from '../base/errors.ts'
import { secureContextOf, verifyPeer } from './tls.ts'
import type { Address, Credentials, PeerTransport } from './transport.ts'

/** A listening transport of a peer of ours. */
function openOurs(options: TestTransportOptions = {}): Promise<TestTransport> {
  return openTransport({ credentials: makeCredentials(), ...options })
}

/** Counts the requests that came as far as the routes: each asks whether the node is stopping. */
function counted(): {
  readonly context: { readonly isStopping: () => boolean }
  readonly requests: () => number
} {
  let requests = 0
  const isStopping = (): boolean => {
    requests++
    return false
  }
  return { context: { isStopping }, requests: () => requests }
}

function assertUnheard({ text, closed }: SecureCall, requests: number): void {
  assert.equal(text, '')
  assert.ok(closed)
  assert.equal(requests, 0, 'the parser of HTTP saw nothing')
}

const me = makeCredentials()

describe('who calls', () => {
  test('a peer with a key and a certificate of ours is served inside TLS', async () => {
    await using server = await openOurs({ context: { isKnown: () => false } })
    const ask = (path: string, headers = {}): Promise<SecureCall> =>
      callSecurely(server.here, securedRequest(server.here, path, { PeerID: me.id, ...headers }), {
        ...papersOf(me),
        withinMs: 300,
      })
    assert.equal((await ask('/ping')).status, 200)
    assert.equal((await ask('/peers')).status, 200)
    for (const path of ['/ws', '/pair']) {
      const { status, text } = await ask(path, webSocketHeaders)
      assert.equal(status, 101, path)
      assert.match(text, /\r\nP2P-Version: 1\r\n/)
    }
  })

  test('T2: without a certificate the connection is destroyed before HTTP sees a byte', async () => {
    const { context, requests } = counted()
    await using server = await openOurs({ context })
    const call = await callSecurely(server.here, securedRequest(server.here, '/ping'))
    assert.equal(call.secured, true, 'TLS itself has nothing against it')
    assertUnheard(call, requests())
  })

  test('T2 twin: the same call is heard by a server that only asks for a certificate', async () => {
    await using server = await openTlsServer(papersOf(me))
    await callSecurely(server.here, 'GET /ping HTTP/1.1\r\n\r\n', { withinMs: 300 })
    assert.match(server.heard(), /^GET \/ping/)
  })

  const odd = ['rsa', 'p-256', 'ed448', 'foreign', 'chain', 'large', 'extension', 'usual']

  for (const name of odd) {
    test(`T3, T4: the certificate "${name}" is refused before HTTP sees a byte`, async () => {
      const { context, requests } = counted()
      await using server = await openOurs({ context })
      const say = securedRequest(server.here, '/ping')
      assertUnheard(await callSecurely(server.here, say, papersNamed(name)), requests())
    })
  }

  test('T3, T4 twin: who takes any certificate serves the same callers', async () => {
    const own = makeCredentials()
    const { certificate, privateKey, key, id } = own
    const lax: Credentials = { certificate, privateKey, key, id, identify: () => me }
    await using server = await openOurs({ credentials: lax, limits: { handshakeBytes: Infinity } })
    for (const name of odd.filter((one) => one !== 'chain')) {
      const { status } = await callSecurely(
        server.here,
        securedRequest(server.here, '/ping'),
        papersNamed(name),
      )
      assert.equal(status, 200, name)
    }
  })

  test('T4: more bytes than an honest handshake has end it, whoever would take the certificate', async () => {
    const { certificate, privateKey, key, id } = makeCredentials()
    const lax: Credentials = { certificate, privateKey, key, id, identify: () => me }
    const { context, requests } = counted()
    await using server = await openOurs({ credentials: lax, context })
    const say = securedRequest(server.here, '/ping')
    assertUnheard(await callSecurely(server.here, say, papersNamed('large')), requests())
  })

  test('T9: dates say nothing', async () => {
    await using server = await openOurs()
    for (const name of ['plain', 'expired', 'future']) {
      const { status } = await callSecurely(
        server.here,
        securedRequest(server.here, '/ping'),
        papersNamed(name),
      )
      assert.equal(status, 200, name)
    }
  })

  test('T5: a PeerID that is not the proved one, or none, or two, gets 403 and the end', async () => {
    await using server = await openOurs({ context: { isKnown: () => true } })
    const other = makeCredentials().id
    const claims = [
      other,
      friendId,
      server.id,
      undefined,
      'x',
      `${me.id}\r\nPeerID: ${other}`,
      `${me.id}\r\nPeerID: ${me.id}`,
    ]
    for (const PeerID of claims) {
      for (const path of ['/peers', '/ws', '/pair']) {
        const say = securedRequest(server.here, path, { ...webSocketHeaders, PeerID })
        const { status, closed } = await callSecurely(server.here, say, papersOf(me))
        assert.equal(status, 403, `${path} as ${PeerID}`)
        assert.ok(closed)
      }
    }
    assert.deepEqual(server.accepted, [])
  })

  test('T5 twin: in plain, where nothing is proved, such a claim is believed', async () => {
    await using server = await openOurs()
    const say = requestText(server.here, '/ws', { ...webSocketHeaders, PeerID: friendId })
    assert.equal((await exchange(server.here, say, { withinMs: 300 })).status, 101)
  })

  test('without a version of the protocol there is no session', async () => {
    await using server = await openOurs()
    for (const version of [undefined, '', '0', '-1', '1.0', 'x', '1, 1', '1\r\nP2P-Version: 1']) {
      for (const path of ['/ws', '/pair']) {
        const headers = { ...webSocketHeaders, PeerID: me.id, 'P2P-Version': version }
        const say = securedRequest(server.here, path, headers)
        assert.equal((await callSecurely(server.here, say, papersOf(me))).status, 403, `${version}`)
      }
    }
  })

  test('a higher version than ours is answered with ours, which both then speak', async () => {
    await using server = await openOurs()
    const accepted = server.nextAccepted()
    const headers = { ...webSocketHeaders, PeerID: me.id, 'P2P-Version': '7' }
    const say = securedRequest(server.here, '/ws', headers)
    const { text } = await callSecurely(server.here, say, { ...papersOf(me), withinMs: 300 })
    assert.match(text, /\r\nP2P-Version: 1\r\n/)
    assert.deepEqual((await accepted).proof, { key: me.key, protocol: 1 })
  })

  test('whom the node does not permit gets 403 on everything but /ping, and is asked about with its key', async () => {
    const asked: string[] = []
    const permits: NonNullable<TestTransportOptions['context']>['permits'] = ({ id, key }, purpose) => {
      assert.deepEqual(key, me.key)
      asked.push(`${id} ${purpose}`)
      return false
    }
    await using server = await openOurs({ context: { permits } })
    for (const [path, status] of [
      ['/ping', 200],
      ['/peers', 403],
      ['/ws', 403],
      ['/pair', 403],
    ] as const) {
      const say = securedRequest(server.here, path, { ...webSocketHeaders, PeerID: me.id })
      assert.equal((await callSecurely(server.here, say, papersOf(me))).status, status, path)
    }
    assert.deepEqual(asked, [`${me.id} peers`, `${me.id} chat`, `${me.id} pairing`])
  })
})

describe('T7: sessions of TLS that go on', () => {
  test('our server takes none up: a client that comes again shows its certificate again, or is not heard', async () => {
    const { context, requests } = counted()
    await using server = await openOurs({ context })
    const say = securedRequest(server.here, '/ping')
    const first = await callSecurely(server.here, say, papersOf(me))
    assert.equal(first.status, 200)
    await using other = await openTlsServer(papersOf(makeCredentials()), {}, (socket) => socket.end('x'))
    const { session: foreign } = await callSecurely(other.here, say, papersOf(me))
    assert.ok(first.session !== undefined && foreign !== undefined)
    for (const session of [first.session, foreign]) {
      const again = await callSecurely(server.here, say, { session })
      assert.equal(again.reused, false)
      assert.equal(again.text, '')
      assert.equal((await callSecurely(server.here, say, { ...papersOf(me), session })).reused, false)
    }
    assert.equal(requests(), 3, 'only those with a certificate')
  })

  test('twin: a server with tickets takes the session up again, and the client then sees no certificate', async () => {
    const own = makeCredentials()
    await using server = await openTlsServer(papersOf(own), {}, (socket) => socket.end('x'))
    const { session } = await callSecurely(server.here, '', papersOf(me))
    assert.ok(session !== undefined)
    const resumed = await secured(server.here, { ...papersOf(me), session })
    assert.equal(resumed.isSessionReused(), true)
    assert.equal(resumed.getPeerX509Certificate(), undefined)
    assert.equal(verifyPeer(resumed, me), undefined, 'which we take for no proof')
    const fresh = await secured(server.here, papersOf(me))
    assert.equal(verifyPeer(fresh, me)?.id, own.id)
    for (const socket of [resumed, fresh]) socket.destroy()
  })

  test('our client never takes one up, however many tickets a server gives', async () => {
    const own = makeCredentials()
    await using server = await openTlsServer(papersOf(own), {}, (socket) => {
      socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    })
    await using client = await openOurs()
    for (let i = 0; i < 3; i++) assert.equal(await client.ping(own.id, server.here), true)
    assert.deepEqual(server.reused, [false, false, false])
  })
})

function secured(to: Address, options: object): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: to.address, port: to.port, ...usual, ...options })
    socket.on('error', reject).on('secureConnect', () => resolve(socket))
  })
}

describe('T8: other protocols', () => {
  test('TLS 1.2, another ALPN and SSLv2 get nowhere', async () => {
    const { context, requests } = counted()
    await using server = await openOurs({ context })
    const say = securedRequest(server.here, '/ping')
    const old = await callSecurely(server.here, say, {
      ...papersOf(me),
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
    })
    assert.equal(old.secured, false)
    const h2 = await callSecurely(server.here, say, { ...papersOf(me), ALPNProtocols: ['h2'] })
    assert.equal(h2.secured, false)
    for (const call of [old, h2]) assertUnheard(call, requests())
    const sslv2 = await exchange(server.here, '\x80\x2e\x01\0\x02\0\x15\0\0\0\x10')
    assert.ok(sslv2.closed && sslv2.text === '' && sslv2.tookMs < 1_000)
  })

  test('without ALPN the connection is destroyed before HTTP sees a byte', async () => {
    const { context, requests } = counted()
    await using server = await openOurs({ context })
    const say = securedRequest(server.here, '/ping')
    const call = await callSecurely(server.here, say, { ...papersOf(me), ALPNProtocols: [] })
    assert.equal(call.secured, true, 'Node itself has nothing against it')
    assertUnheard(call, requests())
  })

  test('twin: Node alone serves the call without ALPN', async () => {
    await using server = await openTlsServer(papersOf(makeCredentials()))
    await callSecurely(server.here, 'hello', { ...papersOf(me), ALPNProtocols: [], withinMs: 300 })
    assert.equal(server.heard(), 'hello')
  })
})

/** The answer that opens a WebSocket (RFC 6455, 4.2.2), with one more header. */
function switching(request: string, header: string): string {
  const key = /Sec-WebSocket-Key: (.*)\r\n/i.exec(request)?.[1] ?? ''
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const head = 'HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
  return `${head}Sec-WebSocket-Accept: ${accept}\r\n${header}\r\n`
}

/** All that a transport can ask of a peer, each to be refused with this code. */
async function assertEachFails(
  from: PeerTransport,
  { id, here }: { id: Credentials['id']; here: Address },
  code: string,
): Promise<void> {
  await assert.rejects(from.dial(id, [here]), { code })
  await assert.rejects(from.pair(id, [here]), { code })
  await assert.rejects(from.fetchPeers(id, here), { code })
  assert.equal(await from.ping(id, here), false)
}

describe('who is called', () => {
  test('T6: who dials X and finds Y sends it nothing, and says whom it found', async () => {
    const [x, y] = [makeCredentials(), makeCredentials()]
    await using server = await openTlsServer(papersOf(y))
    await using client = await openOurs()
    await assertEachFails(client, { id: x.id, here: server.here }, 'identity-mismatch')
    const error: unknown = await client.dial(x.id, [server.here]).catch((reason: unknown) => reason)
    assert.ok(isP2PError(error) && error.message.includes(x.id) && error.message.includes(y.id))
    assert.equal(server.heard(), '')
  })

  test('T6 twin: who does not look at the key tells Y everything', async () => {
    const [x, y] = [makeCredentials(), makeCredentials()]
    await using server = await openTlsServer(papersOf(y), {}, (socket) =>
      socket.once('data', () => socket.end()),
    )
    const { certificate, privateKey, key, id } = me
    await using client = await openOurs({
      credentials: { certificate, privateKey, key, id, identify: () => x },
    })
    await assert.rejects(client.dial(x.id, [server.here]))
    assert.match(server.heard(), new RegExp(`PeerID: ${id}`))
  })

  test('T6: another address with the right peer wins, whichever comes first', async () => {
    await using right = await openOurs()
    await using wrong = await openTlsServer(papersOf(makeCredentials()))
    await using client = await openOurs()
    for (const to of [
      [wrong.here, right.here],
      [right.here, wrong.here],
    ]) {
      const channel = await client.dial(right.id, to)
      assert.equal(channel.peerId, right.id)
      assert.equal(channel.proof?.protocol, 1)
    }
  })

  test('T3, T4: a server with an odd certificate is insecure, and hears nothing', async () => {
    await using client = await openOurs()
    const { id } = makeCredentials()
    for (const name of ['rsa', 'p-256', 'ed448', 'foreign', 'chain', 'large', 'extension', 'usual']) {
      await using server = await openTlsServer(papersNamed(name))
      await assertEachFails(client, { id, here: server.here }, 'insecure-connection')
      assert.equal(server.heard(), '', name)
    }
  })

  test('T8: a server without our ALPN, or with TLS 1.2 alone, is insecure, and hears nothing', async () => {
    const own = makeCredentials()
    await using client = await openOurs()
    for (const options of [
      { ALPNProtocols: [] },
      { ALPNProtocols: ['h2'] },
      { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' },
    ] as const) {
      await using server = await openTlsServer(papersOf(own), options)
      await assertEachFails(client, { id: own.id, here: server.here }, 'insecure-connection')
      assert.equal(server.heard(), '')
    }
  })

  for (const version of ['', 'P2P-Version: 0\r\n', 'P2P-Version: x\r\n']) {
    test(`a peer that answers with "${version.trim()}" does not say what it speaks, and is none`, async () => {
      const own = makeCredentials()
      await using server = await openTlsServer(papersOf(own), {}, (socket) => {
        socket.once('data', (request: Buffer) => socket.write(switching(request.toString('latin1'), version)))
      })
      await using client = await openOurs()
      await assert.rejects(client.dial(own.id, [server.here]), { code: 'not-a-peer', message: /version/ })
      await assert.rejects(client.pair(own.id, [server.here]), { code: 'not-a-peer', message: /version/ })
    })
  }

  test('what a proved peer refuses is refused, and one that then hangs up is unreachable', async () => {
    await using server = await openOurs({ context: { permits: () => false } })
    await using client = await openOurs()
    await assert.rejects(client.dial(server.id, [server.here]), { code: 'peer-refused' })
    await assert.rejects(client.pair(server.id, [server.here]), { code: 'peer-refused' })
    await assert.rejects(client.fetchPeers(server.id, server.here), { code: 'peer-refused' })
    const own = makeCredentials()
    await using fickle = await openTlsServer(papersOf(own), {}, (socket) =>
      socket.once('data', () => socket.destroy()),
    )
    await assert.rejects(client.dial(own.id, [fickle.here]), { code: 'peer-unreachable' })
  })

  test('a peer without a key cannot be paired with', async () => {
    await using client = await openOurs()
    await assert.rejects(client.pair(peerId(9), [client.here]), { code: 'peer-unprovable' })
  })

  test('nobody there is unreachable, and not insecure', async () => {
    await using client = await openOurs()
    const here = { address: '127.0.0.1', port: 1 }
    await assertEachFails(client, { id: makeCredentials().id, here }, 'peer-unreachable')
  })
})

describe('T11: an attacker who would have us speak in plain', { concurrency: true }, () => {
  const attacks: readonly (readonly [string, (socket: Socket) => void])[] = [
    ['resets TLS', (socket) => socket.resetAndDestroy()],
    ['ends TLS', (socket) => socket.end()],
    ['answers TLS in plain', (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')],
    ['answers TLS with an alert', (socket) => socket.end(Buffer.from('15030100020228', 'hex'))],
    ['answers TLS with noise', (socket) => socket.write(Buffer.alloc(300, 0x17))],
    ['never answers TLS', () => {}],
  ]

  for (const [name, act] of attacks) {
    test(`${name}: the connection is insecure, and not a byte is sent in plain`, async () => {
      await using server = await openDowngrader(act)
      const limits = { dialMs: 500, fetchPeersMs: 500, pingTimeoutMs: 500 }
      await using client = await openOurs({ limits })
      const { id } = makeCredentials()
      await assertEachFails(client, { id, here: server.here }, 'insecure-connection')
      assert.equal(server.handshakes(), 4)
      assert.equal(server.plain(), '')
    })
  }

  test('twin: an ID that is not cut from a key gets our PeerID in plain from the same server', async () => {
    await using server = await openDowngrader((socket) => socket.resetAndDestroy())
    await using client = await openOurs()
    await assert.rejects(client.dial(friendId, [server.here]))
    assert.match(server.plain(), new RegExp(`PeerID: ${client.id}`))
  })

  test('H9: a PeerID of ours in plain gets 403 on /ws and /peers, however well it is known', async () => {
    await using server = await openOurs({ context: { isKnown: () => true, permits: () => true } })
    for (const path of ['/ws', '/peers']) {
      const say = requestText(server.here, path, { ...webSocketHeaders, PeerID: me.id })
      assert.equal((await exchange(server.here, say)).status, 403, path)
    }
    assert.equal(
      (await exchange(server.here, requestText(server.here, '/ping', { PeerID: me.id }))).status,
      200,
    )
  })

  test('H9 twin: the same requests with an ID of the reference are served', async () => {
    await using server = await openOurs()
    for (const [path, status] of [
      ['/ws', 101],
      ['/peers', 200],
    ] as const) {
      const say = requestText(server.here, path, { ...webSocketHeaders, PeerID: friendId })
      const answer = await exchange(server.here, say, { withinMs: 300 })
      assert.equal(answer.status, status, path)
    }
  })

  test('nothing of our part of the protocol is said in plain', async () => {
    await using server = await openOurs()
    const say = requestText(server.here, '/ws', { ...webSocketHeaders, PeerID: friendId, 'P2P-Version': '1' })
    const accepted = server.nextAccepted()
    assert.doesNotMatch((await exchange(server.here, say, { withinMs: 300 })).text, /P2P-Version/i)
    assert.equal((await accepted).proof, undefined)
    await using reference = await openDowngrader(() => {})
    await using client = await openOurs()
    await assert.rejects(client.dial(friendId, [reference.here]))
    assert.doesNotMatch(reference.plain(), /P2P-Version/i)
  })
})

test('a context of TLS is made once for each identity', () => {
  assert.equal(secureContextOf(me), secureContextOf(me))
  assert.notEqual(secureContextOf(me), secureContextOf(plainly(friendId)))
})

/** How many requests are heard of a caller with these papers. */
async function callByHand(papers: BarePapers): Promise<number> {
  const { context, requests } = counted()
  await using server = await openOurs({ context })
  const socket = connectTcp(server.port, '127.0.0.1')
  const ended = new Promise((resolve) => socket.on('close', resolve))
  socket.on('error', () => {})
  const caller = await bareClient(socket, papers)
  caller.write(securedRequest(server.here, '/ping'))
  await Promise.race([ended, delay(1_000)])
  socket.destroy()
  return requests()
}

describe('T1: a certificate that was stolen without its key', () => {
  const [owner, thief] = [makeCredentials(), makeCredentials()]
  const stolen = { cert: owner.certificate, key: thief.privateKey }
  const own = { cert: owner.certificate, key: owner.privateKey }

  /** The error of who dials the owner and gets this server. */
  async function dialByHand(papers: BarePapers): Promise<unknown> {
    await using client = await openOurs({ limits: { dialMs: 500 } })
    const server = createTcpServer((socket) => {
      socket.on('error', () => {})
      void bareServer(socket, papers)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const error: unknown = await client
      .dial(owner.id, [{ address: '127.0.0.1', port }])
      .catch((reason: unknown) => reason)
    server.close()
    return isP2PError(error) ? error.code : error
  }

  test('its bearer is not heard', async () => {
    assert.equal(await callByHand(stolen), 0)
  })

  test('twin: the same caller with the key is', async () => {
    assert.equal(await callByHand(own), 1)
  })

  test('a server that shows it hears nothing', async () => {
    assert.equal(await dialByHand(stolen), 'insecure-connection')
  })

  test('twin: the same server with the key is taken for the peer, which then does not answer', async () => {
    assert.equal(await dialByHand(own), 'peer-unreachable')
  })
})
