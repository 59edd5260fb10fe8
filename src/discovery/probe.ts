import { limits } from '../base/limits.ts'
import type { DatagramSockets } from './datagram-sockets.ts'
import type { Endpoint, ProbeResult, Sighting } from './explorer.ts'

interface Probe {
  readonly sockets: DatagramSockets
  readonly to: Endpoint
  /** The announcement that asks. */
  readonly question: Uint8Array
  /** Reads an answer; undefined when it comes from no other peer. */
  readonly read: (answer: Uint8Array) => Sighting | undefined
  readonly signal: AbortSignal
}

/**
 * Announces to one address and waits for its answer.
 *
 * Bytes that come from no peer end nothing: a peer may still follow until the time is over.
 *
 * @throws P2PError `network-unusable`; the abort reason of `signal`
 */
export async function runProbe({ sockets, to, question, read, signal }: Probe): Promise<ProbeResult> {
  signal.throwIfAborted()
  const result = Promise.withResolvers<ProbeResult>()
  let silence: 'no-answer' | 'not-a-peer' = 'no-answer'
  await using connection = await sockets.connect(to, {
    heard(answer) {
      const sighting = read(answer)
      if (sighting === undefined) silence = 'not-a-peer'
      else result.resolve({ kind: 'peer', sighting })
    },
    refused: () => result.resolve({ kind: 'refused' }),
  })
  using timers = new DisposableStack()
  const abort = (): void => result.reject(signal.reason)
  timers.adopt(
    setTimeout(() => result.resolve({ kind: silence }), limits.probeMs),
    clearTimeout,
  )
  for (let repeat = 1; repeat <= limits.probeRepeats; repeat++) {
    // A repetition that fails changes nothing: the time limit says what became of the question.
    const again = (): void => void connection.send(question).catch(() => {})
    timers.adopt(setTimeout(again, repeat * limits.probeRepeatMs), clearTimeout)
  }
  signal.addEventListener('abort', abort, { once: true })
  timers.defer(() => signal.removeEventListener('abort', abort))
  if (signal.aborted) abort()
  await connection.send(question)
  return await result.promise
}
