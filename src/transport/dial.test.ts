import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, test } from 'node:test'
import {
  delay,
  friendId,
  openTransport,
  plainly,
  selfId,
  strangerId,
  until,
} from '../../test/transport/open.ts'
import { P2PError } from '../base/errors.ts'
import { raceAddresses } from './dial.ts'
import type { Address } from './transport.ts'

const addresses: readonly Address[] = [1, 2, 3].map((port) => ({ address: '192.0.2.1', port }))

/** An attempt at each address: after so many ms it gives its port or fails. */
type Script = Readonly<Record<number, { readonly afterMs: number; readonly fails?: Error }>>

function race(script: Script, options: { readonly signal?: AbortSignal } = {}) {
  const started: number[] = []
  const aborted: number[] = []
  const discarded: number[] = []
  const result = raceAddresses<number>(addresses, {
    staggerMs: 50,
    signal: options.signal,
    async attempt({ port }, signal) {
      started.push(port)
      signal.addEventListener('abort', () => aborted.push(port))
      const { afterMs, fails } = script[port] ?? { afterMs: 0 }
      await delay(afterMs)
      if (fails !== undefined) throw fails
      return port
    },
    discard: (port) => discarded.push(port),
  })
  return { result, started, aborted, discarded }
}

const refused = new P2PError('peer-refused', 'no')
const wrong = new P2PError('not-a-peer', 'what?')
const insecure = new P2PError('insecure-connection', 'cut')
const somebodyElse = new P2PError('identity-mismatch', 'who?')
const noAnswer = new P2PError('peer-unreachable', '…')

/** A script in which every address fails at once. */
const fails = (first: Error, second: Error, third: Error): Script => ({
  1: { afterMs: 0, fails: first },
  2: { afterMs: 0, fails: second },
  3: { afterMs: 0, fails: third },
})

describe('the race of addresses', () => {
  test('the best address alone is tried when it answers in time', async () => {
    const { result, started } = race({ 1: { afterMs: 0 } })
    assert.equal(await result, 1)
    await delay(80)
    assert.deepEqual(started, [1])
  })

  test('a slow address gets company after its head start, and the first answer wins', async () => {
    const { result, started, aborted, discarded } = race({ 1: { afterMs: 400 }, 2: { afterMs: 0 } })
    assert.equal(await result, 2)
    assert.deepEqual(started, [1, 2])
    assert.ok(aborted.includes(1))
    await until(() => discarded.length > 0)
    assert.deepEqual(discarded, [1], 'what comes in late is discarded')
  })

  test('after a failure the next address is tried at once', async () => {
    const { result, started } = race({
      1: { afterMs: 0, fails: noAnswer },
      2: { afterMs: 0, fails: noAnswer },
    })
    assert.equal(await result, 3)
    assert.deepEqual(started, [1, 2, 3])
  })

  test('when all fail, the most telling error is thrown', async () => {
    await assert.rejects(race(fails(noAnswer, wrong, refused)).result, refused)
    await assert.rejects(race(fails(noAnswer, wrong, noAnswer)).result, wrong)
    await assert.rejects(race(fails(noAnswer, noAnswer, noAnswer)).result, noAnswer)
    await assert.rejects(race(fails(wrong, insecure, noAnswer)).result, insecure)
    await assert.rejects(race(fails(insecure, refused, wrong)).result, refused)
    await assert.rejects(race(fails(refused, insecure, somebodyElse)).result, somebodyElse)
  })

  test('an abort ends it with its reason, and nothing more is started', async () => {
    const controller = new AbortController()
    const { result, started } = race({ 1: { afterMs: 20, fails: noAnswer } }, { signal: controller.signal })
    controller.abort(wrong)
    await assert.rejects(result, wrong)
    await delay(80)
    assert.deepEqual(started, [1])
    await assert.rejects(race({}, { signal: controller.signal }).result, wrong)
  })

  test('a peer without an address is unreachable', async () => {
    const none = raceAddresses<number>([], { staggerMs: 1, attempt: async () => 1, discard: () => {} })
    await assert.rejects(none, { code: 'peer-unreachable' })
  })
})

/** A server that answers whatever it hears with `answer`. */
async function openServer(
  answer: string | undefined,
): Promise<AsyncDisposable & { here: Address; heard(): string }> {
  const sockets = new Set<Socket>()
  let heard = ''
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1')
      if (answer !== undefined) socket.write(answer)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    here: { address: '127.0.0.1', port: (server.address() as AddressInfo).port },
    heard: () => heard,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const upgrade = 'HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
const answers: readonly (readonly [string, string, string | undefined])[] = [
  ['403', 'peer-refused', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'],
  ['503', 'peer-refused', 'HTTP/1.1 503 X\r\nContent-Length: 18\r\n\r\nserver is stopping'],
  ['404', 'not-a-peer', 'HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n'],
  ['200', 'not-a-peer', 'HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok'],
  ['a redirect', 'not-a-peer', 'HTTP/1.1 302 X\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n'],
  ['no HTTP', 'not-a-peer', 'hello\r\n'],
  ['a wrong accept key', 'not-a-peer', `${upgrade}Sec-WebSocket-Accept: AAAA\r\n\r\n`],
  ['silence', 'peer-unreachable', undefined],
]

describe('dialling', () => {
  for (const [name, code, answer] of answers) {
    test(`${name} is ${code}`, async () => {
      await using server = await openServer(answer)
      await using client = await openTransport({ limits: { dialMs: 300 } })
      await assert.rejects(client.dial(friendId, [server.here]), { code })
    })
  }

  test('bytes that trickle in do not stretch the time for the handshake', async () => {
    await using server = await openServer(undefined)
    const slow = createServer((socket) => {
      const timer = setInterval(() => socket.write('X'), 50)
      socket.write('HTTP/1.1 101 ')
      socket.on('error', () => {}).on('close', () => clearInterval(timer))
    })
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve))
    const here = { address: '127.0.0.1', port: (slow.address() as AddressInfo).port }
    await using client = await openTransport({ limits: { dialMs: 400 } })
    await assert.rejects(client.dial(friendId, [here]), { code: 'peer-unreachable' })
    slow.close()
    assert.equal(server.heard(), '')
  })

  test('nothing there is unreachable, and so is a name', async () => {
    await using client = await openTransport()
    await assert.rejects(client.dial(friendId, [{ address: '127.0.0.1', port: 1 }]), {
      code: 'peer-unreachable',
    })
    await assert.rejects(client.dial(friendId, [{ address: 'localhost', port: client.port }]), {
      code: 'peer-unreachable',
    })
  })

  test('our handshake is one that the reference takes: our ID, no Origin, no extension, no subprotocol', async () => {
    await using server = await openServer('HTTP/1.1 403 X\r\nContent-Length: 0\r\n\r\n')
    await using client = await openTransport()
    await assert.rejects(client.dial(friendId, [server.here]))
    const heard = server.heard()
    assert.match(heard, /^GET \/ws HTTP\/1\.1\r\n/)
    assert.match(heard, new RegExp(`\\r\\nHost: 127\\.0\\.0\\.1:${server.here.port}\\r\\n`))
    assert.match(heard, new RegExp(`\\r\\nPeerID: ${selfId}\\r\\n`))
    assert.doesNotMatch(heard, /origin|extensions|protocol/i)
  })

  test('a dead address does not keep from a living one', async () => {
    await using server = await openTransport()
    await using silent = await openServer(undefined)
    await using client = await openTransport({ credentials: plainly(friendId) })
    const accepted = server.nextAccepted()
    const channel = await client.dial(selfId, [{ address: '127.0.0.1', port: 1 }, silent.here, server.here])
    assert.equal(channel.peerId, selfId)
    assert.equal((await accepted).peerId, friendId)
  })

  test('an abort ends a dial with its reason, and leaves no connection', async () => {
    await using server = await openServer(undefined)
    await using client = await openTransport()
    const controller = new AbortController()
    const dialling = client.dial(friendId, [server.here], { signal: controller.signal })
    await until(() => server.heard() !== '')
    controller.abort(new Error('changed my mind'))
    await assert.rejects(dialling, /changed my mind/)
  })

  test('disposing of the transport ends a dial', async () => {
    await using server = await openServer(undefined)
    const client = await openTransport()
    const dialling = client.dial(friendId, [server.here])
    await until(() => server.heard() !== '')
    await Promise.all([assert.rejects(dialling, { code: 'node-stopped' }), client[Symbol.asyncDispose]()])
  })

  test('W1: who does not know us refuses, and no session comes to be', async () => {
    await using server = await openTransport()
    await using stranger = await openTransport({ credentials: plainly(strangerId) })
    await assert.rejects(stranger.dial(selfId, [server.here]), { code: 'peer-refused' })
    assert.deepEqual(server.accepted, [])
  })
})
