/** Rows C1 to C4, C6 and C8 of the security model: who may drive a node, and with what. Twins take one defence away. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { connectNode, openRemote } from '../../src/control/client.ts'
import { readEndpoint } from '../../src/control/read-endpoint.ts'
import { isToken, newToken, refuseOrigin, refuseStranger, type Gate } from '../../src/control/gate.ts'
import { openControl } from '../../src/control/server.ts'
import { parseStrictJson } from '../../src/control/strict-json.ts'
import { limits, silentLog } from '../../src/index.ts'
import { openDriven, sayRaw, statusOf, temporaryDir, type Driven } from './open.ts'

/** A request to the loopback port that is right in every way, but for what is given. */
function raw(
  { control, token }: Driven,
  { line = 'POST /v1/announce HTTP/1.1', body = '{}', ...headers }: Readonly<Record<string, string>> = {},
): string {
  const all: Record<string, string> = {
    host: `127.0.0.1:${control.port}`,
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
    ...headers,
  }
  const lines = Object.entries(all).filter(([, value]) => value !== '')
  return `${line}\r\n${lines.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n${body}`
}

async function ask(driven: Driven, wrong: Readonly<Record<string, string>> = {}): Promise<string> {
  return await sayRaw({ port: driven.control.port ?? 0 }, raw(driven, wrong))
}

/** Counts what reaches the node, which nothing that is refused may do. */
function countAnnouncements(driven: Driven): () => number {
  let count = 0
  const { node } = driven.desk
  const announce = node.announce.bind(node)
  node.announce = async () => {
    count++
    await announce()
  }
  return () => count
}

test('C1: without the exact token nothing happens; with it, it does (twin)', async (t) => {
  const driven = await openDriven(t)
  const announced = countAnnouncements(driven)
  const { token, dataDir } = driven
  for (const authorization of [
    '',
    'Bearer',
    `Bearer ${token.slice(1)}`,
    `Bearer ${token}0`,
    `Bearer ${newToken()}`,
    `Basic ${token}`,
    `bearer: ${token}`,
  ]) {
    assert.equal(statusOf(await ask(driven, { authorization })), 401, authorization)
  }
  const inAddress = {
    authorization: '',
    line: `POST /v1/announce?token=${token}&access_token=${token} HTTP/1.1`,
  }
  assert.equal(statusOf(await ask(driven, inAddress)), 401)
  assert.equal(announced(), 0)
  assert.equal(statusOf(await ask(driven)), 200)
  assert.equal(announced(), 1)
  assert.match(token, /^[0-9a-f]{64}$/)
  assert.equal(statSync(join(dataDir, 'control.json')).mode & 0o777, 0o600)
})

test('C1: each start has another token, and no answer tells it', async (t) => {
  const driven = await openDriven(t)
  for (const line of ['GET /v1/state HTTP/1.1', 'GET /metrics HTTP/1.1', 'GET /v1/openapi.json HTTP/1.1']) {
    const answer = await ask(driven, { line })
    assert.equal(statusOf(answer), 200)
    assert.ok(!answer.includes(driven.token))
  }
  await driven.control[Symbol.asyncDispose]()
  const { node } = driven.desk
  const { dataDir } = driven
  await using _again = await openControl({ node, dataDir, version: '0', port: 0, log: silentLog })
  assert.notEqual(readEndpoint(dataDir)?.token, driven.token)
})

test('C1 twin: a comparison that stops at the first difference would take a beginning; ours does not', () => {
  const gate: Gate = { kind: 'loopback', token: newToken(), port: () => 1 }
  const naive = (given: string): boolean => gate.kind === 'loopback' && gate.token.startsWith(given)
  assert.equal(naive(''), true)
  assert.equal(isToken(gate, ''), false)
  assert.equal(isToken(gate, gate.kind === 'loopback' ? gate.token : ''), true)
})

test('C2: a Host that is not this machine is refused before anything is looked at', async (t) => {
  const driven = await openDriven(t)
  const announced = countAnnouncements(driven)
  const { port } = driven.control
  for (const host of [
    `evil.example:${port}`,
    `localhost.evil:${port}`,
    `127.0.0.1.nip.io:${port}`,
    `[::1].evil:${port}`,
    '127.0.0.1',
    `127.0.0.1:${(port ?? 0) + 1}`,
    `0.0.0.0:${port}`,
    `LOCALHOST.:${port}`,
  ]) {
    assert.equal(statusOf(await ask(driven, { host })), 403, host)
    assert.equal(statusOf(await ask(driven, { host, line: 'GET /healthz HTTP/1.1' })), 403, host)
  }
  assert.equal(announced(), 0)
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])
    assert.equal(statusOf(await ask(driven, { host })), 200, host)
})

test('C2 twin: without the rule for Host a rebound name would be let in', () => {
  const token = newToken()
  const gate: Gate = { kind: 'loopback', token, port: () => 8080 }
  const headers = { host: 'evil.example:8080', authorization: `Bearer ${token}` }
  assert.equal(refuseStranger(gate, headers), undefined)
  assert.equal(refuseOrigin(gate, headers)?.status, 403)
})

test('C3: what a web page can send without asking changes nothing', async (t) => {
  const driven = await openDriven(t)
  const announced = countAnnouncements(driven)
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    '',
  ])
    assert.equal(statusOf(await ask(driven, { 'content-type': type })), 403, type)
  for (const origin of [
    'http://evil.example',
    'null',
    `https://127.0.0.1:${driven.control.port}`,
    'http://127.0.0.1',
  ])
    assert.equal(statusOf(await ask(driven, { origin })), 403, origin)
  for (const site of ['cross-site', 'same-site'])
    assert.equal(statusOf(await ask(driven, { 'sec-fetch-site': site })), 403, site)
  for (const line of [
    'GET /v1/announce HTTP/1.1',
    'HEAD /v1/announce HTTP/1.1',
    'OPTIONS /v1/announce HTTP/1.1',
  ])
    assert.ok([404, 405].includes(statusOf(await ask(driven, { line }))), line)
  assert.equal(announced(), 0)
  const own = `http://127.0.0.1:${driven.control.port}`
  const good = await ask(driven, { origin: own, 'sec-fetch-site': 'same-origin' })
  assert.equal(statusOf(good), 200)
  assert.doesNotMatch(good, /access-control/i)
  assert.doesNotMatch(await ask(driven, { line: 'OPTIONS /v1/announce HTTP/1.1' }), /access-control/i)
})

test('C3 twin: the type of the body is what refuses a form that has the token', async (t) => {
  const driven = await openDriven(t)
  assert.equal(statusOf(await ask(driven, { 'content-type': 'text/plain' })), 403)
  assert.equal(statusOf(await ask(driven, { 'content-type': 'Application/JSON; charset=utf-8' })), 200)
})

/** What a reader of events gets to hear: its first frame, or the code with which it was closed. */
async function readEvents(
  port: number | undefined,
  { origin, say, path = '/v1/events' }: { origin?: string; say?: string; path?: string },
): Promise<string> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, origin === undefined ? {} : { origin })
  if (say !== undefined) ws.once('open', () => ws.send(say))
  const heard = await new Promise<string>((resolve) => {
    ws.on('message', (data: Buffer) => resolve(data.toString('utf8').slice(0, 8)))
    ws.on('close', (code) => resolve(`closed ${code}`))
    ws.on('error', ({ message }) => resolve(message))
  })
  ws.terminate()
  return heard
}

test('C4: events are for nobody with a foreign origin or without the token in the first message', async (t) => {
  const { control, token } = await openDriven(t)
  const { port } = control
  const say = JSON.stringify({ token })
  for (const origin of ['http://evil.example', 'null', `http://localhost.evil:${port}`])
    assert.match(await readEvents(port, { origin, say }), /403/)
  assert.equal(await readEvents(port, { say: JSON.stringify({ token: newToken() }) }), 'closed 4401')
  assert.equal(await readEvents(port, { say: 'no JSON' }), 'closed 4401')
  assert.match(await readEvents(port, { path: `/v1/events?token=${token}` }), /404/)
  assert.equal(await readEvents(port, { say: 'x'.repeat(limits.controlTokenBytes + 1) }), 'closed 1009')
  // Twin: with both right, they come.
  assert.equal(await readEvents(port, { origin: `http://127.0.0.1:${port}`, say }), '{"n":0,"')
})

test('C4: who never says the token is not waited for', { timeout: 20_000 }, async (t) => {
  const { control } = await openDriven(t)
  assert.equal(await readEvents(control.port, {}), 'closed 4401')
})

test('C6: only our user can reach the socket, and what others put in its place is refused', async (t) => {
  const { control, dataDir } = await openDriven(t)
  assert.equal(lstatSync(control.socket).mode & 0o777, 0o600)
  assert.equal(lstatSync(dataDir).mode & 0o077, 0)
  const file = join(dataDir, 'control.json')
  const good = readFileSync(file, 'utf8')

  // Another user may read it, or it is a link.
  chmodSync(file, 0o644)
  await assert.rejects(connectNode(dataDir), { code: 'data-dir-unusable' })
  chmodSync(file, 0o600)
  renameSync(file, `${file}.real`)
  symlinkSync(`${file}.real`, file)
  await assert.rejects(connectNode(dataDir), { code: 'data-dir-unusable' })
  rmSync(file)

  // The socket stands where everybody may write, or is none.
  const open = join(dataDir, 'open')
  mkdirSync(open)
  chmodSync(open, 0o777)
  const foreign = createTcpServer().listen(join(open, 'control.sock'))
  await once(foreign, 'listening')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(good), socket: join(open, 'control.sock') }), {
    mode: 0o600,
  })
  await assert.rejects(connectNode(dataDir), { code: 'data-dir-unusable' })
  writeFileSync(join(dataDir, 'plain'), '')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(good), socket: join(dataDir, 'plain') }))
  await assert.rejects(connectNode(dataDir), { code: 'data-dir-unusable' })
  writeFileSync(file, '{"socket":1}')
  await assert.rejects(connectNode(dataDir), { code: 'data-dir-unusable' })
  foreign.close()

  // Twin: the same, as we wrote it, is used.
  writeFileSync(file, good)
  const again = await connectNode(dataDir)
  assert.ok(again)
  await again.close()
})

test('C6: a file or socket of another user is refused', { skip: process.getuid?.() !== 0 }, async (t) => {
  const { chownSync } = await import('node:fs')
  const { control, dataDir } = await openDriven(t)
  chownSync(control.socket, 12_345, 12_345)
  await assert.rejects(connectNode(dataDir), { code: 'data-dir-unusable' })
  chownSync(control.socket, 0, 0)
  chownSync(join(dataDir, 'control.json'), 12_345, 12_345)
  await assert.rejects(connectNode(dataDir), { code: 'data-dir-unusable' })
  chownSync(join(dataDir, 'control.json'), 0, 0)
  chownSync(dataDir, 12_345, 12_345)
  await assert.rejects(connectNode(dataDir), { code: 'data-dir-unusable' })
})

test('C6: who took the port first is not told the token; twin: it is told to our node', async (t) => {
  const { control, token } = await openDriven(t)
  const heard: string[] = []
  const thief = createServer((request, response) => {
    heard.push(JSON.stringify(request.headers))
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"proof":"00"}')
  }).listen(0, '127.0.0.1')
  await once(thief, 'listening')
  t.after(() => thief.close())
  const { port } = thief.address() as AddressInfo
  await assert.rejects(openRemote({ kind: 'port', port, token }), { code: 'control-refused' })
  assert.equal(heard.length, 1)
  assert.ok(heard.every((headers) => !headers.includes(token)))
  const remote = await openRemote({ kind: 'port', port: control.port ?? 0, token })
  await remote.announce()
  await remote.close()
})

test('a node that was killed leaves nothing that keeps the next one from being found', async (t) => {
  const { desk, control, dataDir } = await openDriven(t)
  const file = join(dataDir, 'control.json')
  const left = readFileSync(file, 'utf8')
  await control[Symbol.asyncDispose]()
  assert.equal(existsSync(file), false)
  // A socket on which nobody listens any more, as after kill -9.
  const dead = createTcpServer().listen(`${control.socket}.dead`)
  await once(dead, 'listening')
  renameSync(`${control.socket}.dead`, control.socket)
  dead.close()
  writeFileSync(file, left, { mode: 0o600 })
  assert.equal(await connectNode(dataDir), undefined)
  await using _again = await openControl({ node: desk.node, dataDir, version: '0', log: silentLog })
  const found = await connectNode(dataDir)
  assert.equal(found?.id, desk.node.id)
  await found?.close()
})

test('a data directory with a long name has its socket elsewhere, where only our user may go', async (t) => {
  const { desk } = await openDriven(t)
  const dataDir = join(temporaryDir(t), 'x'.repeat(120))
  mkdirSync(dataDir)
  const control = await openControl({ node: desk.node, dataDir, version: '0', log: silentLog })
  assert.ok(!control.socket.startsWith(dataDir))
  const found = await connectNode(dataDir)
  assert.equal(found?.id, desk.node.id)
  await found?.close()
  await control[Symbol.asyncDispose]()
  assert.equal(existsSync(control.socket), false)
})

test('C8: a body that is too long, too deep, double or strange changes nothing', async (t) => {
  const driven = await openDriven(t)
  const deep = '['.repeat(10_000) + ']'.repeat(10_000)
  const bodies: readonly (readonly [string, number])[] = [
    ['{"__proto__":{"policy":"open"}}', 400],
    [String.raw`{"__proto__":1}`, 400],
    [`{"policy":${deep}}`, 400],
    ['{"policy":"open","policy":"trusted"}', 400],
    [String.raw`{"policy":"open","polic\u0079":"trusted"}`, 400],
    ['{"policy":"trusted","more":1}', 400],
    ['{"policy":["trusted"]}', 400],
    ['{"policy":"closed"}', 400],
    ['[]', 400],
    ['null', 400],
    ['', 400],
    ['{"policy":"trusted"', 400],
    [`{"policy":"trusted"}${' '.repeat(limits.controlBodyBytes)}`, 413],
  ]
  for (const [body, status] of bodies) {
    const answer = await ask(driven, { line: 'POST /v1/set-policy HTTP/1.1', body })
    assert.equal(statusOf(answer), status, body.slice(0, 60))
  }
  assert.equal(driven.desk.node.policy, 'open')
  assert.equal(Reflect.get({}, 'policy'), undefined)
  const good = await ask(driven, { line: 'POST /v1/set-policy HTTP/1.1', body: '{"policy":"trusted"}' })
  assert.equal(statusOf(good), 200)
  assert.equal(driven.desk.node.policy, 'trusted')
})

test('C8: ten megabytes are given up before they have come', async (t) => {
  const driven = await openDriven(t)
  const answer = await ask(driven, {
    line: 'POST /v1/set-policy HTTP/1.1',
    'content-length': String(10_000_000),
    body: `{"policy":"${'x'.repeat(2 * limits.controlBodyBytes)}`,
  })
  assert.equal(statusOf(answer), 413)
})

test('C8 twin: the parser of the language takes the last of two names, and any depth', () => {
  const double = '{"policy":"open","policy":"trusted"}'
  assert.deepEqual(JSON.parse(double), { policy: 'trusted' })
  assert.throws(() => parseStrictJson(double), { code: 'usage' })
  const deep = '['.repeat(limits.controlDepth + 1) + ']'.repeat(limits.controlDepth + 1)
  assert.ok(JSON.parse(deep))
  assert.throws(() => parseStrictJson(deep), { code: 'usage' })
  const allowed = '['.repeat(limits.controlDepth) + ']'.repeat(limits.controlDepth)
  assert.deepEqual(parseStrictJson(allowed), JSON.parse(allowed))
  assert.deepEqual(parseStrictJson('{"a":{"x":1},"b":{"x":"{\\"x\\":1,\\"x\\":2}"}}'), {
    a: { x: 1 },
    b: { x: '{"x":1,"x":2}' },
  })
})

test('what is not there is 404, and whoever reads no answer ends nothing', async (t) => {
  const driven = await openDriven(t)
  for (const line of [
    'POST /v1/nothing HTTP/1.1',
    'GET /nothing HTTP/1.1',
    'GET / HTTP/1.1',
    'POST /v1/constructor HTTP/1.1',
  ])
    assert.equal(statusOf(await ask(driven, { line })), 404, line)
  assert.equal(statusOf(await ask(driven, { line: 'GET /healthz HTTP/1.1', authorization: '' })), 200)
  assert.equal(statusOf(await ask(driven, { line: 'GET /v1/proof?nonce=1 HTTP/1.1' })), 400)
  const metrics = await ask(driven, { line: 'GET /metrics HTTP/1.1' })
  assert.match(metrics, /^p2p_peers 1$/m)
  assert.doesNotMatch(metrics, new RegExp(driven.kitchen.node.id))
})
