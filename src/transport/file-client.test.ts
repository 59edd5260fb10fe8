/** What asks for files, and peers that answer as they like: rows F10 and F11. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { availability, fetchAll, fileId, withCode } from '../../test/contracts/file-connection.ts'
import {
  delay,
  friendId,
  makeCredentials,
  openTransport,
  until,
  type TestTransport,
  type TestTransportOptions,
} from '../../test/transport/open.ts'
import { callSecurely, openTlsServer, papersOf, type OddServer } from '../../test/transport/tls-ends.ts'
import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { leafBytes } from '../protocol/file-id.ts'
import type { Piece, FileConnection } from './files.ts'

const them = makeCredentials()

interface Ends extends AsyncDisposable {
  readonly connection: FileConnection
  readonly server: OddServer
  readonly us: TestTransport
}

/** A peer with a key of ours that does with each request what `answer` does. */
async function openEnds(
  answer: (socket: TLSSocket, request: number) => void,
  options: TestTransportOptions = {},
): Promise<Ends> {
  const server = await openTlsServer(papersOf(them), {}, (socket) => {
    let requests = 0
    socket.on('data', () => answer(socket, ++requests))
  })
  const us = await openTransport({ credentials: makeCredentials(), ...options })
  const connection = await us.files(them.id, [server.here])
  return {
    connection,
    server,
    us,
    async [Symbol.asyncDispose]() {
      await us[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

function says(text: string): (socket: TLSSocket) => void {
  return (socket) => void socket.write(text, 'latin1')
}

const part = 'HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nContent-Range: bytes 0-9/10\r\n'

describe('F10: sizes that are not true', () => {
  test('who says 10 bytes and sends without end is cut off, with ten of them taken', async () => {
    await using ends = await openEnds((socket) => {
      socket.write(`${part}\r\n`)
      const flood = (): void => {
        if (socket.writable) socket.write(Buffer.alloc(65_536), () => setImmediate(flood))
      }
      flood()
    })
    const pieces = await fetchAll(ends.connection, 0, 10)
    assert.deepEqual(
      pieces.map((piece) => piece.length),
      [10],
    )
    await ends.connection.closed
    await assert.rejects(fetchAll(ends.connection, 0, 10), withCode('protocol-violation'))
  })

  test('twin: a client that reads to the end takes a hundred times as much', async () => {
    await using server = await openTlsServer(papersOf(them), {}, (socket) => {
      socket.end(`${part}\r\n${'x'.repeat(1_000)}`)
    })
    const { text } = await callSecurely(server.here, 'GET / HTTP/1.1\r\n\r\n', papersOf(them))
    assert.equal(text.length, part.length + 2 + 1_000)
  })

  test('who says 10 GB and sends 10 bytes ends it with nothing handed over', async () => {
    const size = 10 * 1024 ** 3
    await using ends = await openEnds((socket) =>
      socket.end(
        `HTTP/1.1 206 Partial Content\r\nContent-Length: ${size}\r\nContent-Range: bytes 0-${size - 1}/${size}\r\n\r\n0123456789`,
      ),
    )
    let pieces = 0
    const fetching = ends.connection.fetch(
      { kind: 'content', id: fileId(1), start: 0, end: size },
      () => pieces++,
    )
    await assert.rejects(fetching, withCode('peer-unreachable'))
    assert.equal(pieces, 0)
  })

  const wrong: Readonly<Record<string, string>> = {
    'no size': 'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/10\r\n\r\n0123456789',
    'the size -1': part.replace('Content-Length: 10', 'Content-Length: -1'),
    'the size 2⁵³+1': part.replace('Content-Length: 10', 'Content-Length: 9007199254740993'),
    'another size': part.replace('Content-Length: 10', 'Content-Length: 11'),
    'two sizes': `${part}Content-Length: 10\r\n`,
    'another start': part.replace('0-9/10', '1-10/11'),
    'another end': part.replace('0-9/10', '0-8/10'),
    'no part': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n',
    'an interim answer': `HTTP/1.1 100 Continue\r\n\r\n${part}`,
    'another place to look':
      'HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n',
    'F11: gzip': `${part}Content-Encoding: gzip\r\n`,
    'F11: br': `${part}Content-Encoding: br\r\n`,
    'F11: chunks': `${part}Transfer-Encoding: chunked\r\n`,
    'a head without an end': `${part}X: ${'y'.repeat(20_000)}`,
    'a refusal with a novel': 'HTTP/1.1 404 Not Found\r\nContent-Length: 100000\r\n',
  }
  for (const [name, head] of Object.entries(wrong)) {
    test(`${name} is a violation, and nothing is handed over`, async () => {
      await using ends = await openEnds(says(`${head}\r\n0123456789`))
      const fetching = fetchAll(ends.connection, 0, 10)
      await assert.rejects(fetching, withCode('protocol-violation'))
      await ends.connection.closed
    })
  }

  test('a question is not answered with content, nor a pack with more than it may have', async () => {
    await using ends = await openEnds(says(`${part}\r\n0123456789`))
    await assert.rejects(ends.connection.ask(availability), withCode('protocol-violation'))
    for (const bytes of [3, limits.packBytes + 5]) {
      await using other = await openEnds(says(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`))
      const pack = { kind: 'pack', ids: [fileId(1)] } as const
      await assert.rejects(
        other.connection.fetch(pack, () => {}),
        withCode('protocol-violation'),
      )
    }
  })
})

test('F11 twin: a client that unpacks what is packed gets a thousand times as much as was sent', async () => {
  const packed = gzipSync(Buffer.alloc(10_000_000))
  const server = createServer((_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, {
      'Content-Encoding': 'gzip',
      'Content-Length': packed.length,
      Connection: 'close',
    })
    response.end(packed)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const { byteLength } = await answer.arrayBuffer()
  await new Promise((resolve) => server.close(resolve))
  assert.ok(byteLength > 900 * packed.length)
})

/** Gives a piece of a file a few bytes at a time. @returns what became of asking for it, and what had come */
async function fetchTrickle(slowSourceBytesPerSecond: number): Promise<unknown> {
  const quick = { limits: { fileStallMs: 400, slowSourceBytesPerSecond } }
  await using ends = await openEnds((socket) => {
    socket.write(`${part}\r\n`)
    let given = 0
    const timer = setInterval(() => {
      if (++given === 10) clearInterval(timer)
      socket.write('x')
    }, 80)
  }, quick)
  return await fetchAll(ends.connection, 0, 10).then(
    () => 'all of it',
    (error: unknown) => (isP2PError(error) ? error.code : error),
  )
}

describe('peers that do as they like', () => {
  test('nothing is asked for in another encoding, and everything says who asks', async () => {
    await using ends = await openEnds(says('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))
    await ends.connection.ask(availability)
    const { port } = ends.server.here
    assert.deepEqual(ends.server.heard().split('\r\n'), [
      `GET /availability/${fileId(1)} HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      `PeerID: ${ends.us.id}`,
      'P2P-Version: 1',
      '',
      '',
    ])
  })

  test('what was not asked for ends the connection, at once and between two requests', async () => {
    const server = await openTlsServer(
      papersOf(them),
      {},
      (socket) => void socket.write('HTTP/1.1 200 OK\r\n'),
    )
    await using us = await openTransport({ credentials: makeCredentials() })
    const opened = await us.files(them.id, [server.here]).catch(withCode('protocol-violation'))
    if (typeof opened === 'object') await opened.closed
    await server[Symbol.asyncDispose]()
    await using ends = await openEnds((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'), 20)
    })
    await ends.connection.ask(availability)
    await ends.connection.closed
    await assert.rejects(ends.connection.ask(availability), withCode('protocol-violation'))
  })

  test('who says nothing for too long is given up, and who says little is not', async () => {
    const quick = { limits: { fileStallMs: 200, slowSourceBytesPerSecond: 0 } }
    await using silent = await openEnds(() => {}, quick)
    await assert.rejects(silent.connection.ask(availability), withCode('peer-unreachable'))
    await using slow = await openEnds((socket) => {
      const answer = [...Buffer.from(`${part}\r\n0123456789`)]
      const timer = setInterval(() => {
        const next = answer.splice(0, 4)
        if (next.length === 0) clearInterval(timer)
        else socket.write(Buffer.from(next))
      }, 30)
    }, quick)
    assert.equal((await fetchAll(slow.connection, 0, 10)).length, 1)
  })

  test('F6: who gives a byte now and then only holds on, and is given up', async () => {
    assert.equal(await fetchTrickle(1024), 'peer-unreachable')
  })

  test('F6 twin: without a least rate it would have its place for as long as it likes', async () => {
    assert.equal(await fetchTrickle(0), 'all of it')
  })

  test('in the middle of a file less patience is needed, and what has come is told', async () => {
    const patience = { limits: { fileStallMs: 60_000, fileQuietMs: 200 } }
    await using ends = await openEnds(says(`${part}\r\n01234`), patience)
    let told = ''
    const fetching = ends.connection.fetch(
      { kind: 'content', id: fileId(1), start: 0, end: 10 },
      (piece) => piece.release(),
      { begun: (bytes) => (told = Buffer.from(bytes).toString()) },
    )
    await assert.rejects(fetching, withCode('peer-unreachable'))
    assert.equal(told, '01234')
    await using silent = await openEnds(() => {}, patience)
    const asking = silent.connection.ask(availability)
    const first = await Promise.race([asking, delay(1_000).then(() => 'it waits')])
    assert.equal(first, 'it waits')
    await silent.connection[Symbol.asyncDispose]()
    await assert.rejects(asking)
  })

  test('a taker that takes its time has not stalled', async () => {
    const size = 8 * leafBytes
    await using ends = await openEnds(
      (socket) => {
        const range = `Content-Range: bytes 0-${size - 1}/${size}`
        socket.write(`HTTP/1.1 206 Partial Content\r\nContent-Length: ${size}\r\n${range}\r\n\r\n`)
        socket.write(Buffer.alloc(size))
      },
      { limits: { fileStallMs: 200 } },
    )
    const pieces: Piece[] = []
    const fetching = ends.connection.fetch({ kind: 'content', id: fileId(1), start: 0, end: size }, (piece) =>
      pieces.push(piece),
    )
    await delay(600)
    const timer = setInterval(() => pieces.shift()?.release(), 10)
    await fetching
    clearInterval(timer)
    for (const piece of pieces) piece.release()
  })

  test('a connection that nobody uses is ended before its other end does so', async () => {
    await using ends = await openEnds(() => {}, { limits: { fileStallMs: 80, fileIdleMs: 400 } })
    const started = performance.now()
    await ends.connection.closed
    assert.ok(performance.now() - started < 5_000)
    assert.equal(ends.server.heard(), '')
  })

  test('a peer that ends the connection with its answer is believed', async () => {
    await using ends = await openEnds(
      says('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'),
    )
    await assert.rejects(ends.connection.ask(availability), withCode('file-unknown'))
    await ends.connection.closed
    await assert.rejects(ends.connection.ask(availability), withCode('peer-unreachable'))
  })

  test('nobody is asked before it has proved who it is, and reference peers never', async () => {
    await using server = await openTlsServer(papersOf(makeCredentials()))
    await using us = await openTransport({ credentials: makeCredentials() })
    await assert.rejects(us.files(them.id, [server.here]), withCode('identity-mismatch'))
    await assert.rejects(us.files(friendId, [server.here]), withCode('peer-unprovable'))
    assert.equal(server.heard(), '')
  })

  test('the end of the transport ends what is under way', async () => {
    const ends = await openEnds(() => {})
    const asking = assert.rejects(
      ends.connection.ask(availability),
      withCode('peer-unreachable', 'node-stopped'),
    )
    await until(() => ends.server.heard().length > 0)
    await ends[Symbol.asyncDispose]()
    await asking
  })
})
