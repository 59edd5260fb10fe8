/** What p2p relies on of servers in Node that are given their connections by another server. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import { delay, listen } from './ends.ts'

/** Whether half a request is still open after a while, on an http.Server that is fed. */
async function staysOpen(options: { readonly withListening: boolean }): Promise<boolean> {
  const http = createHttpServer({
    headersTimeout: 300,
    requestTimeout: 300,
    connectionsCheckingInterval: 100,
  })
  if (options.withListening) http.emit('listening')
  await using server = await listen(createServer((socket) => http.emit('connection', socket)))
  const socket = connect(server.port, '127.0.0.1')
  let open = true
  socket.on('error', () => {}).on('close', () => (open = false))
  socket.resume().write('GET / HTTP/1.1\r\nX: ')
  await delay(1_500)
  socket.destroy()
  http.close()
  return open
}

test("an http.Server that is fed with emit('connection') never enforces headersTimeout", async () => {
  assert.equal(await staysOpen({ withListening: false }), true)
})

test('it does so after it was told that it listens', async () => {
  assert.equal(await staysOpen({ withListening: true }), false)
})

test('an http.Server that is fed reads a byte that was put back', async () => {
  const http = createHttpServer((_, response) => response.end('hello'))
  await using server = await listen(
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.once('readable', () => {
        socket.unshift(socket.read(1))
        http.emit('connection', socket)
      })
    }),
  )
  const answer = await fetch(`http://127.0.0.1:${server.port}/`)
  assert.equal(await answer.text(), 'hello')
})

/** Accepts connections, looks at the first byte, and has them reset by its own client; prints what was thrown. */
const sniffer = (onError: string): string => `
import { connect, createServer } from 'node:net'
const thrown = []
process.on('uncaughtException', (error) => thrown.push(error.code))
const server = createServer((socket) => {
  ${onError}
  socket.once('readable', () => socket.unshift(socket.read(1) ?? Buffer.alloc(0)))
})
server.listen(0, '127.0.0.1', async () => {
  for (let i = 0; i < 50; i++) {
    const socket = connect(server.address().port, '127.0.0.1')
    await new Promise((resolve) => socket.on('connect', resolve))
    socket.write('G')
    await new Promise((resolve) => setTimeout(resolve, 5))
    socket.resetAndDestroy()
  }
  setTimeout(() => {
    console.log(JSON.stringify(thrown))
    process.exit(0)
  }, 200)
})
`

function thrownBy(onError: string): readonly string[] {
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', sniffer(onError)], {
    encoding: 'utf8',
  })
  return JSON.parse(stdout) as string[]
}

test('H15 twin: a sniffer without an error handler on the accepted socket throws for each that is reset', () => {
  const thrown = thrownBy('')
  assert.ok(thrown.length > 10, `${thrown.length} of 50`)
  assert.ok(thrown.every((code) => code === 'ECONNRESET'))
})

test('with one it throws nothing', () => {
  assert.deepEqual(thrownBy("socket.on('error', () => {})"), [])
})
