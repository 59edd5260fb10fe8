import { limits } from '../base/limits.ts'
import type { DatagramSockets } from './datagram-sockets.ts'
import type { Endpoint, SelfCallResult } from './explorer.ts'

interface SelfCall {
  readonly sockets: DatagramSockets
  /** The discovery port at an address of ours. */
  readonly to: Endpoint
  /** The announcement that asks. */
  readonly question: Uint8Array
  /** The ear calls what stands here for the port that an announcement of ours came from. */
  readonly waiting: Map<number, () => void>
  readonly signal: AbortSignal
}

/** Finds out who gets what is sent to our own discovery port. @throws the abort reason of `signal` */
export async function runSelfCall(call: SelfCall): Promise<SelfCallResult> {
  const { sockets, to, question, waiting, signal } = call
  signal.throwIfAborted()
  const result = Promise.withResolvers<SelfCallResult>()
  // It may be rejected while the connection still opens.
  result.promise.catch(() => {})
  const stop = (): void => result.reject(signal.reason)
  const timer = setTimeout(() => result.resolve('silent'), limits.selfCallMs)
  signal.addEventListener('abort', stop, { once: true })
  let localPort = -1
  try {
    await using connection = await sockets.connect(to, {
      // We do not answer ourselves.
      heard: () => result.resolve('other'),
      refused: () => result.resolve('silent'),
    })
    localPort = connection.localPort
    waiting.set(localPort, () => result.resolve('heard'))
    await connection.send(question)
    return await result.promise
  } catch {
    signal.throwIfAborted()
    return 'silent'
  } finally {
    waiting.delete(localPort)
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}
