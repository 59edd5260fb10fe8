/** Nodes that have pages, in a real browser. */
import { existsSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { chromium, type Browser, type Page } from 'playwright-core'
import { openControl, type Control } from '../../src/control/server.ts'
import { silentLog } from '../../src/index.ts'
import { openHouse, type FileNode, type House } from '../app/sharing-nodes.ts'
import { join } from 'node:path'

const executablePath = '/usr/bin/chromium'

/** Why tests with a browser cannot run here; false when they can. */
export const skip = existsSync(executablePath)
  ? false
  : `${executablePath} is not installed (apt-get install chromium)`

/** A node with its page served, and how to look at it. */
export interface Paged {
  readonly node: FileNode
  readonly control: Control
}

export interface Stage {
  readonly browser: Browser
  readonly house: House
  /** Everything that pages have asked for, or have complained of. */
  readonly asked: string[]
  readonly complaints: string[]
  /** A node with a page; it knows all others by name. */
  open(name: string): Promise<Paged>
  /** Stops a node with its page, and starts it again on the same port of the page. */
  again(former: Paged, name: string): Promise<Paged>
  /** Opens the page of a node as `p2p web` does. */
  visit(paged: Paged, options?: Parameters<Browser['newContext']>[0]): Promise<Page>
}

export async function openStage(t: TestContext): Promise<Stage> {
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  })
  t.after(() => browser.close())
  const house = await openHouse()
  t.after(() => house[Symbol.asyncDispose]())
  const [asked, complaints] = [[] as string[], [] as string[]]
  let count = 0
  const serve = async (node: FileNode, port: number): Promise<Paged> => {
    const dataDir = join(node.folder, 'data')
    const control = await openControl({ node: node.node, dataDir, version: '0', port, log: silentLog })
    t.after(() => control[Symbol.asyncDispose]())
    return { node, control }
  }
  return {
    browser,
    house,
    asked,
    complaints,
    open: async (name) => serve(await house.open(`node-${count++}`, { name }), 0),
    async again({ node, control }, name) {
      const { port = 0 } = control
      await control[Symbol.asyncDispose]()
      return serve(await house.again(node, { name }), port)
    },
    async visit({ control }, options = {}) {
      const context = await browser.newContext(options)
      const page = await context.newPage()
      page.on('request', (request) => asked.push(request.url()))
      page.on('websocket', (socket) => asked.push(socket.url()))
      page.on('pageerror', (error) => complaints.push(String(error)))
      page.on('console', (message) => {
        if (message.type() === 'error' && !isOfTheNetwork(message.text())) complaints.push(message.text())
      })
      const { address, code } = await control.pageWay()
      await page.goto(`${address}#code=${code}`)
      await page.locator('.frame').waitFor()
      return page
    },
  }
}

/** A browser says itself that a node does not answer, which some tests want. */
function isOfTheNetwork(text: string): boolean {
  return /Failed to load resource|ERR_CONNECTION_REFUSED|WebSocket connection/.test(text)
}

/** Goes to a place of the page, as its links do. */
export async function goTo(page: Page, place: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(place)}`)
  await page.locator(`.at-${place.split('/', 1).join('')}`).waitFor()
}

/** Drops files on an element, as from a file manager. */
export async function drop(
  page: Page,
  selector: string,
  files: readonly { readonly name: string; readonly text: string }[],
): Promise<void> {
  const dataTransfer = await page.evaluateHandle(`(() => {
    const transfer = new DataTransfer()
    for (const { name, text } of ${JSON.stringify(files)}) transfer.items.add(new File([text], name))
    return transfer
  })()`)
  const target = page.locator(selector).first()
  await target.dispatchEvent('dragover', { dataTransfer })
  await target.dispatchEvent('drop', { dataTransfer })
}

/** Drops files and folders of the disk on an element, as a file manager does: the browser itself reads what they are. */
export async function dropPaths(page: Page, selector: string, paths: readonly string[]): Promise<void> {
  const box = await page.locator(selector).first().boundingBox()
  if (box === null) throw new Error(`${selector} is not on the page`)
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  const data = { items: [], files: [...paths], dragOperationsMask: 1 }
  const session = await page.context().newCDPSession(page)
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await session.send('Input.dispatchDragEvent', { type, x, y, data })
  await session.detach()
}
