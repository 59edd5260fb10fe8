const ending = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const numbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const

/** The wish to stop, from a signal or from inside. The second signal does not wait for good manners. */
export function catchSignals(): AbortController {
  const stop = new AbortController()
  for (const signal of ending) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(128 + numbers[signal])
      stop.abort()
    })
  }
  return stop
}
