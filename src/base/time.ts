/**
 * Milliseconds on a clock that never jumps. Every time limit and age inside p2p uses it; wall-clock time is only
 * for what people read.
 */
export function monotonicMs(): number {
  return performance.now()
}

/** Resolves after `ms`, or at once when `signal` aborts; never rejects and never keeps the process alive. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve()
      return
    }
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    timer.unref()
    signal?.addEventListener('abort', done, { once: true })
  })
}
