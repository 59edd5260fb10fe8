import { request, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { P2PError, isP2PError } from '../base/errors.ts'
import type { Limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'
import type { Announcement } from '../protocol/announcement.ts'
import { decodePeerList } from '../protocol/peer-list.ts'
import { connectPeer, type ConnectOptions } from './connect.ts'
import { connectError, hostPort, notAPeer, statusError, unreachable } from './errno.ts'
import type { Address } from './transport.ts'

export interface PeerClientOptions extends Omit<ConnectOptions, 'timeoutMs'> {
  readonly limits: Limits
}

/** `timeoutMs` is for everything, from the first packet to the last byte. */
interface Get extends ConnectOptions {
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly maxBytes: number
  readonly maxHeaderBytes: number
}

/** Whether the peer answers /ping with 200 `ok` (H13); a peer of ours with its key. Never throws. */
export async function ping(to: Address, { limits, ...options }: PeerClientOptions): Promise<boolean> {
  try {
    const body = await get(to, {
      ...options,
      path: '/ping',
      timeoutMs: limits.pingTimeoutMs,
      maxBytes: limits.pingBytes,
      maxHeaderBytes: limits.headerBytes,
    })
    return body.toString('latin1') === 'ok'
  } catch {
    return false
  }
}

/**
 * Asks a peer for the peers it knows (H12).
 *
 * @throws P2PError `peer-unreachable`, `peer-refused`, `not-a-peer`, `insecure-connection`, `identity-mismatch`,
 *   `protocol-violation`; the abort reason of `signal`
 */
export async function fetchPeers(
  from: Address,
  { limits, ...options }: PeerClientOptions,
): Promise<readonly Announcement[]> {
  const body = await get(from, {
    ...options,
    path: '/peers',
    headers: { PeerID: options.credentials.id },
    timeoutMs: limits.fetchPeersMs,
    maxBytes: limits.fetchedPeerListBytes,
    maxHeaderBytes: limits.headerBytes,
  })
  const peers = decodePeerList(body)
  if (peers === undefined) throw violation(from, 'is no list of peers')
  return peers
}

/** The body of a 200 answer. No redirect is followed, nothing is decompressed, and there is no second try. */
async function get(to: Address, options: Get): Promise<Buffer> {
  const deadline = monotonicMs() + options.timeoutMs
  const { socket } = await connectPeer(to, options)
  return await getOver(socket, to, { ...options, deadline })
}

/** @param options with the end of its time, in monotonic ms */
function getOver(socket: Socket, to: Address, options: Get & { readonly deadline: number }): Promise<Buffer> {
  const { signal, timeoutMs, deadline } = options
  return new Promise((resolve, reject) => {
    const call = request({
      host: to.address,
      port: to.port,
      path: options.path,
      headers: { ...options.headers },
      // Without an agent nobody keeps the connection, and there is one for one request.
      createConnection: () => socket,
      maxHeaderSize: options.maxHeaderBytes,
    })
    const settle = (act: () => void): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      act()
      call.destroy()
    }
    const fail = (error: unknown): void => settle(() => reject(error))
    const onAbort = (): void => fail(signal?.reason)
    const late = (): void => fail(unreachable(to, `not within ${timeoutMs / 1_000} s`))
    const timer = setTimeout(late, Math.max(0, deadline - monotonicMs()))
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted === true) onAbort()
    call
      .on('error', (error) => fail(connectError(error, to)))
      // We never ask for one, and a stream of them would not be bounded by any size.
      .on('information', () => fail(notAPeer(to, 'it answers with an interim status')))
      .on('upgrade', () => fail(notAPeer(to, 'it changes the protocol')))
      .on('response', (response) => {
        readBody(response, to, options.maxBytes).then((body) => settle(() => resolve(body)), fail)
      })
      .end()
  })
}

async function readBody(response: IncomingMessage, to: Address, maxBytes: number): Promise<Buffer> {
  if (response.statusCode !== 200) throw statusError(response.statusCode, to)
  if (response.headers['content-encoding'] !== undefined) throw violation(to, 'is compressed')
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) throw violation(to, 'is too long')
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > maxBytes) throw violation(to, 'is too long')
      chunks.push(chunk)
    }
  } catch (error) {
    throw isP2PError(error) ? error : connectError(error, to)
  }
  return Buffer.concat(chunks)
}

function violation(from: Address, what: string): P2PError {
  return new P2PError('protocol-violation', `The answer of ${hostPort(from)} ${what}. Ask another peer.`)
}
