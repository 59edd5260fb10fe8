/** The page as it is served: what anybody may have of it, what lets one in, and what does not. Rows C1 to C6. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { before, test, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { buildPage } from '../../scripts/build-page.ts'
import { Caller } from '../../src/control/call.ts'
import { refuseOrigin, refuseVisit, type Gate } from '../../src/control/gate.ts'
import type { PageWay } from '../../src/control/page.ts'
import { readEndpoint } from '../../src/control/read-endpoint.ts'
import { openControl } from '../../src/control/server.ts'
import { limits, silentLog } from '../../src/index.ts'
import { until } from '../app/nodes.ts'
import { openDriven, sayRaw, statusOf, temporaryDir, type Driven } from './open.ts'

before(() => buildPage())

interface Shown extends Driven {
  readonly way: () => Promise<PageWay>
  readonly get: (path: string, headers?: Readonly<Record<string, string>>) => Promise<string>
  /** Says a code as the page does. @returns status, and the token if it was told */
  readonly enter: (code: string, headers?: Readonly<Record<string, string>>) => Promise<[number, string?]>
}

async function openShown(t: TestContext): Promise<Shown> {
  const driven = await openDriven(t)
  const { control, dataDir } = driven
  await control.openPage()
  const where = { port: control.port ?? 0 }
  const caller = new Caller({ kind: 'socket', path: join(dataDir, 'control.sock') })
  const say = async (line: string, headers: Readonly<Record<string, string>>, body = ''): Promise<string> => {
    const all = { host: `127.0.0.1:${where.port}`, connection: 'close', ...headers }
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    return await sayRaw(where, `${line} HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
  }
  return {
    ...driven,
    way: async () => (await caller.call<PageWay>('open-page', {})).value,
    get: (path, headers = {}) => say(`GET ${path}`, headers),
    async enter(code, headers = {}) {
      const body = JSON.stringify({ code })
      const length = String(Buffer.byteLength(body))
      const json = { 'content-type': 'application/json', 'content-length': length, ...headers }
      const answer = await say('POST /v1/enter', json, body)
      return [statusOf(answer), /"token":"([0-9a-f]{64})"/.exec(answer)?.[1]] as const as [number, string?]
    },
  }
}

test('the page is for everybody who asks this machine for it, and may do nothing that it was not made for', async (t) => {
  const { get, token } = await openShown(t)
  for (const [path, type] of [
    ['/', 'text/html; charset=utf-8'],
    ['/app.js', 'text/javascript; charset=utf-8'],
    ['/app.css', 'text/css; charset=utf-8'],
    ['/manifest.webmanifest', 'application/manifest+json'],
  ] as const) {
    const answer = await get(path)
    assert.equal(statusOf(answer), 200, path)
    assert.ok(answer.includes(`Content-Type: ${type}\r\n`), path)
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ])
      assert.ok(answer.includes(rule), `${path} ${rule}`)
    for (const header of [
      'nosniff',
      'no-referrer',
      'Opener-Policy: same-origin',
      'Resource-Policy: same-origin',
    ])
      assert.ok(answer.includes(header), `${path} ${header}`)
    assert.doesNotMatch(answer, /unsafe-|access-control/i)
    assert.ok(!answer.includes(token))
  }
})

test('the page is read again only when it has changed', async (t) => {
  const { get } = await openShown(t)
  const etag = /ETag: (.*)\r\n/.exec(await get('/'))?.[1] ?? ''
  assert.equal(statusOf(await get('/', { 'if-none-match': etag })), 304)
  assert.equal(statusOf(await get('/', { 'if-none-match': '"other"' })), 200)
})

test('no address leads to anything but the files of the page', async (t) => {
  const { get, dataDir } = await openShown(t)
  for (const path of [
    '/index.html',
    '/../control.json',
    '/..%2fcontrol.json',
    '/%2e%2e/%2e%2e/package.json',
    '//etc/passwd',
    `/${encodeURIComponent(join(dataDir, 'identity.pem'))}`,
    '/app.js/',
    '/app.js%00',
    '/constructor',
    '/__proto__',
    '/APP.JS',
  ])
    assert.equal(statusOf(await get(path)), 401, path)
})

test('without being asked for, there is no page', async (t) => {
  const { control } = await openDriven(t)
  const host = `Host: 127.0.0.1:${control.port}`
  const answer = await sayRaw(
    { port: control.port ?? 0 },
    `GET / HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`,
  )
  assert.equal(statusOf(answer), 401)
})

test('C1: a code from the socket gives the token, once; a wrong one gives nothing', async (t) => {
  const { way, enter, token } = await openShown(t)
  const { code, address } = await way()
  assert.match(address, /^http:\/\/127\.0\.0\.1:\d+\/$/)
  assert.deepEqual(await enter('0000-0000-0000'), [403, undefined])
  assert.deepEqual(await enter(code), [200, token])
  assert.deepEqual(await enter(code), [403, undefined])
})

test('C1: who guesses codes makes every code worthless', async (t) => {
  const { way, enter, token } = await openShown(t)
  const { code } = await way()
  for (let tries = 0; tries < limits.pageCodeTries; tries++) await enter(`0000-0000-${1000 + tries}`)
  assert.deepEqual(await enter(code), [403, undefined])
  // Twin: fewer tries, which is what somebody needs who types, cost nothing.
  const next = await way()
  for (let tries = 1; tries < limits.pageCodeTries; tries++) await enter('0000-0000-0000')
  assert.deepEqual(await enter(next.code), [200, token])
})

test('C1: the code is in a file that only our user can read, and that is gone when it was used', async (t) => {
  const { way, enter, token, dataDir } = await openShown(t)
  const { code, file, address } = await way()
  assert.equal(file, join(dataDir, 'web.html'))
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const text = readFileSync(file, 'utf8')
  assert.ok(text.includes(`${address}#code=${code}"`))
  assert.ok(!text.includes(token))
  await enter(code)
  assert.equal(existsSync(file), false)
})

test('C1: the port gives nobody a code, with the token or without it', async (t) => {
  const { control, token } = await openShown(t)
  const lines = [
    'POST /v1/open-page HTTP/1.1',
    `Host: 127.0.0.1:${control.port}`,
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    'Content-Length: 2',
    'Connection: close',
  ]
  const answer = await sayRaw({ port: control.port ?? 0 }, `${lines.join('\r\n')}\r\n\r\n{}`)
  assert.equal(statusOf(answer), 403)
})

test('C2, C3: a rebound name gets neither page nor token; a form or another origin no token', async (t) => {
  const { way, enter, get, control, token } = await openShown(t)
  const { port } = control
  const { code } = await way()
  assert.equal(statusOf(await get('/', { host: `evil.example:${port}` })), 403)
  for (const headers of [
    { host: `evil.example:${port}` },
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/x-www-form-urlencoded' },
  ])
    assert.deepEqual(await enter(code, headers), [403, undefined], JSON.stringify(headers))
  // Twin: the page itself.
  const own = { origin: `http://127.0.0.1:${port}`, 'sec-fetch-site': 'same-origin' }
  assert.deepEqual(await enter(code, own), [200, token])
})

test('C6: the page has one name; from the others, where another user may listen, it leads there', async (t) => {
  const { get, control } = await openShown(t)
  for (const name of ['localhost', '[::1]']) {
    const answer = await get('/', { host: `${name}:${control.port}` })
    assert.equal(statusOf(answer), 307)
    assert.ok(answer.includes(`Location: http://127.0.0.1:${control.port}/\r\n`))
    assert.ok(!answer.includes('<script'))
  }
})

test('C6: the page has another port at each start, which nobody can have prepared in a browser', async (t) => {
  const { desk } = await openDriven(t)
  const dataDir = temporaryDir(t)
  const ports: (number | undefined)[] = []
  for (let start = 0; start < 3; start++) {
    await using control = await openControl({ node: desk.node, dataDir, version: '0', log: silentLog })
    const [way, address] = await Promise.all([control.pageWay(), control.openPage()])
    assert.equal(way.address, address)
    assert.equal(address, `http://127.0.0.1:${control.port}/`)
    assert.ok(readFileSync(way.file, 'utf8').includes(address))
    assert.equal(readEndpoint(dataDir)?.port, control.port)
    ports.push(control.port)
  }
  assert.ok(new Set(ports).size > 1, String(ports))
})

test('C5: any page may lead a browser to the page, and none may put it into itself', async (t) => {
  const { get } = await openShown(t)
  const from = { 'sec-fetch-site': 'cross-site' }
  const visit = { ...from, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
  assert.equal(statusOf(await get('/', visit)), 200)
  assert.equal(statusOf(await get('/v1/state', visit)), 403)
  for (const dest of ['iframe', 'frame', 'object', 'embed'])
    assert.equal(statusOf(await get('/', { ...visit, 'sec-fetch-dest': dest })), 403, dest)
  for (const dest of ['script', 'style', 'image', 'empty'])
    assert.equal(
      statusOf(await get('/app.js', { ...from, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': dest })),
      403,
      dest,
    )
})

test('C5 twin: the rule for the API would also refuse our own file that leads to the page', () => {
  const gate: Gate = { kind: 'loopback', token: '', port: () => 8001 }
  const headers = {
    host: '127.0.0.1:8001',
    'sec-fetch-site': 'cross-site',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
  }
  assert.equal(refuseOrigin(gate, headers)?.status, 403)
  assert.equal(refuseVisit(gate, headers), undefined)
})

/** Half a request, of which no more comes. */
async function beginRequest(port: number, ...headers: readonly string[]): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  const lines = [`Host: 127.0.0.1:${port}`, 'Content-Type: application/json', 'Content-Length: 2', ...headers]
  socket.write(`POST /v1/enter HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n{`)
  return socket.resume()
}

test(
  'C6: who does not go on with what he asks holds no connection of the page',
  { timeout: 60_000 },
  async (t) => {
    const { control } = await openShown(t)
    const slow = await Promise.all(Array.from({ length: 20 }, () => beginRequest(control.port ?? 0)))
    await Promise.all(slow.filter((socket) => !socket.destroyed).map((socket) => once(socket, 'close')))
  },
)

test('C6 twin: a server that waits for ever keeps them', { timeout: 60_000 }, async (t) => {
  const patient = createServer({ requestTimeout: 0 }, (request) => request.resume()).listen(0, '127.0.0.1')
  t.after(() => patient.close().closeAllConnections())
  await once(patient, 'listening')
  const socket = await beginRequest((patient.address() as AddressInfo).port)
  await setTimeout(limits.controlTokenMs + 1_000)
  assert.equal(socket.destroyed, false)
  socket.destroy()
})

/** Asks for a WebSocket that there is not, and leaves its own side open whatever the server does. */
async function beginUpgrade(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  const headers = `Host: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket`
  socket.write(`GET /v1/nothing HTTP/1.1\r\n${headers}\r\n\r\n`)
  await once(socket.resume(), 'end')
  return socket
}

test(
  'C6: who is refused a WebSocket and does not hang up holds no connection',
  { timeout: 60_000 },
  async (t) => {
    const { control, get } = await openShown(t)
    using held = new DisposableStack()
    for (let count = 0; count < limits.controlConnections; count++)
      held.adopt(await beginUpgrade(control.port ?? 0), (socket) => socket.destroy())
    // Beyond the limit, the connection ends without an answer.
    await until(async () => statusOf(await get('/healthz')) === 200, 'a free connection')
  },
)

test('C6 twin: a server that only ends its own side keeps it', { timeout: 60_000 }, async (t) => {
  const patient = createServer().on('upgrade', (_request, socket) =>
    socket.on('error', () => {}).end('HTTP/1.1 404 Not Found\r\n\r\n'),
  )
  t.after(() => patient.close())
  await once(patient.listen(0, '127.0.0.1'), 'listening')
  const socket = await beginUpgrade((patient.address() as AddressInfo).port)
  t.after(() => socket.destroy())
  await setTimeout(500)
  const open = await new Promise((resolve) => patient.getConnections((_error, count) => resolve(count)))
  assert.equal(open, 1)
})
