import { isP2PError, limits, P2PError } from '../index.ts'

const numbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const
/** What does not stop in good order after `--timeout` is ended this much later. */
const graceMs = limits.shutdownMs + 1_000

interface StopOptions {
  /** What SIGHUP means instead of the end. */
  readonly hangUp?: () => void
  /** When it is given up, counted from now; undefined for never. */
  readonly timeoutMs?: number | undefined
}

/** The wish to stop, from a signal, from inside, or because the time is up. The second signal does not wait for good manners. */
export function catchSignals({ hangUp, timeoutMs }: StopOptions = {}): AbortController {
  const stop = new AbortController()
  if (hangUp !== undefined) process.on('SIGHUP', hangUp)
  for (const signal of [
    'SIGINT',
    'SIGTERM',
    ...(hangUp === undefined ? (['SIGHUP'] as const) : []),
  ] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(128 + numbers[signal])
      stop.abort()
    })
  }
  if (timeoutMs !== undefined) endAfter(stop, timeoutMs)
  return stop
}

/** Why it was given up, when that was for `--timeout`. */
export function timeoutOf({ reason }: AbortSignal): P2PError | undefined {
  return isP2PError(reason, 'timeout') ? reason : undefined
}

function endAfter(stop: AbortController, ms: number): void {
  const late = new P2PError('timeout', `It was not done after ${ms / 1000} s, as --timeout says.`)
  const end = (): void => {
    if (!stop.signal.aborted) stop.abort(late)
    // Whatever still hangs, such as a running p2p that answers nothing, does not keep the promise from being kept.
    setTimeout(() => {
      process.stderr.write(`p2p: ${late.message}\n`)
      process.exit(late.entry.exit)
    }, graceMs).unref()
  }
  setTimeout(end, ms).unref()
}
