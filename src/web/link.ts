import { P2PError } from '../base/errors.ts'
import type { Frame } from '../control/event-feed.ts'
import { parseTold, tellable, toldError } from '../control/views.ts'
import type { CallOptions, OfferInfo, PeerId } from '../index.ts'
import { findUnreadable, unreadable, type Content } from './dropped.ts'
import { linesOf } from './lines.ts'
import type { LinkState } from './page-state.ts'
import { proves } from './proof.ts'

/** Where the token of this tab is kept: another tab, and another start of the node, has another. */
const tokenKey = 'p2p-token'
/** How soon a node that has gone is called again, at first and at most, in ms. */
const [firstRetryMs, lastRetryMs] = [250, 4_000]
/** The node closes so when the token is not its own. */
const wrongTokenCode = 4401

export interface LinkListener {
  readonly frame: (frame: Frame) => void
  readonly changed: (state: LinkState) => void
}

export interface UploadWish {
  readonly peerId: PeerId
  /** What names the contents, in their order. */
  readonly line: Uint8Array<ArrayBuffer>
  readonly contents: readonly Content[]
  readonly signal: AbortSignal
  readonly onProgress: (bytes: number) => void
}

/**
 * The one way from the page to its node: calls with the token, and what happens as it happens. It finds the node again by itself when
 * that has gone, and asks for a code when it is another one.
 */
export class Link {
  readonly #listener: LinkListener
  #token: string
  #socket: WebSocket | undefined
  /** Whether the node that is here has shown that it knows the token: nobody else is told it, or anything that our user writes (C6). */
  #isProved = false
  #retryMs = firstRetryMs

  constructor(listener: LinkListener) {
    this.#listener = listener
    this.#token = sessionStorage.getItem(tokenKey) ?? ''
  }

  /** @param code what has brought our user here, if anything */
  async open(code: string): Promise<void> {
    if (code !== '') await this.enter(code)
    else if (this.#token === '') this.#listener.changed({ kind: 'code', why: '' })
    else await this.#connect()
  }

  /** Gets the token for a code, and begins. */
  async enter(code: string): Promise<void> {
    try {
      const told = await this.#ask('enter', { body: tellable({ code }), bare: true })
      const { token } = parseTold<{ readonly token: string }>(await told.text())
      this.#keep(token)
    } catch (error) {
      const why = error instanceof P2PError ? error.message : 'The node does not answer. Start it again.'
      this.#listener.changed({ kind: 'code', why })
      return
    }
    await this.#connect()
  }

  /** @throws P2PError as the call in the node does; `node-stopped` when it does not answer */
  async call<Told>(name: string, input: object = {}, options: CallOptions = {}): Promise<Told> {
    const answer = await this.#ask(name, { ...options, body: tellable(input) })
    return parseTold<Told>(await answer.text())
  }

  /** The answer line by line, as it comes. */
  async *lines<Told>(name: string, input: object, options: CallOptions): AsyncGenerator<Told, void> {
    const answer = await this.#ask(name, { ...options, body: tellable(input) })
    if (answer.body === null) return
    for await (const line of linesOf(answer.body)) yield parseTold<Told>(line)
  }

  /** A file of a peer that has at most so many bytes. @throws P2PError `too-many` for a longer one */
  async read(
    file: { readonly peerId: PeerId; readonly path: string },
    { maxBytes, signal }: CallOptions & { readonly maxBytes: number },
  ): Promise<Uint8Array<ArrayBuffer>> {
    const answer = await this.#ask('read', { body: tellable(file), ...(signal && { signal }) })
    const reader = answer.body?.getReader()
    const pieces: Uint8Array<ArrayBuffer>[] = []
    for (let bytes = 0; ;) {
      const { value, done } = (await reader?.read()) ?? { value: undefined, done: true }
      if (value === undefined || done) return new Uint8Array(await new Blob(pieces).arrayBuffer())
      bytes += value.length
      pieces.push(value)
      if (bytes <= maxBytes) continue
      await reader?.cancel()
      throw new P2PError('too-many', `It is longer than ${maxBytes} bytes, and is not shown.`)
    }
  }

  /**
   * Offers files of this browser to a peer, together; they are read as they go, and never as a whole.
   *
   * @param wish.onProgress is told the bytes of them that have gone
   */
  upload({ peerId, line, contents, signal, onProgress }: UploadWish): Promise<OfferInfo> {
    if (!this.#isProved) return Promise.reject(gone())
    const { promise, resolve, reject } = Promise.withResolvers<OfferInfo>()
    // Only this old way tells how far it has come.
    const request = new XMLHttpRequest()
    request.open('POST', `/v1/send-contents?input=${encodeURIComponent(tellable({ peerId }))}`)
    request.setRequestHeader('Authorization', `Bearer ${this.#token}`)
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    request.upload.addEventListener('progress', ({ loaded }) => onProgress(Math.max(0, loaded - line.length)))
    request.addEventListener('load', () => {
      if (request.status === 200) resolve(parseTold<OfferInfo>(request.responseText))
      else reject(toldError(request.responseText))
    })
    request.addEventListener('error', () => void whyFailed(contents).then(reject))
    request.addEventListener('abort', () => reject(signal.reason))
    signal.addEventListener('abort', () => request.abort(), { once: true })
    // Nothing of them is read before it is sent.
    request.send(new Blob([line, ...contents.map(({ file }) => file)]))
    return promise
  }

  async #ask(name: string, asked: Asked): Promise<Response> {
    const { body, signal, bare = false } = asked
    if (!bare && !this.#isProved) throw gone()
    const headers = {
      'Content-Type': 'application/json',
      ...(!bare && { Authorization: `Bearer ${this.#token}` }),
    }
    let answer: Response
    try {
      answer = await fetch(`/v1/${name}`, { method: 'POST', headers, body, ...(signal && { signal }) })
    } catch (error) {
      throw signal?.aborted ? error : gone()
    }
    if (answer.ok) return answer
    if (answer.status === 401) this.#refused()
    throw toldError(await answer.text())
  }

  /** Listens to the node, when it is the one whose token this is: another program may have its port by now (C6). */
  async #connect(): Promise<void> {
    if (this.#token === '') return
    const answer = await proves(this.#token)
    if (answer === 'no') return this.#refused()
    if (answer === 'silent') return this.#retry()
    this.#isProved = true
    const socket = new WebSocket(`ws://${location.host}/v1/events`)
    this.#socket = socket
    socket.addEventListener('open', () => socket.send(JSON.stringify({ token: this.#token })))
    socket.addEventListener('message', ({ data }: MessageEvent<string>) => this.#hear(data))
    socket.addEventListener('close', ({ code }) => {
      if (this.#socket !== socket) return
      this.#socket = undefined
      this.#isProved = false
      if (code === wrongTokenCode) this.#refused()
      else this.#retry()
    })
  }

  #hear(data: string): void {
    const frame = parseTold<Frame>(data)
    if ('state' in frame) {
      this.#retryMs = firstRetryMs
      this.#listener.changed({ kind: 'open' })
    }
    this.#listener.frame(frame)
  }

  #retry(): void {
    this.#listener.changed({ kind: 'lost' })
    setTimeout(() => void this.#connect(), this.#retryMs)
    this.#retryMs = Math.min(2 * this.#retryMs, lastRetryMs)
  }

  #refused(): void {
    this.#keep('')
    const former = this.#socket
    this.#socket = undefined
    this.#isProved = false
    former?.close()
    this.#listener.changed({
      kind: 'code',
      why: 'p2p was started again, and does not know this page any more.',
    })
  }

  #keep(token: string): void {
    this.#token = token
    if (token === '') sessionStorage.removeItem(tokenKey)
    else sessionStorage.setItem(tokenKey, token)
  }
}

interface Asked extends CallOptions {
  readonly body: string
  /** Without the token, which there is none of yet. */
  readonly bare?: boolean
}

function gone(): P2PError {
  return new P2PError('node-stopped', 'The running p2p does not answer. Nothing was changed.')
}

/** A browser does not say whether the node has gone, or a file of its own. */
async function whyFailed(contents: readonly Content[]): Promise<P2PError> {
  const missing = await findUnreadable(contents)
  return missing === undefined ? gone() : unreadable(missing.path)
}
