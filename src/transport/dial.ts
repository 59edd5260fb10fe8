import { connect, isIP } from 'node:net'
import { WebSocket } from 'ws'
import { P2PError, isP2PError } from '../base/errors.ts'
import type { Limits } from '../base/limits.ts'
import { isOurProtocol, protocolHeader, protocolVersion } from '../protocol/handshake.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { connectError, hostPort, statusError, unreachable } from './errno.ts'
import type { Address } from './transport.ts'
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
 * @throws the most telling error when all fail: a refusal before a wrong program before silence
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
      losers.abort()
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
  readonly selfId: PeerId
  readonly limits: Limits
  readonly signal: AbortSignal
  /** Called in the tick in which the WebSocket opened. */
  open(opened: Pick<OpenSocket, 'ws' | 'socket' | 'isOurs'>): Result
}

/**
 * Opens a WebSocket with the peer at one address.
 *
 * @throws P2PError `peer-unreachable`, `peer-refused`, `not-a-peer`; the abort reason of `signal`
 */
export function dial<Result>(to: Address, options: DialOptions<Result>): Promise<Result> {
  const { signal, limits } = options
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    // Names would make a DNS query of what a stranger announced (U10).
    if (isIP(to.address) === 0) throw unreachable(to, 'that is not an IP address')
    const socket = connect({ host: to.address, port: to.port, noDelay: true })
    const ws = new WebSocket(`ws://${hostPort(to)}/ws`, {
      ...webSocketOptions(limits),
      headers: { PeerID: options.selfId, [protocolHeader]: String(protocolVersion) },
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
      limits.dialMs,
    )
    signal.addEventListener('abort', onAbort, { once: true })
    const onError = (error: Error): void => fail(connectError(error, to))
    let isOurs = false
    ws.on('error', onError)
      .on('upgrade', ({ headers }) => {
        isOurs = isOurProtocol(headers[protocolHeader.toLowerCase()])
      })
      .on('unexpected-response', (_, response) => fail(statusError(response.statusCode, to)))
      .on('open', () => {
        stop()
        resolve(options.open({ ws, socket, isOurs }))
        ws.off('error', onError)
      })
  })
}

const tellingOrder = ['peer-refused', 'not-a-peer'] as const

function mostTelling(errors: readonly unknown[]): unknown {
  for (const code of tellingOrder) {
    const error = errors.find((candidate) => isP2PError(candidate, code))
    if (error !== undefined) return error
  }
  return errors[0]
}
