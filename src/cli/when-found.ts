import type { P2PNode, Peer } from '../index.ts'

/** How long to wait. */
interface Patience {
  readonly ms: number
  readonly signal: AbortSignal
}

/**
 * The peer that `look` finds, as soon as somebody has come or is known differently; undefined when nobody does in time.
 *
 * @throws what `look` throws, and the abort reason of `signal`
 */
export async function whenFound(
  node: P2PNode,
  look: () => Peer | undefined,
  { ms, signal }: Patience,
): Promise<Peer | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Peer | undefined>()
  const lookAgain = (): void => {
    try {
      const peer = look()
      if (peer !== undefined) resolve(peer)
    } catch (error) {
      reject(error)
    }
  }
  const abort = (): void => reject(signal.reason)
  const stops = (['peer:found', 'peer:changed'] as const).map((type) => node.on(type, lookAgain))
  const timer = setTimeout(resolve, ms, undefined)
  signal.addEventListener('abort', abort, { once: true })
  try {
    signal.throwIfAborted()
    return await promise
  } finally {
    for (const stop of stops) stop()
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}
