import { get } from 'node:http'

import { limits } from '../base/limits.ts'
import type { Knock } from '../rules/findings.ts'
import { knock } from './tcp-knock.ts'

/**
 * Asks /ping in plain, which every p2p and every reference peer answers, whoever asks. What answers proves nothing of itself.
 *
 * @throws the abort reason of `signal`
 */
export async function plainPing(
  to: { readonly address: string; readonly port: number },
  signal?: AbortSignal,
): Promise<Knock | 'answered'> {
  const knocked = await knock(to, signal)
  if (knocked !== 'open') return knocked
  const answered = await isPinged(to)
  signal?.throwIfAborted()
  return answered ? 'answered' : 'open'
}

function isPinged({ address, port }: { readonly address: string; readonly port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const timeout = AbortSignal.timeout(limits.pingTimeoutMs)
    const request = get({ host: address, port, path: '/ping', agent: false, signal: timeout })
    request.on('error', () => resolve(false))
    request.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (more: string) => {
        text += more
        if (text.length > limits.pingBytes) request.destroy()
      })
      response.on('close', () => resolve(response.statusCode === 200 && text === 'ok'))
      response.on('error', () => {})
    })
  })
}
