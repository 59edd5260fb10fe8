import { connect } from 'node:net'
import { limits } from '../index.ts'
import { readEndpoint } from './read-endpoint.ts'
import { isRecord } from './schema.ts'

/**
 * How the node of a data directory stands, in as little time as can be: one request by hand, without the HTTP client. Times are
 * texts. Undefined when no node runs there, or it answers anything else.
 *
 * @throws P2PError `data-dir-unusable`
 */
export async function fetchState(dataDir: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const endpoint = readEndpoint(dataDir)
  const answer = endpoint && (await get(endpoint.socket, '/v1/state'))
  const [head, body] = splitOnce(answer ?? '')
  if (!head.startsWith('HTTP/1.1 200 ')) return undefined
  const state: unknown = JSON.parse(body)
  return isRecord(state) ? state : undefined
}

function splitOnce(answer: string): readonly [string, string] {
  const end = answer.indexOf('\r\n\r\n')
  return end < 0 ? ['', ''] : [answer.slice(0, end), answer.slice(end + 4)]
}

/** What is heard until the other side closes; undefined when nobody listens. */
function get(path: string, url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let heard = ''
    const socket = connect(path)
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      heard += text
    })
    socket.on('end', () => resolve(heard))
    socket.on('error', () => resolve(undefined))
    socket.setTimeout(limits.controlAnswerMs, () => socket.destroy(new Error('no answer')))
    socket.write(`GET ${url} HTTP/1.1\r\nHost: p2p\r\nConnection: close\r\n\r\n`)
  })
}
