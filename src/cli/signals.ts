const numbers = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const

/**
 * The wish to stop, from a signal or from inside. The second signal does not wait for good manners.
 *
 * @param hangUp what SIGHUP means instead of the end
 */
export function catchSignals({ hangUp }: { readonly hangUp?: () => void } = {}): AbortController {
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
  return stop
}
