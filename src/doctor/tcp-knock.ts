import { connect } from 'node:net'

import { errnoOf } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Knock } from '../rules/findings.ts'

/** The error names of connect(2) that say something of the other side; all others are silence. */
const answers: Readonly<Record<string, Knock>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'refused',
  EHOSTUNREACH: 'no-host',
  EHOSTDOWN: 'no-host',
  ENETUNREACH: 'no-host',
  EPERM: 'blocked',
  EACCES: 'blocked',
}

/** Connects to a TCP port and hangs up. Waits at most `limits.knockMs`. @throws the abort reason of `signal` */
export async function knock(
  to: { readonly address: string; readonly port: number },
  signal?: AbortSignal,
): Promise<Knock> {
  signal?.throwIfAborted()
  const result = Promise.withResolvers<Knock>()
  const socket = connect({ host: to.address, port: to.port })
  const stop = (): void => result.reject(signal?.reason)
  const timer = setTimeout(() => result.resolve('silent'), limits.knockMs)
  signal?.addEventListener('abort', stop, { once: true })
  socket.on('connect', () => result.resolve('open'))
  socket.on('error', (error) => result.resolve(answers[errnoOf(error) ?? ''] ?? 'silent'))
  try {
    return await result.promise
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
    socket.destroy()
  }
}
