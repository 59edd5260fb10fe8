/** Requests as the published client makes them: byte for byte what Go sends, read with a single read. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { answerBytes, Crash } from './wire.ts'

export interface Answer {
  readonly status: number
  /** What one read of the body gave; the rest is never looked at. */
  readonly body: Uint8Array
  /** Whether the server ends the connection. If not, this client leaks it. */
  readonly closes: boolean
  readonly socket: Socket
}

interface Head {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly sizeBytes: number
}

export async function ping(address: string, port: number): Promise<Answer> {
  const { head, socket } = await request(address, port, '/ping')
  return { status: head.status, body: new Uint8Array(), closes: closes(head), socket }
}

/** @throws Crash when the answer has no Content-Length or a huge one; an error when it is cut short or refused */
export async function getPeers(address: string, port: number, ownId: string): Promise<Uint8Array> {
  const { head, rest, socket } = await request(address, port, '/peers', `Peerid: ${ownId}\r\n`)
  try {
    const length = Number(head.headers.get('content-length') ?? Number.NaN)
    if (Number.isNaN(length)) throw new Crash('an answer to /peers without Content-Length')
    if (length > 2 ** 32) throw new Crash('an answer to /peers with a huge Content-Length')
    if (head.status !== 200) throw new Error(`status ${head.status}`)
    const body = length === 0 || rest.length > 0 ? rest : await nextChunk(socket)
    const read = body.subarray(0, Math.min(length, answerBytes))
    if (read.length < length) throw new Error(`one read gave ${read.length} of ${length} bytes`)
    return read
  } finally {
    socket.destroy()
  }
}

async function request(address: string, port: number, path: string, header = '') {
  const socket = connect({ host: address, port })
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: ${address}:${port}\r\nUser-Agent: Go-http-client/1.1\r\n${header}` +
      'Accept-Encoding: gzip\r\n\r\n',
  )
  let buffered = Buffer.alloc(0)
  let end = -1
  while (end < 0) {
    buffered = Buffer.concat([buffered, await nextChunk(socket)])
    end = buffered.indexOf('\r\n\r\n')
    if (end < 0 && buffered.length > 1024 * 1024) throw new Error('a head without an end')
  }
  const head = parseHead(buffered.subarray(0, end).toString('latin1'))
  return { head, rest: buffered.subarray(head.sizeBytes, Math.max(head.sizeBytes, answerBytes)), socket }
}

async function nextChunk(socket: Socket): Promise<Buffer> {
  const aborter = new AbortController()
  try {
    const data: Promise<Buffer[]> = once(socket, 'data', { signal: aborter.signal })
    const gone = once(socket, 'close', { signal: aborter.signal }).then(() =>
      Promise.reject(new Error('the connection ended before the answer')),
    )
    // The loser of the race is aborted; that is no error.
    data.catch(() => {})
    gone.catch(() => {})
    const [chunk] = await Promise.race([data, gone])
    return chunk!
  } finally {
    aborter.abort()
  }
}

function parseHead(text: string): Head {
  const [statusLine = '', ...lines] = text.split('\r\n')
  const headers = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1])
  if (Number.isNaN(status)) throw new Error('malformed HTTP response')
  return { status, headers: new Map(headers), sizeBytes: Buffer.byteLength(text, 'latin1') + 4 }
}

const closes = (head: Head): boolean => head.headers.get('connection')?.toLowerCase() === 'close'
