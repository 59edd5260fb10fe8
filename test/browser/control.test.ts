/** C5: a page of somebody else, in a real browser, tries to drive the node of the machine it is looked at on. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { chromium, type Page } from 'playwright-core'
import { openDriven } from '../control/open.ts'

const executablePath = '/usr/bin/chromium'
const skip = existsSync(executablePath)
  ? false
  : `${executablePath} is not installed (apt-get install chromium)`

/** Everything a page can send, with the token if it has it; what could be read of each answer. */
const attack = `async ({ base, token }) => {
  const seen = {}
  const bearer = token === '' ? {} : { Authorization: 'Bearer ' + token }
  const note = async (name, act) => {
    try { seen[name] = await Promise.race([act(), new Promise((_, no) => setTimeout(() => no('late'), 1500))]) }
    catch (error) { seen[name] = 'failed' }
  }
  const read = async (path, options) => {
    const answer = await fetch(base + path, options)
    return answer.type === 'opaque' ? 'opaque' : answer.status + ' ' + (await answer.text()).slice(0, 40)
  }
  const json = { 'Content-Type': 'application/json', ...bearer }
  await note('fetch', () => read('/v1/state', { headers: bearer }))
  await note('post', () => read('/v1/set-policy', { method: 'POST', headers: json, body: '{"policy":"trusted"}' }))
  await note('no-cors', () => read('/v1/set-policy', { method: 'POST', mode: 'no-cors', body: '{"policy":"trusted"}' }))
  await note('beacon', async () => String(navigator.sendBeacon(base + '/v1/set-policy', '{"policy":"trusted"}')) && 'sent')
  await note('form', () => new Promise((done) => {
    const frame = document.createElement('iframe')
    frame.name = 'form'
    const form = document.createElement('form')
    Object.assign(form, { action: base + '/v1/set-policy', method: 'post', enctype: 'text/plain', target: 'form' })
    form.innerHTML = '<input name=\\'{"policy":"trusted","x":"\\' value=\\'"}\\'>'
    document.body.append(frame, form)
    frame.onload = () => { try { done(frame.contentDocument.body.textContent) } catch { done('failed') } }
    form.submit()
  }))
  await note('iframe', () => new Promise((done) => {
    const frame = document.createElement('iframe')
    frame.src = base + '/v1/state'
    frame.onload = () => { try { done(frame.contentDocument.body.textContent) } catch { done('failed') } }
    document.body.append(frame)
  }))
  for (const [tag, path] of [['img', '/v1/state'], ['script', '/v1/state'], ['script', '/v1/openapi.json']])
    await note(tag + path, () => new Promise((done) => {
      const element = document.createElement(tag)
      element.onload = () => done('loaded')
      element.onerror = () => done('failed')
      element.src = base + path
      document.body.append(element)
    }))
  await note('EventSource', () => new Promise((done) => {
    const source = new EventSource(base + '/v1/events')
    source.onmessage = ({ data }) => done(data)
    source.onerror = () => done('failed')
  }))
  await note('WebSocket', () => new Promise((done) => {
    const ws = new WebSocket(base.replace('http', 'ws') + '/v1/events')
    ws.onopen = () => ws.send(JSON.stringify({ token }))
    ws.onmessage = ({ data }) => done(data.slice(0, 10))
    ws.onerror = ws.onclose = () => done('failed')
  }))
  return seen
}`

/** What a page brought about. */
async function tryAll(page: Page, base: string, token: string): Promise<Readonly<Record<string, string>>> {
  return await page.evaluate<Record<string, string>>(`(${attack})(${JSON.stringify({ base, token })})`)
}

test(
  'C5: a page of another origin, or of a rebound name, reads nothing and changes nothing',
  { skip, timeout: 90_000 },
  async (t) => {
    const { desk, control, token } = await openDriven(t)
    const evil = createServer((_request, response) => {
      response.setHeader('Content-Type', 'text/html')
      response.end('<!doctype html><body>hello</body>')
    }).listen(0, '127.0.0.1')
    await once(evil, 'listening')
    t.after(() => evil.close())
    const { port } = evil.address() as AddressInfo
    // The name of the attacker leads to this machine, as after rebinding; and the browser asks nobody before it goes there.
    await using browser = await chromium.launch({
      executablePath,
      args: [
        '--no-sandbox',
        '--host-resolver-rules=MAP evil.example 127.0.0.1',
        '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights',
      ],
    })
    const page = await browser.newPage()
    await page.goto(`http://evil.example:${port}/`)
    const { port: own } = control
    for (const base of [`http://127.0.0.1:${own}`, `http://localhost:${own}`, `http://evil.example:${own}`]) {
      for (const stolen of ['', token]) {
        const seen = await tryAll(page, base, stolen)
        const { beacon, 'no-cors': noCors, ...others } = seen
        assert.ok(beacon === 'sent' && (noCors === 'opaque' || noCors === 'failed'), JSON.stringify(seen))
        assert.deepEqual(
          Object.entries(others).filter(([, what]) => what !== 'failed'),
          [],
        )
      }
    }
    // The page that the name leads to is of the attacker, and still of another host than the node answers for.
    await page.goto(`http://evil.example:${own}/v1/state`)
    assert.match(await page.content(), /control-refused/)
    assert.equal(desk.node.policy, 'open')
  },
)

test(
  'C5 twin: a page of the node itself, with the token, can do all that',
  { skip, timeout: 60_000 },
  async (t) => {
    const { desk, control, token } = await openDriven(t)
    await using browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    const page = await browser.newPage({ bypassCSP: true })
    const base = `http://127.0.0.1:${control.port}`
    await page.goto(`${base}/healthz`)
    const seen = await tryAll(page, base, token)
    assert.match(seen['fetch'] ?? '', /^200/)
    assert.match(seen['post'] ?? '', /^200/)
    assert.match(seen['WebSocket'] ?? '', /^\{"n":/)
    assert.equal(desk.node.policy, 'trusted')
  },
)
