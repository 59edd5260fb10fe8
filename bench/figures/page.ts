/** The page in a real browser: how soon it shows something, how soon what happens, and what it weighs. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { chromium, type Browser, type Page } from 'playwright-core'
import { buildPage } from '../../scripts/build-page.ts'
import { connectNode } from '../../src/control/client.ts'
import type { P2PNode } from '../../src/index.ts'
import { install, onLoopback, type Installed } from '../command.ts'
import { inTurn, type Figure, type Measurement } from '../figure.ts'
import { freeUdpPort } from '../ports.ts'

const paints = 15
const events = 100
const pauseMs = 50
const root = join(import.meta.dirname, '../..')

export const pageSize: Figure = {
  name: 'page-script',
  about: 'bytes of the script of the page, gzip',
  async measure() {
    await buildPage()
    const bytes = gzipSync(readFileSync(join(root, 'dist/web/app.js')), { level: 9 }).length
    const target = { of: 'value', is: 'at most', bound: 60_000 } as const
    return [{ name: 'page-script', unit: 'bytes', ours: [bytes], baseline: [], targets: [target] }]
  },
}

export const page: Figure = {
  name: 'page',
  about: `the page shows the people; an event of one peer is on the page of the other; real Chromium, ${events} messages`,
  async measure() {
    using command = install(onLoopback(await freeUdpPort()))
    await using _desk = await command.serve('desk', '--web', '--control-port', '0')
    await using _kitchen = await command.serve('kitchen')
    await using browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    })
    const kitchen = await connectNode(command.dataDirOf('kitchen'))
    if (kitchen === undefined) throw new Error('the node of the kitchen is not found')
    await using _closed = kitchen
    await kitchen.peers.waitFor({ id: command.idOf('desk') }, { signal: AbortSignal.timeout(10_000) })
    await kitchen.conversation(command.idOf('desk')).send('the first')
    return [await measurePaint(command, browser), await measureEvents({ command, browser, kitchen })]
  },
}

/** From the wish to see the page until a person of the other side stands on it; next to a page with one line. */
async function measurePaint(command: Installed, browser: Browser): Promise<Measurement> {
  const bare = createServer((_request, response) =>
    response.setHeader('Content-Type', 'text/html').end('<!doctype html><p>the first</p>'),
  ).listen(0, '127.0.0.1')
  await once(bare, 'listening')
  const address = `http://127.0.0.1:${(bare.address() as AddressInfo).port}/`
  const taken = await inTurn(
    paints,
    () => shownAfter(browser, wayInto(command)),
    () => shownAfter(browser, address),
  )
  bare.close()
  return {
    name: 'page-paint',
    unit: 'ms',
    ...taken,
    targets: [{ of: 'value', is: 'at most', bound: 500 }],
    note: 'nothing in the cache; until the people and the last message are painted, after code, token, proof and state',
  }
}

async function shownAfter(browser: Browser, address: string): Promise<number> {
  const context = await browser.newContext()
  const view = await context.newPage()
  await view.goto(address, { waitUntil: 'commit' })
  await shown(view, 'the first')
  const tookMs = await view.evaluate('performance.now()')
  await context.close()
  return Number(tookMs)
}

/** Resolves with the time, in ms of the wall, when a text was painted. */
async function shown(view: Page, text: string): Promise<number> {
  const found = await view.evaluate(
    `new Promise((done) => {
      const look = () => document.body?.innerText.includes(${JSON.stringify(text)})
        ? requestAnimationFrame(() => done(Date.now())) : requestAnimationFrame(look)
      look()
    })`,
  )
  return Number(found)
}

function wayInto(command: Installed): string {
  const { stdout } = spawnSync(process.execPath, command.argsOf('desk', 'web', '--code', '--json'), {
    encoding: 'utf8',
  })
  const { address, code } = JSON.parse(stdout) as { address: string; code: string }
  return `${address}#code=${code}`
}

async function measureEvents({
  command,
  browser,
  kitchen,
}: {
  readonly command: Installed
  readonly browser: Browser
  readonly kitchen: P2PNode
}): Promise<Measurement> {
  const view = await browser.newPage()
  await view.goto(wayInto(command))
  await shown(view, 'the first')
  const desk = kitchen.conversation(command.idOf('desk'))
  const ours: number[] = []
  for (let event = 0; event < events; event++) {
    const text = `message ${event} of many`
    const painted = shown(view, text)
    const sentAt = Date.now()
    await desk.send(text)
    ours.push((await painted) - sentAt)
    await sleep(pauseMs)
  }
  return {
    name: 'page-event',
    unit: 'ms',
    ours,
    baseline: [],
    percentile: 0.95,
    targets: [{ of: 'value', is: 'at most', bound: 100 }],
    note: 'from the call that sends a message at one peer until the frame after it is in the page of the other; 95th percentile',
  }
}
