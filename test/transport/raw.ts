/** A client that sends exactly the bytes it is told to. */
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import type { Channel } from '../../src/transport/channel.ts'
import { friendId, type TestTransport } from './open.ts'

export interface Target {
  readonly address: string
  readonly port: number
}

export interface RawOptions {
  readonly localAddress?: string
  /** Gives up and closes after so long. */
  readonly withinMs?: number
}

export interface Exchange {
  /** Everything that came back, one character a byte. */
  readonly text: string
  /** 0 when nothing that looks like HTTP came back. */
  readonly status: number
  readonly head: string
  readonly body: string
  /** Whether the other side ended it. */
  readonly closed: boolean
  readonly tookMs: number
}

/** Sends `pieces` one after the other and collects what comes back until the connection ends. */
export function exchange(
  to: Target,
  pieces: string | Uint8Array | readonly (string | Uint8Array)[],
  { localAddress, withinMs = 8_000 }: RawOptions = {},
): Promise<Exchange> {
  return new Promise((resolve) => {
    const started = performance.now()
    const socket = connect({
      host: to.address,
      port: to.port,
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    const chunks: Buffer[] = []
    const finish = (closed: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      const text = Buffer.concat(chunks).toString('latin1')
      const [head = '', ...rest] = text.split('\r\n\r\n')
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)
      resolve({
        text,
        status,
        head,
        body: rest.join('\r\n\r\n'),
        closed,
        tookMs: performance.now() - started,
      })
    }
    const timer = setTimeout(() => finish(false), withinMs)
    socket.setNoDelay()
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    // What came before a reset is still there.
    socket.on('error', () => {})
    socket.on('close', () => finish(true))
    socket.on('connect', () => {
      const all = typeof pieces === 'string' || pieces instanceof Uint8Array ? [pieces] : pieces
      for (const piece of all) socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)
    })
  })
}

/** The text of a request; `headers` replace or (with undefined) remove those that every request has. */
export function requestText(
  to: Target,
  path: string,
  headers: Readonly<Record<string, string | undefined>> = {},
  method = 'GET',
): string {
  const all: Record<string, string | undefined> = { Host: `${to.address}:${to.port}`, ...headers }
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  )
  return [`${method} ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n')
}

export const upgradeHeaders = {
  PeerID: friendId,
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'AAECAwQFBgcICQoLDA0ODw==',
} as const

export interface FrameOptions {
  readonly fin?: boolean
  /** Reserved bits, in place. */
  readonly reserved?: number
  readonly mask?: boolean
  /** Bytes of the length field after the first: 0, 2 or 8; the shortest form unless given. */
  readonly lengthBytes?: 0 | 2 | 8
  /** What the length field says, when not the truth. */
  readonly declared?: bigint
}

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** One WebSocket frame, as wrong as wished. */
export function frame(
  opcode: number,
  payload: Uint8Array = new Uint8Array(),
  options: FrameOptions = {},
): Buffer {
  const { fin = true, reserved = 0, mask = true, declared = BigInt(payload.length) } = options
  const shortest = declared < 126n ? 0 : declared < 65_536n ? 2 : 8
  const lengthBytes = options.lengthBytes ?? shortest
  const head = Buffer.alloc(2 + lengthBytes)
  head[0] = (fin ? 0x80 : 0) | reserved | opcode
  head[1] = (mask ? 0x80 : 0) | (lengthBytes === 0 ? Number(declared) : lengthBytes === 2 ? 126 : 127)
  if (lengthBytes === 2) head.writeUInt16BE(Number(declared), 2)
  if (lengthBytes === 8) head.writeBigUInt64BE(declared, 2)
  if (!mask) return Buffer.concat([head, payload])
  const key = randomBytes(4)
  const masked = payload.map((byte, index) => byte ^ (key[index % 4] ?? 0))
  return Buffer.concat([head, key, masked])
}

export interface RawWebSocket {
  readonly socket: Socket
  /** Everything that came after the head of the answer. */
  received(): Buffer
  /** The code of the first close frame that came; undefined when none did. */
  closeCode(): number | undefined
  /** Resolves with the time in ms from the call until the connection has ended. */
  ended(): Promise<number>
}

/** Opens a session with hand-made bytes. */
function openRawWebSocket(to: Target, options: RawOptions = {}): Promise<RawWebSocket> {
  return new Promise((resolve, reject) => {
    const { localAddress } = options
    const socket = connect({
      host: to.address,
      port: to.port,
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    let bytes = Buffer.alloc(0)
    let headEnd = -1
    const gone = new Promise<void>((done) => socket.on('close', () => done()))
    socket.setNoDelay()
    socket.on('error', () => {})
    socket.on('close', () => reject(new Error(`no session: ${bytes.toString('latin1').slice(0, 60)}`)))
    socket.on('connect', () => socket.write(requestText(to, '/ws', upgradeHeaders)))
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      if (headEnd >= 0) return
      headEnd = bytes.indexOf('\r\n\r\n')
      if (headEnd < 0) return
      const received = (): Buffer => bytes.subarray(headEnd + 4)
      if (!bytes.toString('latin1').startsWith('HTTP/1.1 101')) {
        reject(new Error(bytes.toString('latin1')))
        return
      }
      resolve({
        socket,
        received,
        closeCode: () => closeCodeIn(received()),
        async ended() {
          const from = performance.now()
          await gone
          return performance.now() - from
        },
      })
    })
  })
}

/** Server frames are not masked; all of these tests get short ones. */
function closeCodeIn(bytes: Buffer): number | undefined {
  for (let at = 0; at + 2 <= bytes.length;) {
    const opcode = (bytes[at] ?? 0) & 0x0f
    const short = (bytes[at + 1] ?? 0) & 0x7f
    const head = short === 126 ? 4 : 2
    const length = short === 126 ? bytes.readUInt16BE(at + 2) : short
    if (opcode === opcodes.close) return length >= 2 ? bytes.readUInt16BE(at + head) : 1005
    at += head + length
  }
  return undefined
}

/** A session whose far end is made by hand, and never ends the connection by itself. */
export async function openRaw(server: TestTransport): Promise<{ raw: RawWebSocket; channel: Channel }> {
  const accepted = server.nextAccepted()
  const raw = await openRawWebSocket(server.here)
  return { raw, channel: await accepted }
}
