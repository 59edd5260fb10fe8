/** The page in a real browser: how it is entered, and what pages of others can do with it. Rows C1, C2, C5 and C6. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { before, test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { chromium, type Browser, type Page } from 'playwright-core'
import { buildPage } from '../../scripts/build-page.ts'
import { until } from '../app/nodes.ts'
import { openControl } from '../../src/control/server.ts'
import { readEndpoint } from '../../src/control/read-endpoint.ts'
import { silentLog } from '../../src/index.ts'
import { openDriven, temporaryDir } from '../control/open.ts'

const executablePath = '/usr/bin/chromium'
const skip = existsSync(executablePath)
  ? false
  : `${executablePath} is not installed (apt-get install chromium)`

before(() => buildPage())

/** The name of an attacker leads to this machine, as after rebinding; and the browser asks nobody before it goes there. */
function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--host-resolver-rules=MAP evil.example 127.0.0.1',
      '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights',
    ],
  })
}

/** A page of somebody else, in a browser on the same machine. */
async function openEvil(t: TestContext, browser: Browser): Promise<Page> {
  const evil = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html')
    response.end('<!doctype html><body>hello</body>')
  }).listen(0, '127.0.0.1')
  await once(evil, 'listening')
  t.after(() => evil.close())
  const page = await browser.newPage()
  await page.goto(`http://evil.example:${(evil.address() as AddressInfo).port}/`)
  return page
}

/** What comes of `script` in a page, or 'failed' when it throws or takes too long. */
async function outcome(page: Page, script: string): Promise<unknown> {
  return await page.evaluate(
    `Promise.race([(async () => { ${script} })(), new Promise((done) => setTimeout(() => done('failed'), 3000))]).catch(() => 'failed')`,
  )
}

const enterScript = (base: string, code: string): string => `
  const answer = await fetch('${base}v1/enter', {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code: '${code}' }) })
  return answer.ok ? (await answer.json()).token : 'failed'`

test(
  'the file of our user leads the browser to the page, where the code is good',
  { skip, timeout: 60_000 },
  async (t) => {
    const { control, token } = await openDriven(t)
    await using browser = await launch()
    const page = await browser.newPage()
    const { file, address } = await control.pageWay()
    await page.goto(pathToFileURL(file).href, { waitUntil: 'commit' })
    await page.waitForURL((url) => url.href.startsWith(address))
    const other = await control.pageWay()
    assert.equal(await outcome(page, enterScript(address, other.code)), token)
  },
)

test(
  'C5: a page of another origin can neither frame, hold, read nor enter the page',
  { skip, timeout: 60_000 },
  async (t) => {
    const { control } = await openDriven(t)
    await using browser = await launch()
    const page = await openEvil(t, browser)
    const { code, address } = await control.pageWay()
    const framed = await outcome(
      page,
      `const frame = document.createElement('iframe')
       frame.src = '${address}'
       document.body.append(frame)
       await new Promise((done) => { frame.onload = done })
       return 'loaded'`,
    )
    assert.equal(framed, 'loaded')
    const frames = await Promise.all(page.frames().map((frame) => frame.content().catch(() => '')))
    assert.ok(frames.every((text) => !text.includes('app.js')))

    const held = await outcome(
      page,
      `const view = window.open('${address}')
       await new Promise((done) => setTimeout(done, 1500))
       return view.closed`,
    )
    assert.equal(held, true, 'the page has left the group of the page that opened it')

    for (const script of [
      enterScript(address, code),
      `return (await fetch('${address}app.js')).status`,
      `return (await fetch('${address}')).status`,
      `const script = document.createElement('script')
       script.src = '${address}app.js'
       return await new Promise((done) => {
         script.onload = () => done('loaded')
         script.onerror = () => done('failed')
         document.body.append(script)
       })`,
    ])
      assert.equal(await outcome(page, script), 'failed', script)

    // C2: by the name of the attacker the page is not there.
    const answer = await page.goto(address.replace('127.0.0.1', 'evil.example'))
    assert.equal(answer?.status(), 403)
    assert.match((await answer?.text()) ?? '', /control-refused/)
  },
)

test('C5 twin: a page without our headers is framed and held', { skip, timeout: 60_000 }, async (t) => {
  const bare = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html')
    response.end('<!doctype html><script src="/app.js"></script>')
  }).listen(0, '127.0.0.1')
  await once(bare, 'listening')
  t.after(() => bare.close())
  const address = `http://127.0.0.1:${(bare.address() as AddressInfo).port}/`
  await using browser = await launch()
  const page = await openEvil(t, browser)
  await outcome(
    page,
    `const frame = document.createElement('iframe')
     frame.src = '${address}'
     document.body.append(frame)
     await new Promise((done) => { frame.onload = done })`,
  )
  const frames = await Promise.all(page.frames().map((frame) => frame.content()))
  assert.ok(frames.some((text) => text.includes('app.js')))
  const held = await outcome(
    page,
    `const view = window.open('${address}')
     await new Promise((done) => setTimeout(done, 1500))
     return view.closed`,
  )
  assert.equal(held, false)
})

test(
  'C6: who takes the port when the node has ended hears neither the token nor what is written',
  { skip, timeout: 60_000 },
  async (t) => {
    const { desk, kitchen, control, token } = await openDriven(t)
    await kitchen.node.conversation(desk.node.id).send('lunch?')
    await using browser = await launch()
    const page = await browser.newPage()
    const { address, code } = await control.pageWay()
    await page.goto(`${address}#code=${code}`)
    await page.getByText('lunch?').first().click()
    const composer = page.getByRole('textbox').last()
    await composer.fill('the secret')
    const said = `POST ${(await page.evaluate('sessionStorage["p2p-token"]')) === token}`
    assert.equal(said, 'POST true', 'the page has the token, so that there is something to lose')
    const { port = 0 } = control
    await control[Symbol.asyncDispose]()

    const heard: string[] = []
    const thief = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (data) => {
        heard.push(String(data))
        // Let the page wait for the proof, and write meanwhile.
        if (!String(data).includes('/v1/proof')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}')
      })
    }).listen(port, '127.0.0.1')
    await once(thief, 'listening')
    t.after(() => thief.close())
    await until(() => heard.some((text) => text.startsWith('GET /v1/proof')), 'the question for a proof')
    if (await composer.isEnabled()) await composer.press('Enter')
    await page.waitForTimeout(1_000)
    assert.ok(heard.every((text) => !text.includes(token)))
    assert.ok(heard.every((text) => !text.includes('the secret')))
  },
)

/** Leaves a service worker in a browser, as whoever had this port before could. @returns the port */
async function poison(page: Page): Promise<number> {
  const worker = `
    addEventListener('install', () => skipWaiting())
    addEventListener('fetch', (event) => {
      const page = () => new Response('<title>thief</title>', { headers: { 'Content-Type': 'text/html' } })
      if (event.request.mode === 'navigate') event.respondWith(page())
    })`
  const thief = createServer((request, response) => {
    const isWorker = request.url === '/worker.js'
    response.setHeader('Content-Type', isWorker ? 'text/javascript' : 'text/html')
    response.end(isWorker ? worker : '<title>thief</title>')
  }).listen(0, '127.0.0.1')
  await once(thief, 'listening')
  const { port } = thief.address() as AddressInfo
  await page.goto(`http://127.0.0.1:${port}/`)
  await page.evaluate(`navigator.serviceWorker.register('/worker.js')
    .then(() => navigator.serviceWorker.ready).then(() => true)`)
  const closed = once(thief, 'close')
  thief.close()
  thief.closeAllConnections()
  await closed
  return port
}

test(
  'C6: a service worker that another program has left at its port does not meet the page, which has another',
  { skip, timeout: 60_000 },
  async (t) => {
    const { desk } = await openDriven(t)
    await using browser = await launch()
    const page = await browser.newPage()
    const port = await poison(page)
    const options = { node: desk.node, dataDir: temporaryDir(t), version: '0', log: silentLog }
    await using control = await openControl(options)
    const { address, code } = await control.pageWay()
    assert.notEqual(control.port, port)
    await page.goto(`${address}#code=${code}`)
    assert.equal(await page.title(), 'p2p')
  },
)

test(
  'C6 twin: at the very port it stands in the place of the page, and gets the token',
  { skip, timeout: 60_000 },
  async (t) => {
    const { desk } = await openDriven(t)
    await using browser = await launch()
    const page = await browser.newPage()
    const port = await poison(page)
    const dataDir = temporaryDir(t)
    const options = { node: desk.node, dataDir, version: '0', log: silentLog }
    await using control = await openControl({ ...options, port })
    const { address, code } = await control.pageWay()
    await page.goto(`${address}#code=${code}`)
    assert.equal(await page.title(), 'thief')
    assert.equal(await outcome(page, enterScript(address, code)), readEndpoint(dataDir)?.token)
  },
)
