/** What p2p relies on of TLS in Node, most of it not in Node's documentation. Each test fails when Node has changed. */
import assert from 'node:assert/strict'
import { constants } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { bareClient, bareServer, type BarePapers } from './bare-tls.ts'
import { call, clientPapers, delay, listen, papers, tlsServer } from './ends.ts'

/** A session that the client of one call could take up again, and whether the next call did. */
async function callTwice(
  secureOptions: number,
): Promise<{ reused: boolean; certificate: boolean; serverReused: boolean }> {
  const reused: boolean[] = []
  await using server = await listen(
    tlsServer({ requestCert: true, secureOptions }, (socket) => {
      reused.push(socket.isSessionReused())
      socket.write('x')
    }),
  )
  const first = await call(server.port, clientPapers)
  const offered = await Promise.race([once(first.socket, 'session') as Promise<[Buffer]>, delay(1_000)])
  assert.ok(offered, 'a session was offered')
  await once(first.socket, 'data')
  first.socket.destroy()
  const second = await call(server.port, { ...clientPapers, session: offered[0] })
  await once(second.socket, 'data')
  const result = {
    reused: second.socket.isSessionReused(),
    certificate: second.socket.getPeerX509Certificate() !== undefined,
    serverReused: reused[1] === true,
  }
  second.socket.destroy()
  return result
}

test('with SSL_OP_NO_TICKET no session is taken up again', async () => {
  const seen = await callTwice(constants.SSL_OP_NO_TICKET)
  assert.deepEqual(seen, { reused: false, certificate: true, serverReused: false })
})

test('without it one is, and then the client sees no certificate', async () => {
  assert.deepEqual(await callTwice(0), { reused: true, certificate: false, serverReused: true })
})

test("the client's secureConnect fires before the server has judged the client's certificate", async () => {
  await using server = await listen(tlsServer({ requestCert: true, rejectUnauthorized: true }))
  const { secured, socket } = await call(server.port, clientPapers)
  assert.equal(secured, true)
  await once(socket, 'close')
})

test('rejectUnauthorized: false takes a server without its name, and a client with no certificate at all', async () => {
  let asked = 0
  const accepted: boolean[] = []
  await using server = await listen(
    tlsServer({ requestCert: true }, (socket) =>
      accepted.push(socket.getPeerX509Certificate() !== undefined),
    ),
  )
  const { secured, socket } = await call(server.port, {
    checkServerIdentity: () => {
      asked++
      return new Error('never asked')
    },
  })
  assert.equal(secured, true)
  await delay(100)
  assert.equal(asked, 0)
  assert.deepEqual(accepted, [false])
  socket.destroy()
})

test('a server with ALPN takes a client without it, and refuses one with another', async () => {
  const chosen: (string | false | null)[] = []
  await using server = await listen(
    tlsServer({ ALPNProtocols: ['p2p/1'] }, (socket) => chosen.push(socket.alpnProtocol)),
  )
  const without = await call(server.port)
  assert.equal(without.secured, true)
  assert.equal(without.socket.alpnProtocol, false)
  const other = await call(server.port, { ALPNProtocols: ['h2'] })
  assert.equal(other.secured, false)
  assert.match(other.error, /NO_APPLICATION_PROTOCOL/)
  await delay(50)
  assert.deepEqual(chosen, [false])
  without.socket.destroy()
})

test('TLS 1.2 is refused by a server of 1.3 alone', async () => {
  await using server = await listen(tlsServer({}))
  const { secured } = await call(server.port, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
  assert.equal(secured, false)
})

test('handshakeTimeout only emits tlsClientError: the connection stays', async () => {
  const server = tlsServer({ handshakeTimeout: 100 })
  const errors: string[] = []
  server.on('tlsClientError', (error: NodeJS.ErrnoException) => errors.push(error.code ?? ''))
  await using listening = await listen(server)
  const socket = connectTcp(listening.port, '127.0.0.1')
  let closed = false
  socket.on('error', () => {}).on('close', () => (closed = true))
  socket.write('\x16\x03\x01')
  await delay(700)
  assert.deepEqual(errors, ['ERR_TLS_HANDSHAKE_TIMEOUT'])
  assert.equal(closed, false)
  socket.destroy()
})

test('a server of TLS that listens nowhere serves what is given to it, with the first byte put back', async () => {
  const secure = tlsServer({ requestCert: true }, (socket) => socket.end('hello'))
  await using server = await listen(
    createTcpServer((socket) => {
      socket.once('readable', () => {
        socket.unshift(socket.read(1))
        secure.emit('connection', socket)
      })
    }),
  )
  const { socket } = await call(server.port, clientPapers)
  const [text] = (await once(socket, 'data')) as [Buffer]
  assert.equal(text.toString(), 'hello')
  socket.destroy()
})

function ends({ remoteAddress, remotePort, localAddress }: Socket): readonly unknown[] {
  return [remoteAddress, remotePort, localAddress]
}

test('the four ends of a TLSSocket are those of the socket below it, whose bytesRead counts what came on the wire', async () => {
  const seen: (readonly unknown[])[] = []
  const server = tlsServer({ requestCert: true }, (socket) => seen.push(ends(socket)))
  const bytes: number[] = []
  server.on('connection', (socket) => {
    seen.push(ends(socket))
    server.once('secureConnection', () => bytes.push(socket.bytesRead))
  })
  await using listening = await listen(server)
  const { socket } = await call(listening.port, clientPapers)
  await delay(50)
  assert.equal(seen.length, 2)
  assert.deepEqual(seen[0], seen[1])
  assert.ok((bytes[0] ?? 0) > 500 && (bytes[0] ?? 0) < 4_096, `${bytes[0]} bytes`)
  socket.destroy()
})

function material(socket: TLSSocket | undefined, label = 'EXPORTER-p2p-sas-v1'): string | undefined {
  return socket?.exportKeyingMaterial(32, label, Buffer.alloc(0)).toString('hex')
}

test('both ends export the same key material for a label, others get other', async () => {
  let there: TLSSocket | undefined
  await using server = await listen(tlsServer({}, (socket) => (there = socket)))
  const [first, second] = [await call(server.port), await call(server.port)]
  await delay(50)
  assert.equal(material(second.socket), material(there))
  assert.equal(material(second.socket)?.length, 64)
  assert.notEqual(material(first.socket), material(there))
  assert.notEqual(material(second.socket, 'EXPORTER-other'), material(there))
  for (const { socket } of [first, second]) socket.destroy()
})

test('a chain shows in issuerCertificate, and a single certificate that signs itself has none', async () => {
  const issuers: boolean[] = []
  await using server = await listen(
    tlsServer({ requestCert: true }, (socket) =>
      issuers.push(socket.getPeerX509Certificate()?.issuerCertificate !== undefined),
    ),
  )
  for (const name of ['plain', 'chain']) {
    const { socket } = await call(server.port, papers(name))
    await delay(50)
    socket.destroy()
  }
  assert.deepEqual(issuers, [false, true])
})

/** Shakes hands by hand with a server of Node; what the server says of it. */
async function callByHand(bare: BarePapers): Promise<string> {
  const judged = Promise.withResolvers<string>()
  const server = tlsServer({ requestCert: true, ALPNProtocols: ['p2p/1'] }, () => judged.resolve('served'))
  server.on('tlsClientError', (error: NodeJS.ErrnoException) => judged.resolve(error.code ?? ''))
  await using listening = await listen(server)
  const socket = connectTcp(listening.port, '127.0.0.1')
  socket.on('error', () => {})
  await bareClient(socket, bare)
  const verdict = await judged.promise
  socket.destroy()
  return verdict
}

/** Has a client of Node shake hands with a server by hand; what the client says of it. */
async function answerByHand(bare: BarePapers): Promise<string> {
  await using listening = await listen(
    createTcpServer((socket) => {
      socket.on('error', () => {})
      void bareServer(socket, bare)
    }),
  )
  const { secured, error, socket } = await call(listening.port, { ...clientPapers, ALPNProtocols: ['p2p/1'] })
  socket.destroy()
  return secured ? 'served' : error
}

test('a stolen certificate without its key is refused for its signature, by server and by client', async () => {
  const stolen = { cert: papers('plain').cert, key: papers('usual').key }
  // ERR_SSL_BAD_SIGNATURE with older OpenSSL, ERR_SSL_PROVIDER_SIGNATURE_FAILURE since 3.5.
  assert.match(await callByHand(stolen), /^ERR_SSL_.*SIGNATURE/)
  assert.match(await answerByHand(stolen), /^ERR_SSL_.*SIGNATURE/)
})

test('the same by who has the key is served', async () => {
  assert.equal(await callByHand(papers('plain')), 'served')
  assert.equal(await answerByHand(papers('plain')), 'served')
})

/** Reads 64 MiB with `onread` and stops now and then; what came, and most of what came after it was stopped. */
async function readInto(
  options: (port: number) => ConnectionOptions,
): Promise<{ bytes: number; lateBytes: number }> {
  const sent = 64 * 1024 * 1024
  await using server = await listen(tlsServer({}, (socket) => void socket.end(Buffer.alloc(sent))))
  const memory = Buffer.alloc(1024 * 1024)
  let [bytes, late, lateBytes, isStopped, calls] = [0, 0, 0, false, 0]
  const callback = (count: number): boolean => {
    bytes += count
    if (isStopped) late += count
    else if (++calls % 37 === 0) {
      isStopped = true
      setTimeout(() => {
        lateBytes = Math.max(lateBytes, late)
        late = 0
        isStopped = false
        socket.resume()
      }, 1)
    }
    return !isStopped
  }
  const onread = { buffer: () => memory.subarray(bytes % memory.length), callback }
  const { minVersion, maxVersion } = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const
  const all = { ...options(server.port), rejectUnauthorized: false, minVersion, maxVersion, onread }
  const socket = connect(all).resume()
  await once(socket, 'close')
  return { bytes, lateBytes }
}

test('onread puts what comes where it is told, and at most 128 KiB more after it was told to stop', async () => {
  const { bytes, lateBytes } = await readInto((port) => ({ host: '127.0.0.1', port }))
  assert.equal(bytes, 64 * 1024 * 1024)
  assert.ok(lateBytes > 0 && lateBytes <= 128 * 1024, `${lateBytes} bytes`)
})

test('onread is not looked at where TLS is put on a socket that is there', async () => {
  const { bytes } = await readInto((port) => ({ socket: connectTcp({ host: '127.0.0.1', port }) }))
  assert.equal(bytes, 0)
})
