import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { request, type Agent, type ClientRequest, type IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { messageOf, P2PError, type CallOptions } from '../index.ts'
import { proofOf } from './gate.ts'
import { parseTold, tellable, toldError } from './views.ts'

/** How a node is reached: by its socket, or by its port with the token. */
export type Address =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'port'; readonly port: number; readonly token: string }

/** What a call brought, and the number of the last event before its answer. */
export interface CallResult<Told> {
  readonly value: Told
  readonly event: number
}

/** Asks a node that runs in another process. */
export class Caller {
  readonly address: Address
  readonly #agent: Agent | undefined

  constructor(address: Address, agent?: Agent) {
    this.address = address
    this.#agent = agent
  }

  /** @throws P2PError as the call in the node itself does; `node-stopped` when it is not there any more */
  async call<Told>(name: string, input: object, { signal }: CallOptions = {}): Promise<CallResult<Told>> {
    const body = tellable(input)
    const response = await this.#ask('POST', `/v1/${name}`, { body, type: 'application/json', signal })
    return {
      value: parseTold<Told>(await textOf(response)),
      event: Number(response.headers['p2p-event'] ?? 0),
    }
  }

  async get<Told>(path: string, options: CallOptions = {}): Promise<Told> {
    return parseTold<Told>(await textOf(await this.#ask('GET', path, options)))
  }

  /** The answer as it comes. */
  async *bytes(name: string, input: object, { signal }: CallOptions = {}): AsyncGenerator<Uint8Array> {
    const body = tellable(input)
    const response = await this.#ask('POST', `/v1/${name}`, { body, type: 'application/json', signal })
    yield* piecesOf(response)
  }

  /** The answer line by line, as it comes. */
  async *lines(name: string, input: object, options: CallOptions = {}): AsyncGenerator<string> {
    const decoder = new TextDecoder()
    let rest = ''
    for await (const bytes of this.bytes(name, input, options)) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
  }

  /** Sends a stream. */
  async pour<Told>(
    name: string,
    input: object,
    { body, signal }: CallOptions & { readonly body: AsyncIterable<Uint8Array | string> },
  ): Promise<CallResult<Told>> {
    const path = `/v1/${name}?input=${encodeURIComponent(JSON.stringify(input))}`
    const response = await this.#ask('POST', path, {
      body: Readable.from(body, { objectMode: false }),
      type: 'application/octet-stream',
      signal,
    })
    return {
      value: parseTold<Told>(await textOf(response)),
      event: Number(response.headers['p2p-event'] ?? 0),
    }
  }

  /**
   * Makes sure that it is the node, and not a program that took its port first, before the token is told (C6).
   *
   * @throws P2PError `control-refused`
   */
  async prove({ signal }: CallOptions = {}): Promise<void> {
    if (this.address.kind === 'socket') return
    const { token, port } = this.address
    const nonce = randomBytes(32).toString('hex')
    const response = await this.#ask('GET', `/v1/proof?nonce=${nonce}`, { signal, withoutToken: true })
    const { proof } = parseTold<{ readonly proof?: unknown }>(await textOf(response))
    if (typeof proof === 'string' && timingSafeEqual(digest(proof), digest(proofOf(token, nonce)))) return
    throw new P2PError(
      'control-refused',
      `What listens on port ${port} is not the node that this data directory names. Stop it, and start p2p again.`,
    )
  }

  async #ask(method: 'GET' | 'POST', path: string, asked: Asked): Promise<IncomingMessage> {
    const { body, type, signal, withoutToken = false } = asked
    signal?.throwIfAborted()
    const { address } = this
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const outgoing = request({
      method,
      path,
      ...(address.kind === 'socket'
        ? { socketPath: address.path, headers: { Host: 'p2p' } }
        : { host: '127.0.0.1', port: address.port, headers: { Host: `127.0.0.1:${address.port}` } }),
      ...(this.#agent !== undefined && { agent: this.#agent }),
      ...(signal !== undefined && { signal }),
    })
    if (type !== undefined) outgoing.setHeader('Content-Type', type)
    if (address.kind === 'port' && !withoutToken)
      outgoing.setHeader('Authorization', `Bearer ${address.token}`)
    outgoing.once('response', resolve)
    outgoing.on('error', (error) => reject(signal?.aborted ? signal.reason : gone(error)))
    await begin(outgoing, body, reject)
    const response = await promise
    if (response.statusCode === 200) return response
    const error = toldError(await textOf(response))
    // What was not said yet is not wanted.
    outgoing.destroy()
    throw error
  }
}

interface Asked {
  readonly body?: string | Readable
  readonly type?: string
  readonly withoutToken?: boolean
  readonly signal?: AbortSignal | undefined
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

async function begin(
  outgoing: ClientRequest,
  body: string | Readable | undefined,
  failed: (error: unknown) => void,
): Promise<void> {
  if (typeof body === 'string') outgoing.setHeader('Content-Length', Buffer.byteLength(body))
  if (body === undefined || typeof body === 'string') {
    outgoing.end(body)
    return
  }
  // The answer may come before all has been said; what the source of the stream throws is what the call throws.
  body.once('error', failed)
  void pipeline(body, outgoing).catch(() => {})
  await Promise.resolve()
}

async function textOf(response: IncomingMessage): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of piecesOf(response)) pieces.push(piece)
  return Buffer.concat(pieces).toString('utf8')
}

async function* piecesOf(response: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of response) if (piece instanceof Uint8Array) yield piece
  } catch (error) {
    throw response.complete ? error : gone(error)
  }
}

export function gone(cause?: unknown): P2PError {
  const why = cause === undefined ? '' : ` (${messageOf(cause)})`
  return new P2PError('node-stopped', `The running p2p does not answer any more${why}. Do it again.`, {
    cause,
  })
}
