/** What a server with idle sessions is asked: the same for ours and for the baseline. */
export type IdleRequest =
  | { readonly kind: 'ports' }
  /** Answers with how many sessions are open and the resident bytes, after everything unused was freed. */
  | { readonly kind: 'rest' }

export interface Ports {
  readonly tcp: number
  /** Where announcements are heard; 0 when nothing listens. */
  readonly udp: number
}

export interface Rest {
  readonly sessions: number
  readonly residentBytes: number
}

export function idleHandler(server: {
  readonly ports: Ports
  sessions(): number
}): (request: IdleRequest) => unknown {
  return ({ kind }) => {
    if (kind === 'ports') return server.ports
    // Memory that one collection frees is returned to the system by the next.
    for (let round = 0; round < 4; round++) globalThis.gc?.()
    return { sessions: server.sessions(), residentBytes: process.memoryUsage.rss() } satisfies Rest
  }
}
