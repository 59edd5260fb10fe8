/** What a server with idle sessions is asked: the same for ours and for the baseline. */
import type { Ports } from './ports.ts'

export type IdleRequest = { readonly kind: 'ports' } | { readonly kind: 'rest' }

export interface Rest {
  readonly sessions: number
  readonly residentBytes: number
  /** JavaScript objects: only those in use when the program was started with `--expose-gc`. */
  readonly heapBytes: number
}

export function idleHandler(server: {
  readonly ports: Ports
  sessions(): number
}): (request: IdleRequest) => unknown {
  return ({ kind }) => {
    if (kind === 'ports') return server.ports
    globalThis.gc?.()
    const { rss, heapUsed } = process.memoryUsage()
    return { sessions: server.sessions(), residentBytes: rss, heapBytes: heapUsed } satisfies Rest
  }
}
