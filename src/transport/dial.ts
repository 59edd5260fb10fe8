import { WebSocket } from 'ws'
import { P2PError, isP2PError } from '../base/errors.ts'
import type { Limits } from '../base/limits.ts'
import { negotiatedProtocol, protocolHeader, protocolVersion } from '../protocol/handshake.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { monotonicMs } from '../base/time.ts'
import type { Proof } from './channel.ts'
import { connectPeer, type PeerConnection } from './connect.ts'
import { connectError, hostPort, notAPeer, statusError, unreachable } from './errno.ts'
import type { Address, Credentials } from './transport.ts'
import { webSocketOptions, type OpenSocket } from './ws-channel.ts'

interface Race<Winner> {
  /** Head start of each address over the next. */
  readonly staggerMs: number
  readonly signal?: AbortSignal | undefined
  attempt(to: Address, signal: AbortSignal): Promise<Winner>
  /** Gets what came in second in the same moment. */
  discard(late: Winner): void
}

/**
 * Tries addresses, best first: the next one starts when the one before has failed, or after the head start. The
 * first that succeeds wins and the others are aborted.
 *
 * @throws the most telling error when all fail: somebody else before a refusal before interference before a wrong
 *   program before silence
 */
export function raceAddresses<Winner>(to: readonly Address[], race: Race<Winner>): Promise<Winner> {
  const losers = new AbortController()
  const signal = race.signal === undefined ? losers.signal : AbortSignal.any([race.signal, losers.signal])
  const failures: unknown[] = []
  let started = 0
  let won = false
  let timer: NodeJS.Timeout | undefined
  return new Promise((resolve, reject) => {
    const start = (): void => {
      clearTimeout(timer)
      const address = to[started]
      if (address === undefined || signal.aborted) return
      started++
      if (started < to.length) timer = setTimeout(start, race.staggerMs)
      race.attempt(address, signal).then(onSuccess, onFailure)
    }
    const onSuccess = (winner: Winner): void => {
      if (won) {
        race.discard(winner)
        return
      }
      won = true
      clearTimeout(timer)
      resolve(winner)
      // Costs as much as a tenth of a dial, and mostly nobody else has started.
      if (started > 1) losers.abort()
    }
    const onFailure = (error: unknown): void => {
      failures.push(error)
      if (race.signal?.aborted === true) {
        clearTimeout(timer)
        reject(race.signal.reason)
      } else if (failures.length === to.length) reject(mostTelling(failures))
      else start()
    }
    if (race.signal?.aborted === true) reject(race.signal.reason)
    else if (to.length === 0)
      reject(new P2PError('peer-unreachable', 'The peer has no address. Wait until it is heard again.'))
    else start()
  })
}

export interface DialOptions<Result> {
  /** The peer that is called. */
  readonly id: PeerId
  readonly path: '/ws' | '/pair'
  /** Who we are. */
  readonly credentials: Credentials
  readonly limits: Limits
  readonly signal: AbortSignal
  /** Called in the tick in which the WebSocket opened. */
  open(opened: Pick<OpenSocket, 'ws' | 'socket' | 'raw' | 'proof'>): Result
}

/**
 * Opens a WebSocket with the peer at one address.
 *
 * A connection that ends after the peer has proved itself is `peer-unreachable`, as in plain: whoever can cut it can
 * also keep it from being made, and learns nothing.
 *
 * @throws P2PError `peer-unreachable`, `peer-refused`, `not-a-peer`, `insecure-connection`, `identity-mismatch`; the
 *   abort reason of `signal`
 */
export async function dial<Result>(to: Address, options: DialOptions<Result>): Promise<Result> {
  const { id, credentials, signal, limits } = options
  const deadline = monotonicMs() + limits.dialMs
  const connection = await connectPeer(to, { id, credentials, signal, timeoutMs: limits.dialMs })
  return await openWebSocket(to, { ...options, connection, deadline })
}

interface Handshake<Result> extends DialOptions<Result> {
  readonly connection: PeerConnection
  /** Monotonic ms. */
  readonly deadline: number
}

function openWebSocket<Result>(to: Address, options: Handshake<Result>): Promise<Result> {
  const { signal, limits, connection } = options
  const { socket, raw } = connection
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`ws://${hostPort(to)}${options.path}`, {
      ...webSocketOptions(limits),
      headers: requestHeaders(options),
      followRedirects: false,
      createConnection: () => socket,
    })
    const stop = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
    const fail = (error: unknown): void => {
      stop()
      reject(error)
      ws.terminate()
    }
    const onAbort = (): void => fail(signal.reason)
    // Of our own, because that of ws starts again with every byte.
    const timer = setTimeout(
      () => fail(unreachable(to, `not within ${limits.dialMs / 1_000} s`)),
      Math.max(0, options.deadline - monotonicMs()),
    )
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    const onError = (error: Error): void => fail(connectError(error, to))
    let proof: Proof | undefined
    ws.on('error', onError)
      .on('upgrade', ({ headers }) => {
        proof = proofOf(connection, headers[protocolHeader.toLowerCase()])
      })
      .on('unexpected-response', (_, response) => fail(statusError(response.statusCode, to)))
      .on('open', () => {
        if (connection.proved !== undefined && proof === undefined) {
          fail(notAPeer(to, 'it does not say which version of the protocol it speaks'))
          return
        }
        stop()
        resolve(options.open({ ws, socket, raw, proof }))
        ws.off('error', onError)
      })
  })
}

/** The version of the protocol is for peers of ours alone. */
function requestHeaders({ connection, credentials }: Handshake<unknown>): Record<string, string> {
  const headers = { PeerID: credentials.id }
  return connection.proved === undefined ? headers : { ...headers, [protocolHeader]: String(protocolVersion) }
}

function proofOf(
  { proved }: PeerConnection,
  version: string | readonly string[] | undefined,
): Proof | undefined {
  const protocol = negotiatedProtocol(version)
  return proved === undefined || protocol === undefined ? undefined : { key: proved.key, protocol }
}

/** That somebody else is there comes first: the user has to hear of it. */
const tellingOrder = ['identity-mismatch', 'peer-refused', 'insecure-connection', 'not-a-peer'] as const

function mostTelling(errors: readonly unknown[]): unknown {
  for (const code of tellingOrder) {
    const error = errors.find((candidate) => isP2PError(candidate, code))
    if (error !== undefined) return error
  }
  return errors[0]
}
