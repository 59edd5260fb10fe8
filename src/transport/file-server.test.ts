/** What answers about files, and callers that ask as they like: rows F1, F4, F5, F6 and T10. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { contentHost, fileId, withCode } from '../../test/contracts/file-connection.ts'
import { bareClient } from '../../test/node-facts/bare-tls.ts'
import {
  delay,
  makeCredentials,
  openTransport,
  until,
  type TestTransport,
  type TestTransportOptions,
} from '../../test/transport/open.ts'
import { exchange, requestText } from '../../test/transport/raw.ts'
import {
  callSecurely,
  papersOf,
  securedRequest,
  usual,
  webSocketHeaders,
  type SecureCall,
} from '../../test/transport/tls-ends.ts'
import { limits } from '../base/limits.ts'
import { hashBytes, leafBytes } from '../protocol/file-id.ts'
import type { FileRequest } from '../protocol/file-request.ts'
import type { FileHost, FileReply } from './files.ts'

const me = makeCredentials()
const content = `/content/${fileId(1)}`

function openHost(files: FileHost, options: TestTransportOptions = {}): Promise<TestTransport> {
  const { context, ...rest } = options
  return openTransport({ credentials: makeCredentials(), ...rest, context: { ...context, files } })
}

/** A host that answers every question with `ok`, and keeps what it was asked. */
function recordingHost(): FileHost & { readonly asked: FileRequest[] } {
  const asked: FileRequest[] = []
  return {
    asked,
    serve(_, request) {
      asked.push(request)
      return Promise.resolve({ kind: 'message', body: Buffer.from('ok') })
    },
  }
}

type Headers = Readonly<Record<string, string | undefined>>

/** One request, by hand; the connection ends with its answer. */
function ask(server: TestTransport, target: string, headers: Headers = {}): Promise<SecureCall> {
  const all = { PeerID: me.id, Connection: 'close', ...headers }
  return callSecurely(server.here, securedRequest(server.here, target, all), papersOf(me))
}

function askWith(server: TestTransport, method: string, target: string, headers: Headers = {}, body = '') {
  const all = { PeerID: me.id, Connection: 'close', 'P2P-Version': '1', ...headers }
  const text = requestText(server.here, target, all, method) + body
  return callSecurely(server.here, text, { ...papersOf(me), withinMs: 2_000 })
}

/** A caller that says what it likes and reads only when it is told to. */
async function call(server: TestTransport, localAddress?: string): Promise<TLSSocket> {
  const options = { host: server.here.address, port: server.port, ...usual, ...papersOf(me) }
  const socket = connect(localAddress === undefined ? options : ({ ...options, localAddress } as object))
  socket.on('error', () => {})
  await new Promise<void>((resolve) => socket.once('secureConnect', () => resolve()))
  return socket
}

function closing(socket: TLSSocket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
  })
}

const climbing = [
  '/files?path=../../etc/passwd',
  '/files?path=%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '/files?path=..%5c..%5csecret',
  '/files?path=%c0%ae%c0%ae/secret',
  '/files?path=/etc/passwd',
  '/files?path=a/../../secret',
  '/files?path=a%00b',
  '/content/../../etc/passwd',
  `/content/${fileId(1)}/../../secret`,
  '/content/%2e%2e%2fsecret',
  '/trees/../secret',
  '/availability/..%2fsecret',
  '/files/../secret',
  '/files/C:/secret',
  '/files//etc/passwd',
]

describe('F1: names that climb', () => {
  test('get 404, and nobody is asked for them', async () => {
    const host = recordingHost()
    await using server = await openHost(host)
    for (const target of climbing) {
      assert.equal((await ask(server, target, { Range: 'bytes=0-9' })).status, 404, target)
    }
    assert.deepEqual(host.asked, [])
  })

  test('are names in an index where the wire can say them, and nothing more', async () => {
    const host = recordingHost()
    await using server = await openHost(host)
    assert.equal((await ask(server, '/files?path=C%3A%5Cx/..%5C..%5Csecret')).status, 200)
    assert.deepEqual(host.asked, [
      { kind: 'list', offer: undefined, path: 'C:\\x/..\\..\\secret', after: '', deep: false },
    ])
  })

  test('twin: a server that joins them to a folder gives away what is beside it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'p2p-f1-'))
    try {
      mkdirSync(join(folder, 'share'))
      writeFileSync(join(folder, 'secret'), 'secret')
      const naive = (target: string): string => {
        try {
          return readFileSync(
            join(folder, 'share', decodeURIComponent(target.replace(/^.*[=/]C?:?(?=\.|%2e)/i, ''))),
            'utf8',
          )
        } catch {
          return ''
        }
      }
      assert.ok(climbing.some((target) => naive(target) === 'secret'))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('F4: ranges', () => {
  test('everything but one range gets 416, whether the file is there or not', async () => {
    const host = recordingHost()
    await using server = await openHost(host)
    const ranges = [
      undefined,
      '',
      `bytes=${'0-0,'.repeat(1_000)}`,
      'bytes=0-0,1-1',
      'bytes=5-2',
      'bytes=-0',
      'bytes=-5',
      'bytes=5-',
      `bytes=0-${2n ** 63n}`,
      `bytes=${2n ** 63n}-${2n ** 63n}`,
      'bytes=0-9\r\nRange: bytes=0-9',
      'items=0-9',
    ]
    for (const Range of ranges) {
      const { status, text } = await ask(server, content, { Range })
      assert.equal(status, 416, Range)
      assert.match(text, /\r\nContent-Length: 0\r\n/)
    }
    assert.deepEqual(host.asked, [])
  })

  test('one beyond the end gets 416 with the size, one within it 206 with exactly its bytes', async () => {
    await using server = await openHost(contentHost(100))
    const beyond = await ask(server, content, { Range: 'bytes=50-100' })
    assert.equal(beyond.status, 416)
    assert.match(beyond.text, /\r\nContent-Range: bytes \*\/100\r\n/)
    const { status, text } = await ask(server, content, { Range: 'bytes=50-98', 'Accept-Encoding': 'gzip' })
    assert.equal(status, 206)
    assert.match(text, /\r\nContent-Range: bytes 50-98\/100\r\n/)
    assert.match(text, /\r\nContent-Length: 49\r\n/)
    assert.doesNotMatch(text, /encoding/i)
    assert.equal(text.split('\r\n\r\n')[1]?.length, 49)
  })
})

describe('F5: what is not there and what one may not have', () => {
  const refused = { kind: 'refused', status: 404 } as const

  test('get the same bytes', async () => {
    await using server = await openHost({ serve: () => Promise.resolve(refused) })
    const texts = new Set<string>()
    for (const number of [1, 2, 3]) {
      for (const target of [
        `/content/${fileId(number)}`,
        `/availability/${fileId(number)}`,
        '/files?path=x',
      ]) {
        const headers = target.startsWith('/content') ? { Range: 'bytes=0-9' } : {}
        texts.add((await ask(server, target, headers)).text)
      }
    }
    assert.deepEqual([...texts], ['HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'])
  })

  test('twin: a host that looks at the range before the right tells that a file is there, and how long it is', async () => {
    const host: FileHost = {
      serve: (_, request): Promise<FileReply> =>
        Promise.resolve(
          request.kind === 'content' && request.id === fileId(1)
            ? { kind: 'refused', status: 416, sizeBytes: 4_711 }
            : refused,
        ),
    }
    await using server = await openHost(host)
    const [there, not] = await Promise.all(
      [1, 2].map((number) => ask(server, `/content/${fileId(number)}`, { Range: 'bytes=0-9' })),
    )
    assert.notEqual(there?.text, not?.text)
    assert.match(there?.text ?? '', /4711/)
  })
})

const length = (bytes: number | string): Headers => ({ 'Content-Length': String(bytes) })

describe('methods and bodies', () => {
  const roots = 'r'.repeat(2 * hashBytes)

  test('a pack is asked for with POST and some whole roots, everything else with GET', async () => {
    const host = recordingHost()
    await using server = await openHost(host)
    assert.equal((await askWith(server, 'POST', '/pack', length(roots.length), roots)).status, 200)
    assert.deepEqual(
      host.asked.map((request) => request.kind === 'pack' && request.ids.length),
      [2],
    )
    for (const method of ['PUT', 'DELETE', 'PATCH', 'HEAD', 'POST']) {
      const { status, text } = await askWith(server, method, content, { Range: 'bytes=0-9' })
      assert.equal(status, 405, method)
      assert.match(text, /\r\nAllow: GET\r\n/)
    }
    const { status, text } = await askWith(server, 'GET', '/pack')
    assert.equal(status, 405)
    assert.match(text, /\r\nAllow: POST\r\n/)
    assert.equal(host.asked.length, 1)
  })

  test('the longest pack may be the first thing that is said', async () => {
    const host = recordingHost()
    await using server = await openHost(host)
    const most = limits.packFiles * hashBytes
    for (let round = 0; round < 20; round++) {
      assert.equal((await askWith(server, 'POST', '/pack', length(most), 'r'.repeat(most))).status, 200)
    }
  })

  test('another body, or none, gets 400', async () => {
    const host = recordingHost()
    await using server = await openHost(host)
    const most = limits.packFiles * hashBytes
    for (const headers of [
      {},
      length(0),
      length(31),
      length(33),
      length(-32),
      length(most + hashBytes),
      length('9'.repeat(30)),
      { 'Transfer-Encoding': 'chunked' },
      { ...length(32), 'Transfer-Encoding': 'chunked' },
      length('32\r\nContent-Length: 32'),
    ]) {
      assert.equal((await askWith(server, 'POST', '/pack', headers)).status, 400, JSON.stringify(headers))
    }
    assert.equal((await askWith(server, 'GET', content, length(5), 'hello')).status, 400)
    assert.deepEqual(host.asked, [])
  })

  test('a body that does not come in time gets 400', async () => {
    await using server = await openHost(recordingHost(), { limits: { headersMs: 300 } })
    const { status, tookMs } = await askWith(server, 'POST', '/pack', length(64), 'r'.repeat(32))
    assert.equal(status, 400)
    assert.ok(tookMs < 1_900, `${tookMs} ms`)
  })
})

describe('who may ask', () => {
  test('in plain there are no files, whoever asks', async () => {
    const host = recordingHost()
    await using server = await openHost(host)
    for (const target of [
      '/files?path=',
      content,
      `/trees/${fileId(1)}`,
      `/availability/${fileId(1)}`,
      '/pack',
    ]) {
      const request = requestText(server.here, target, { PeerID: me.id, Range: 'bytes=0-9' })
      assert.equal((await exchange(server.here, request)).status, 404, target)
    }
    assert.deepEqual(host.asked, [])
  })

  test('T5: nobody but the one who was proved, with a version, from no browser and not too late', async () => {
    const host = recordingHost()
    await using server = await openHost(host)
    const other = makeCredentials().id
    for (const headers of [{ PeerID: other }, { PeerID: undefined }, { 'P2P-Version': undefined }]) {
      assert.equal((await ask(server, '/files?path=', headers)).status, 403)
    }
    assert.equal((await ask(server, '/files?path=', { Origin: 'http://x' })).status, 403)
    assert.equal((await ask(server, '/files?path=', { Host: 'evil.example' })).status, 421)
    assert.deepEqual(host.asked, [])
    await using stopping = await openHost(host, { context: { isStopping: () => true } })
    assert.equal((await ask(stopping, '/files?path=')).status, 503)
  })

  test('one who is not permitted gets 403, and the host is not asked', async () => {
    const host = recordingHost()
    await using server = await openHost(host, { context: { permits: (_, purpose) => purpose !== 'files' } })
    for (const target of ['/files?path=', content, '/files?nothing']) {
      assert.equal((await ask(server, target, { Range: 'bytes=0-9' })).status, 403)
    }
    assert.deepEqual(host.asked, [])
  })
})

const list = (server: TestTransport): string => securedRequest(server.here, '/files?path=', { PeerID: me.id })

describe('F6: connections', () => {
  test('one request at a time: a second one before the answer ends the connection', async () => {
    const waiting = Promise.withResolvers<FileReply>()
    await using server = await openHost({ serve: () => waiting.promise })
    const socket = await call(server)
    socket.resume()
    socket.write(list(server) + list(server))
    await closing(socket)
    waiting.resolve({ kind: 'refused', status: 404 })
  })

  test('of 1,000 from one peer four are served, and another peer is served meanwhile', async () => {
    let served = 0
    const waiting = Promise.withResolvers<void>()
    const host: FileHost = {
      async serve(caller) {
        if (caller.id === me.id) {
          served++
          await waiting.promise
        }
        return { kind: 'message', body: Buffer.from('ok') }
      },
    }
    await using server = await openHost(host)
    await using honest = await openTransport({ credentials: makeCredentials() })
    await using connection = await honest.files(server.id, [server.here])
    const question = { kind: 'availability', id: fileId(1) } as const
    const statuses = new Map<number, number>()
    const attacks: Promise<void>[] = []
    let underWay = 0
    for (let number = 0; number < 1_000; number++) {
      const localAddress = `127.0.5.${1 + (number % 200)}`
      const options = { ...papersOf(me), withinMs: 60_000, localAddress } as object
      underWay++
      attacks.push(
        callSecurely(server.here, list(server), options).then(({ status }) => {
          underWay--
          statuses.set(status, (statuses.get(status) ?? 0) + 1)
        }),
      )
      // Attackers and attacked share one processor here.
      await until(() => underWay < 100, 20_000)
      if (number % 200 === 100) assert.equal(Buffer.from(await connection.ask(question)).toString(), 'ok')
    }
    await until(() => underWay === limits.fileConnectionsPerPeer, 20_000)
    server.cutFiles(me.id)
    waiting.resolve()
    await Promise.all(attacks)
    assert.equal(served, limits.fileConnectionsPerPeer)
    assert.ok((statuses.get(503) ?? 0) > 0, JSON.stringify([...statuses]))
  })

  test('so many there are in all, whoever has them', async () => {
    const waiting = Promise.withResolvers<FileReply>()
    await using server = await openHost({ serve: () => waiting.promise }, { limits: { fileConnections: 2 } })
    const peers = await Promise.all([1, 2, 3].map(() => openTransport({ credentials: makeCredentials() })))
    const question = { kind: 'availability', id: fileId(1) } as const
    const callOf = async (peer: TestTransport): Promise<Uint8Array> =>
      await (await peer.files(server.id, [server.here])).ask(question)
    const asking = peers.slice(1).map((peer) => callOf(peer))
    await delay(100)
    await assert.rejects(callOf(peers[0] ?? server), withCode('too-many'))
    waiting.resolve({ kind: 'message', body: Buffer.from('ok') })
    await Promise.all(asking)
    for (const peer of peers) await peer[Symbol.asyncDispose]()
  })

  test('the many peers of one host keep nobody at another address out', async () => {
    const waiting = Promise.withResolvers<FileReply>()
    const few = { fileConnections: 3, fileConnectionsPerPeer: 1 }
    await using server = await openHost({ serve: () => waiting.promise }, { limits: few })
    const peers = await Promise.all([1, 2, 3].map(() => openTransport({ credentials: makeCredentials() })))
    const question = { kind: 'availability', id: fileId(1) } as const
    const asking = Promise.allSettled(
      peers.map(async (peer) => await (await peer.files(server.id, [server.here])).ask(question)),
    )
    await delay(100)
    const newcomer = await call(server, '127.0.0.2')
    const heard = new Promise<string>((resolve) => newcomer.once('data', (data) => resolve(data.toString())))
    const headers = { PeerID: me.id, 'P2P-Version': '1' }
    newcomer.write(requestText(server.here, `/availability/${fileId(1)}`, headers, 'GET'))
    await delay(100)
    waiting.resolve({ kind: 'message', body: Buffer.from('ok') })
    assert.match(await heard, /^HTTP.1.1 200/)
    newcomer.destroy()
    const settled = await asking
    assert.equal(settled.filter(({ status }) => status === 'rejected').length, 1)
    for (const peer of peers) await peer[Symbol.asyncDispose]()
  })

  test('one that nobody uses gives way to a new one', async () => {
    await using server = await openHost(recordingHost(), {
      limits: { fileConnectionsPerPeer: 1, pendingGraceMs: 50 },
    })
    await using peer = await openTransport({ credentials: makeCredentials() })
    const question = { kind: 'availability', id: fileId(1) } as const
    await using first = await peer.files(server.id, [server.here])
    await first.ask(question)
    await delay(100)
    await using second = await peer.files(server.id, [server.here])
    await second.ask(question)
    await first.closed
  })

  test('one that is used has no deadline, and one that is not is ended', async () => {
    await using server = await openHost(recordingHost(), {
      limits: { headersMs: 300, firstByteMs: 200, fileIdleMs: 800, fileStallMs: 200 },
    })
    const socket = await call(server)
    let answers = 0
    socket.on('data', () => answers++)
    for (let count = 0; count < 6; count++) {
      socket.write(list(server))
      await delay(150)
    }
    assert.equal(answers, 6)
    const from = performance.now()
    await closing(socket)
    assert.ok(performance.now() - from > 300)
  })

  const size = 64 * leafBytes
  const big = (server: TestTransport): string =>
    securedRequest(server.here, content, { PeerID: me.id, Range: `bytes=0-${size - 1}` })

  /** Asks for 64 MiB and reads a byte now and then; whether it was cut off within two seconds. */
  async function readSlowly(fileStallMs: number): Promise<boolean> {
    const host = contentHost(size)
    await using server = await openHost(host, { limits: { fileStallMs, slowReaderBytesPerSecond: Infinity } })
    const socket = await call(server)
    socket.write(big(server))
    socket.pause()
    const timer = setInterval(() => socket.read(1), 100)
    await until(() => host.sources.length === 1)
    const gone = until(() => host.sources[0]?.disposals === 1, 2_500).then(
      () => true,
      () => false,
    )
    const isCut = await gone
    clearInterval(timer)
    socket.destroy()
    await until(() => host.sources[0]?.disposals === 1)
    return isCut
  }

  test('a reader that reads a byte now and then is cut off, and its source let go', async () => {
    assert.equal(await readSlowly(600), true)
  })

  test('twin: without that limit it holds its place and its buffers for ever', async () => {
    assert.equal(await readSlowly(1_000_000), false)
  })

  for (const [slowReaderBytesPerSecond, what] of [
    [512 * 1024, 'the last chunk of an answer may take its time to arrive'],
    [Infinity, 'twin: without that time the connection is ended while it is on its way'],
  ] as const)
    test(what, async () => {
      await using server = await openHost(contentHost(leafBytes), {
        limits: { fileStallMs: 200, fileIdleMs: 200, slowReaderBytesPerSecond },
      })
      const socket = await call(server)
      socket.resume()
      const beganAt = performance.now()
      const range = `bytes=0-${leafBytes - 1}`
      socket.write(securedRequest(server.here, content, { PeerID: me.id, Range: range }))
      await closing(socket).catch(() => undefined)
      // All of it is with the system at once, on a link as fast as this.
      const tookMs = performance.now() - beganAt
      assert.equal(tookMs > 2_000, slowReaderBytesPerSecond < Infinity, `${tookMs} ms`)
    })

  // The system buffers some MiB at each end, so that what is read steadily leaves here in bursts.
  test('a reader that is merely slow gets everything', async () => {
    await using server = await openHost(contentHost(8 * leafBytes), { limits: { fileStallMs: 4_000 } })
    const socket = await call(server)
    socket.write(
      securedRequest(server.here, content, { PeerID: me.id, Range: `bytes=0-${8 * leafBytes - 1}` }),
    )
    let bytes = 0
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      socket.pause()
      setTimeout(() => socket.resume(), 4)
    })
    await until(() => bytes > 8 * leafBytes, 15_000)
    socket.destroy()
  })

  test('is for nothing else any more', async () => {
    await using server = await openHost(recordingHost())
    for (const headers of [{}, webSocketHeaders]) {
      const socket = await call(server)
      socket.resume()
      socket.write(list(server))
      await delay(50)
      socket.write(securedRequest(server.here, '/ws', { PeerID: me.id, ...headers }))
      await closing(socket)
    }
    assert.deepEqual(server.accepted, [])
  })
})

/** Whether so many new keys in TLS end a connection for files. */
async function updateKeys(count: number, tlsExtraBytes: number): Promise<boolean> {
  await using server = await openHost(recordingHost(), { limits: { fileStallMs: 100, tlsExtraBytes } })
  const socket = connectTcp(server.port, '127.0.0.1').on('error', () => {})
  const caller = await bareClient(socket, papersOf(me))
  caller.write(securedRequest(server.here, '/files?path=', { PeerID: me.id }))
  await delay(50)
  socket.resume()
  caller.updateKeys(count)
  const closed = new Promise<boolean>((resolve) => socket.once('close', () => resolve(true)))
  const isCut = await Promise.race([closed, delay(1_000).then(() => false)])
  socket.destroy()
  return isCut
}

test('T10: a flood of KeyUpdate ends a connection for files, a few of them do not', async () => {
  assert.equal(await updateKeys(5_000, limits.tlsExtraBytes), true)
  assert.equal(await updateKeys(100, limits.tlsExtraBytes), false)
})

test('T10 twin: without the limit it goes on', async () => {
  assert.equal(await updateKeys(5_000, Infinity), false)
})

test('F6: the host hears that who asked has hung up, and goes on with nothing for him', async () => {
  const heard = Promise.withResolvers<AbortSignal | undefined>()
  const over = Promise.withResolvers<void>()
  await using server = await openHost({
    async serve(_caller, _request, { signal } = {}) {
      heard.resolve(signal)
      signal?.addEventListener('abort', () => over.resolve())
      await over.promise
      return { kind: 'refused', status: 404 }
    },
  })
  const socket = await call(server)
  socket.write(requestText(server.here, '/files?find=x', { PeerID: me.id, 'P2P-Version': '1' }, 'GET'))
  const signal = await heard.promise
  assert.equal(signal?.aborted, false)
  socket.destroy()
  await over.promise
})
