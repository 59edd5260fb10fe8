import { chmodSync } from 'node:fs'
import { resolve as absolute } from 'node:path'
import type { Log, P2PNode } from '../index.ts'
import { prepareSocket, removeEndpoint, removeSocket, writeEndpoint } from './endpoint.ts'
import { EventFeed } from './event-feed.ts'
import { newToken } from './gate.ts'
import { Listener, type Serving } from './listener.ts'
import { Page, type PageWay } from './page.ts'

/** How a node is opened to other processes. */
export interface ControlOptions {
  readonly node: P2PNode
  /** Its data directory, which must be its own by now. */
  readonly dataDir: string
  /** What `p2p --version` prints. */
  readonly version: string
  /** Also listens on this TCP port of 127.0.0.1 from the start; 0 takes a free one. */
  readonly port?: number | undefined
  /** Where the built page is, when not where scripts/build-page.ts puts it. */
  readonly pageFolder?: string
  readonly log: Log
}

/** A node that other processes of our user can drive. */
export interface Control extends AsyncDisposable {
  readonly socket: string
  /** TCP port on 127.0.0.1, once there is one. */
  readonly port: number | undefined
  /**
   * Serves the page on that port. One that is not open yet is opened at a number which nobody can know before: a program that had it earlier
   * could have left a service worker in the browser, which would show its own page in our place (C6, decision 0018).
   *
   * @returns the address of the page
   * @throws P2PError `file-unusable` when the page was not built
   */
  openPage(): Promise<string>
  /** A way into the page for one browser; opens the page as {@link openPage} does. */
  pageWay(): Promise<PageWay>
}

/**
 * Lets other processes drive a node, until it is disposed.
 *
 * @throws P2PError `data-dir-unusable`, `port-taken`, `port-forbidden`
 */
export async function openControl(options: ControlOptions): Promise<Control> {
  const { node, version, log, port } = options
  const dataDir = absolute(options.dataDir)
  await using opened = new AsyncDisposableStack()
  const feed = opened.adopt(new EventFeed(node, version), (one) => one.close())
  const socket = prepareSocket(dataDir)
  const doors = opened.use(new Doors(dataDir, { node, version, log, feed }, options.pageFolder))
  await doors.openPrivate(socket)
  opened.defer(() => removeSocket(dataDir, socket))
  if (port !== undefined) await doors.openPort(port)
  doors.tell()
  opened.defer(() => removeEndpoint(dataDir))
  const all = opened.move()
  return {
    socket,
    get port() {
      return doors.port
    },
    openPage: () => doors.page.open(),
    pageWay: () => doors.page.way(),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** The listeners of one node: a socket for our user alone, and a port of loopback when something asks for it. */
class Doors implements AsyncDisposable {
  readonly page: Page
  readonly #dataDir: string
  readonly #serving: Serving
  readonly #token = newToken()
  readonly #opened = new AsyncDisposableStack()
  #socket = ''
  #port: Promise<number> | undefined
  #openPort: number | undefined

  constructor(dataDir: string, serving: Serving, folder: string | undefined) {
    this.#dataDir = dataDir
    this.#serving = serving
    this.page = this.#opened.use(
      new Page({ dataDir, ...(folder !== undefined && { folder }), openPort: () => this.#pagePort() }),
    )
  }

  get port(): number | undefined {
    return this.#openPort
  }

  async openPrivate(socket: string): Promise<void> {
    const listener = this.#opened.use(new Listener(this.#serving, { kind: 'private' }, this.page))
    await listener.listen({ path: socket })
    if (process.platform !== 'win32') chmodSync(socket, 0o600)
    this.#socket = socket
  }

  async openPort(port: number): Promise<number> {
    const token = this.#token
    const listener: Listener = this.#opened.use(
      new Listener(this.#serving, { kind: 'loopback', token, port: () => listener.port ?? 0 }, this.page),
    )
    await listener.listen({ host: '127.0.0.1', port })
    this.#openPort = listener.port ?? 0
    return this.#openPort
  }

  /** Tells the other processes of our user where the node is. */
  tell(): void {
    const port = this.#openPort
    writeEndpoint(this.#dataDir, {
      socket: this.#socket,
      token: this.#token,
      ...(port !== undefined && { port }),
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync()
  }

  /** Opened once, whoever else asks meanwhile; after a failure it is tried again. */
  #pagePort(): Promise<number> {
    if (this.#openPort !== undefined) return Promise.resolve(this.#openPort)
    this.#port ??= this.#openPagePort().finally(() => (this.#port = undefined))
    return this.#port
  }

  async #openPagePort(): Promise<number> {
    const port = await this.openPort(0)
    this.tell()
    return port
  }
}
