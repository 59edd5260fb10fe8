/** Small servers and callers made of Node alone: what these tests say is about Node, and not about p2p. */
import { readFileSync } from 'node:fs'
import type { AddressInfo, Server } from 'node:net'
import { connect, createServer, type ConnectionOptions, type TLSSocket, type TlsOptions } from 'node:tls'

export interface Papers {
  readonly cert: string
  readonly key: string
}

/** Certificate and key of test/fixtures/certificates/. */
export function papers(name: string): Papers {
  const text = readFileSync(new URL(`../fixtures/certificates/${name}.pem`, import.meta.url), 'utf8')
  return { cert: text, key: text }
}

/** An Ed25519 certificate for each end. */
const serverPapers = papers('plain')
export const clientPapers = papers('usual')

const tls13 = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', rejectUnauthorized: false } as const

export interface Listening<Kind extends Server> extends AsyncDisposable {
  readonly server: Kind
  readonly port: number
}

/** Listens until the end of the scope, and then destroys what is connected. */
export async function listen<Kind extends Server>(server: Kind): Promise<Listening<Kind>> {
  const open = new Set<{ destroy(): unknown }>()
  server.on('connection', (socket) => {
    open.add(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    server,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function tlsServer(options: TlsOptions, onSecure: (socket: TLSSocket) => void = () => {}) {
  return createServer({ ...tls13, ...serverPapers, ...options }, (socket) => {
    socket.on('error', () => {})
    onSecure(socket)
  })
}

/** Resolves when the handshake has ended, well or not. */
export function call(
  port: number,
  options: ConnectionOptions = {},
): Promise<{ secured: boolean; error: string; socket: TLSSocket }> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, ...tls13, ...options })
    socket.on('secureConnect', () => resolve({ secured: true, error: '', socket }))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ secured: false, error: error.code ?? error.message, socket }),
    )
    socket.on('close', () => resolve({ secured: false, error: '', socket }))
  })
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
