import assert from 'node:assert/strict'
import { connect, createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { delay, friendId, openPair, openTransport, selfId } from '../../test/transport/open.ts'
import { exchange } from '../../test/transport/raw.ts'

/** What keeps a process alive, by kind. */
function handles(): readonly string[] {
  return process.getActiveResourcesInfo().filter((name) => /TCP|Timeout|Connect|Immediate/.test(name))
}

test('a port that is taken is an error at once, which says which and what to do', async () => {
  const squatter = createServer()
  await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve))
  const { port } = squatter.address() as AddressInfo
  const started = performance.now()
  await assert.rejects(openTransport({ port }), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'port-taken')
    assert.ok(error.message.includes(String(port)) && error.message.includes('--port 0'))
    return true
  })
  assert.ok(performance.now() - started < 1_000)
  await new Promise((resolve) => squatter.close(resolve))
})

test('port 0 takes a free one, and says which', async () => {
  await using transport = await openTransport()
  assert.ok(transport.port > 0)
})

test('all addresses are listened on unless one is named', async () => {
  await using transport = await openTransport({ host: '0.0.0.0' })
  for (const address of ['127.0.0.1', '127.0.0.2', ...transport.addresses()]) {
    assert.equal(await transport.ping(transport.id, { address, port: transport.port }), true, address)
  }
  assert.ok(!transport.addresses().includes('127.0.0.1'))
})

test('after stopAccepting newcomers are refused and open sessions go on', async () => {
  await using pair = await openPair()
  pair.right.stopAccepting()
  assert.equal(await pair.left.ping(pair.right.id, pair.right.here), false)
  await assert.rejects(pair.left.dial(selfId, [pair.right.here]), {
    code: 'peer-refused',
    message: /stopping/,
  })
  pair.dialler.send(Uint8Array.of(1))
  for await (const [frame] of pair.accepter) {
    assert.deepEqual([...(frame ?? [])], [1])
    break
  }
})

test('disposal ends sessions, requests and half-open connections, twice is once, and nothing is left', async () => {
  const before = handles().length
  const pair = await openPair()
  const waiting = exchange(pair.right.here, 'GET /ping')
  await delay(20)
  const started = performance.now()
  await Promise.all([pair.right[Symbol.asyncDispose](), pair.right[Symbol.asyncDispose]()])
  assert.ok(performance.now() - started < 2_000)
  assert.equal((await pair.accepter.closed).code, 1006)
  assert.equal((await waiting).closed, true)
  await pair.left[Symbol.asyncDispose]()
  assert.equal((await pair.dialler.closed).code, 1006)
  await delay(20)
  assert.ok(handles().length <= before, handles().join())
  await assert.rejects(pair.left.dial(friendId, [pair.right.here]), { code: 'node-stopped' })
})

test('H15: connections that are reset at once, or after a byte, harm nobody', async () => {
  await using transport = await openTransport()
  const uncaught: unknown[] = []
  const onUncaught = (error: unknown): void => void uncaught.push(error)
  process.on('uncaughtException', onUncaught)
  await Promise.all(
    Array.from({ length: 300 }, (_, index) => {
      const localAddress = `127.0.3.${1 + (index % 200)}`
      const socket = connect({ host: '127.0.0.1', port: transport.port, localAddress })
      socket.on('error', () => {}).resume()
      socket.on('connect', () => {
        if (index % 3 > 0) socket.write('G')
        if (index % 3 === 1) socket.end()
        else socket.resetAndDestroy()
      })
      return new Promise((resolve) => socket.on('close', resolve))
    }),
  )
  await delay(100)
  process.off('uncaughtException', onUncaught)
  assert.deepEqual(uncaught, [])
  assert.equal(await transport.ping(transport.id, transport.here), true)
})
