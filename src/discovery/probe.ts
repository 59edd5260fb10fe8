import { limits } from '../base/limits.ts'
import type { DatagramSockets } from './datagram-sockets.ts'
import type { Endpoint, ProbeResult, Sighting } from './explorer.ts'

interface Probe {
  readonly sockets: DatagramSockets
  readonly to: Endpoint
  /** The announcement that asks. */
  readonly question: Uint8Array
  /** Reads an answer; undefined when it comes from no other peer. */
  readonly read: (answer: Uint8Array, source: Endpoint) => Sighting | undefined
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
  const connecting = sockets.connect(to, {
    heard(answer, source) {
      const sighting = read(answer, source)
      if (sighting === undefined) silence = 'not-a-peer'
      else result.resolve({ kind: 'peer', sighting })
    },
    refused: () => result.resolve({ kind: 'refused' }),
  })
  const ask = async (): Promise<void> => (await connecting).send(question)
  using waiting = new DisposableStack()
  const after = (ms: number, action: () => void): void =>
    void waiting.adopt(setTimeout(action, ms), clearTimeout)
  after(limits.probeMs, () => result.resolve({ kind: silence }))
  for (let repeat = 1; repeat <= limits.probeRepeats; repeat++) {
    // A repetition that fails changes nothing: the time limit says what became of the question.
    after(repeat * limits.probeRepeatMs, () => void ask().catch(() => {}))
  }
  const abort = (): void => result.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  waiting.defer(() => signal.removeEventListener('abort', abort))
  // Not awaited: a name may still be looked up when the answer to the question does not matter any more.
  waiting.defer(() => void connecting.then((connection) => connection[Symbol.asyncDispose]()).catch(() => {}))
  ask().catch(result.reject)
  return await result.promise
}
