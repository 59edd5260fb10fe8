/** The two ends of TLS by Node alone, as odd as wished: for tests of what our own ends do with them. */
import { readFileSync } from 'node:fs'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { connect, createServer, type ConnectionOptions, type TLSSocket, type TlsOptions } from 'node:tls'
import type { Address, Credentials } from '../../src/transport/transport.ts'
import { requestText, type Target } from './raw.ts'

/** Certificate and key, for either end. */
export interface Papers {
  readonly cert: string
  readonly key: string
}

/** One of test/fixtures/certificates/. */
export function papersNamed(name: string): Papers {
  const text = readFileSync(new URL(`../fixtures/certificates/${name}.pem`, import.meta.url), 'utf8')
  return { cert: text, key: text }
}

export function papersOf({ certificate, privateKey }: Credentials): Papers {
  return { cert: certificate, key: privateKey }
}

/** What our ends say of themselves when they shake hands. */
export const usual = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ALPNProtocols: ['p2p/1'],
  rejectUnauthorized: false,
} as const

export interface SecureCall {
  /** Whether the handshake ended well, as far as the caller can see. */
  readonly secured: boolean
  readonly reused: boolean
  /** What came back. */
  readonly text: string
  /** 0 when nothing that looks like HTTP came back. */
  readonly status: number
  readonly closed: boolean
  /** Code of the error that ended it; '' when none. */
  readonly error: string
  readonly session: Buffer | undefined
  readonly tookMs: number
}

/** Shakes hands, says `text`, and collects what comes back until the end. */
export function callSecurely(
  to: Target,
  text: string,
  options: ConnectionOptions & { readonly withinMs?: number } = {},
): Promise<SecureCall> {
  const { withinMs = 7_000, ...rest } = options
  return new Promise((resolve) => {
    const started = performance.now()
    const socket = connect({ host: to.address, port: to.port, ...usual, ...rest })
    const chunks: Buffer[] = []
    let secured = false
    let reused = false
    let error = ''
    let session: Buffer | undefined
    const finish = (closed: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      const answer = Buffer.concat(chunks).toString('latin1')
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)
      const tookMs = performance.now() - started
      resolve({ secured, reused, text: answer, status, closed, error, session, tookMs })
    }
    const timer = setTimeout(() => finish(false), withinMs)
    socket.on('session', (ticket: Buffer) => (session = ticket))
    socket.on('secureConnect', () => {
      secured = true
      reused = socket.isSessionReused()
      socket.write(text)
    })
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', (reason: NodeJS.ErrnoException) => (error = reason.code ?? reason.message))
    socket.on('close', () => finish(true))
  })
}

/** A request of `credentials`, inside TLS. */
export function securedRequest(
  to: Target,
  path: string,
  headers: Readonly<Record<string, string | undefined>> = {},
): string {
  return requestText(to, path, { 'P2P-Version': '1', ...headers })
}

export const webSocketHeaders = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'AAECAwQFBgcICQoLDA0ODw==',
} as const

export interface OddServer extends AsyncDisposable {
  readonly here: Address
  /** What came inside TLS, decrypted. */
  heard(): string
  /** For each handshake that ended well, whether it took a session up again. */
  readonly reused: readonly boolean[]
}

/** A TLS server with `papers`, which does with every connection what `act` does. */
export async function openTlsServer(
  papers: Papers,
  options: TlsOptions = {},
  act: (socket: TLSSocket) => void = () => {},
): Promise<OddServer> {
  const reused: boolean[] = []
  let heard = ''
  const server = createServer({ ...usual, requestCert: true, ...papers, ...options }, (socket) => {
    reused.push(socket.isSessionReused())
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')))
    act(socket)
  })
  server.on('tlsClientError', (_, socket) => socket.destroy())
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    here: { address: '127.0.0.1', port: (server.address() as AddressInfo).port },
    heard: () => heard,
    reused,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A server that speaks plain HTTP well, and does with a TLS handshake what `act` does (T11). */
export async function openDowngrader(
  act: (socket: Socket) => void,
): Promise<AsyncDisposable & { readonly here: Address; plain(): string; handshakes(): number }> {
  let plain = ''
  let handshakes = 0
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', (first: Buffer) => {
      if (first[0] === 0x16) {
        handshakes++
        act(socket)
        return
      }
      plain += first.toString('latin1')
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    here: { address: '127.0.0.1', port: (server.address() as AddressInfo).port },
    plain: () => plain,
    handshakes: () => handshakes,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
