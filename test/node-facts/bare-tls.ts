/**
 * TLS 1.3 (RFC 8446) by hand, just enough of it to do what no library lets one do: show a certificate whose key one does
 * not have, and say `KeyUpdate` for ever. One cipher suite, X25519, Ed25519. It checks nothing of the other side.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import type { Socket } from 'node:net'

export interface BarePapers {
  /** The certificate that is shown, PEM. */
  readonly cert: string
  /** The key that signs, PEM; it need not be that of the certificate. */
  readonly key: string
}

const types = { changeCipherSpec: 20, alert: 21, handshake: 22, data: 23 } as const
const messages = {
  clientHello: 1,
  serverHello: 2,
  extensions: 8,
  certificate: 11,
  request: 13,
  verify: 15,
  finished: 20,
  keyUpdate: 24,
} as const
const suite = Buffer.from('1301', 'hex')
const x25519 = Buffer.from('001d', 'hex')
const ed25519 = Buffer.from('0807', 'hex')
/** Before the 32 bytes of a raw key in DER (RFC 8410, 4). */
const keyPrefix = Buffer.from('302a300506032b656e032100', 'hex')
const nothing = Buffer.alloc(0)
const zeros = Buffer.alloc(32)

const hash = (...parts: readonly Uint8Array[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest()
const hmac = (key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer =>
  createHmac('sha256', key).update(Buffer.concat(parts)).digest()
const number = (value: number, bytes: number): Buffer =>
  Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex')
/** A vector with its length before it. */
const vector = (bytes: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts)
  return Buffer.concat([number(content.length, bytes), content])
}
const message = (type: number, ...parts: readonly Uint8Array[]): Buffer =>
  Buffer.concat([Buffer.of(type), vector(3, ...parts)])
const extension = (type: number, ...parts: readonly Uint8Array[]): Buffer =>
  Buffer.concat([number(type, 2), vector(2, ...parts)])

function expand(secret: Uint8Array, label: string, context: Uint8Array, length: number): Buffer {
  const info = Buffer.concat([
    number(length, 2),
    vector(1, Buffer.from(`tls13 ${label}`)),
    vector(1, context),
  ])
  return hmac(secret, info, Buffer.of(1)).subarray(0, length)
}

/** One direction of a connection: its secret, and how many records it has carried. */
class Direction {
  #secret: Buffer
  #count = 0

  constructor(secret: Buffer) {
    this.#secret = secret
  }

  seal(type: number, content: Uint8Array): Buffer {
    const head = Buffer.concat([Buffer.from('170303', 'hex'), number(content.length + 17, 2)])
    const cipher = createCipheriv('aes-128-gcm', expand(this.#secret, 'key', nothing, 16), this.#nonce())
    cipher.setAAD(head)
    const sealed = Buffer.concat([cipher.update(Buffer.concat([content, Buffer.of(type)])), cipher.final()])
    return Buffer.concat([head, sealed, cipher.getAuthTag()])
  }

  /** @returns content and, as the last byte, its type */
  open(head: Uint8Array, sealed: Buffer): Buffer {
    const cipher = createDecipheriv('aes-128-gcm', expand(this.#secret, 'key', nothing, 16), this.#nonce())
    cipher.setAAD(head).setAuthTag(sealed.subarray(-16))
    return Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()])
  }

  finished(transcript: Uint8Array): Buffer {
    return message(messages.finished, hmac(expand(this.#secret, 'finished', nothing, 32), hash(transcript)))
  }

  /** The next secret (RFC 8446, 7.2). */
  update(): void {
    this.#secret = expand(this.#secret, 'traffic upd', nothing, 32)
    this.#count = 0
  }

  #nonce(): Buffer {
    const nonce = expand(this.#secret, 'iv', nothing, 12)
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.#count++) >>> 0, 8)
    return nonce
  }
}

/** What both sides derive from the two hellos. */
class Secrets {
  readonly #handshake: Buffer

  constructor(shared: Uint8Array) {
    this.#handshake = hmac(expand(hmac(zeros, zeros), 'derived', hash(), 32), shared)
  }

  handshake(side: 'c' | 's', hellos: Uint8Array): Direction {
    return new Direction(expand(this.#handshake, `${side} hs traffic`, hash(hellos), 32))
  }

  application(side: 'c' | 's', untilServerFinished: Uint8Array): Direction {
    const master = hmac(expand(this.#handshake, 'derived', hash(), 32), zeros)
    return new Direction(expand(master, `${side} ap traffic`, hash(untilServerFinished), 32))
  }
}

/** Gives the records of a connection one after the other; ends when it ends. */
async function* recordsOf(
  socket: Socket,
): AsyncGenerator<{ readonly type: number; readonly head: Buffer; readonly body: Buffer }, undefined> {
  let bytes: Buffer = nothing
  // Who has seen enough of it still writes.
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes = Buffer.concat([bytes, chunk])
    for (;;) {
      const length = bytes.length < 5 ? Infinity : bytes.readUInt16BE(3)
      if (bytes.length < 5 + length) break
      yield { type: bytes[0] ?? 0, head: bytes.subarray(0, 5), body: bytes.subarray(5, 5 + length) }
      bytes = bytes.subarray(5 + length)
    }
  }
}

/** Certificate and signature, for the side that `text` names (RFC 8446, 4.4.2 and 4.4.3). */
function prove({ cert, key }: BarePapers, side: 'client' | 'server', transcript: Uint8Array): Buffer {
  const { raw } = new X509Certificate(cert)
  const certificate = message(messages.certificate, vector(1), vector(3, vector(3, raw), vector(2)))
  const context = Buffer.from(`${' '.repeat(64)}TLS 1.3, ${side} CertificateVerify\0`)
  const signed = Buffer.concat([context, hash(transcript, certificate)])
  const signature = sign(null, signed, createPrivateKey(key))
  return Buffer.concat([certificate, message(messages.verify, ed25519, vector(2, signature))])
}

function agree(privateKey: ReturnType<typeof createPrivateKey>, theirs: Uint8Array): Buffer {
  const publicKey = createPublicKey({ key: Buffer.concat([keyPrefix, theirs]), format: 'der', type: 'spki' })
  return diffieHellman({ privateKey, publicKey })
}

/** The X25519 share in a hello: a group, a length of 32 and the key. */
function shareIn(hello: Buffer): Buffer {
  const at = hello.indexOf(Buffer.concat([x25519, number(32, 2)]))
  if (at < 0) throw new Error('no share of X25519 in the hello')
  return hello.subarray(at + 4, at + 36)
}

function plainRecord(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from('160301', 'hex'), vector(2, content)])
}

export interface BareClient {
  /** Says something inside TLS. */
  write(text: string): void
  /** Says so many KeyUpdates in one write, each asking for one of the other side. */
  updateKeys(count: number): void
}

/** Shakes hands as a client on a connected socket. Resolves when it has said everything; rejects when the other side ends it. */
export async function bareClient(socket: Socket, papers: BarePapers): Promise<BareClient> {
  const { privateKey, publicKey } = generateKeyPairSync('x25519')
  const own = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  const hello = message(
    messages.clientHello,
    Buffer.from('0303', 'hex'),
    randomBytes(32),
    vector(1),
    vector(2, suite),
    Buffer.from('0100', 'hex'),
    vector(
      2,
      extension(43, vector(1, Buffer.from('0304', 'hex'))),
      extension(10, vector(2, x25519)),
      extension(13, vector(2, ed25519)),
      extension(51, vector(2, x25519, vector(2, own))),
      extension(16, vector(2, vector(1, Buffer.from('p2p/1')))),
    ),
  )
  socket.write(plainRecord(hello))
  let transcript: Buffer = hello
  let theirs: Direction | undefined
  let secrets: Secrets | undefined
  let flight: Buffer = nothing
  for await (const { type, head, body } of recordsOf(socket)) {
    if (type === types.handshake) {
      transcript = Buffer.concat([transcript, body])
      secrets = new Secrets(agree(privateKey, shareIn(body)))
      theirs = secrets.handshake('s', transcript)
    } else if (type === types.data && theirs !== undefined && secrets !== undefined) {
      flight = Buffer.concat([flight, theirs.open(head, body).subarray(0, -1)])
      if (!hasFinished(flight)) continue
      const mine = secrets.handshake('c', transcript)
      transcript = Buffer.concat([transcript, flight])
      const application = secrets.application('c', transcript)
      const proof = prove(papers, 'client', transcript)
      const finished = mine.finished(Buffer.concat([transcript, proof]))
      socket.write(mine.seal(types.handshake, Buffer.concat([proof, finished])))
      return speaker(socket, application)
    }
  }
  throw new Error('the other side ended the handshake')
}

/** Whether a flight of handshake messages ends with `Finished`. */
function hasFinished(flight: Buffer): boolean {
  for (let at = 0; at + 4 <= flight.length; at += 4 + flight.readUIntBE(at + 1, 3)) {
    if (flight[at] === messages.finished) return true
  }
  return false
}

function speaker(socket: Socket, direction: Direction): BareClient {
  return {
    write: (text) => void socket.write(direction.seal(types.data, Buffer.from(text))),
    updateKeys(count) {
      const records: Buffer[] = []
      for (let i = 0; i < count; i++) {
        records.push(direction.seal(types.handshake, message(messages.keyUpdate, Buffer.of(1))))
        direction.update()
      }
      socket.write(Buffer.concat(records))
    },
  }
}

/** Shakes hands as a server on an accepted socket, as far as its own `Finished`. */
export async function bareServer(socket: Socket, papers: BarePapers): Promise<void> {
  for await (const { type, body } of recordsOf(socket)) {
    if (type !== types.handshake) continue
    const { privateKey, publicKey } = generateKeyPairSync('x25519')
    const own = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
    // After type, length, version and random: the session ID, which is to come back.
    const sessionId = body.subarray(39, 39 + (body[38] ?? 0))
    const hello = message(
      messages.serverHello,
      Buffer.from('0303', 'hex'),
      randomBytes(32),
      vector(1, sessionId),
      suite,
      Buffer.of(0),
      vector(2, extension(43, Buffer.from('0304', 'hex')), extension(51, x25519, vector(2, own))),
    )
    const secrets = new Secrets(agree(privateKey, shareIn(body)))
    const hellos = Buffer.concat([body, hello])
    const mine = secrets.handshake('s', hellos)
    const before = Buffer.concat([
      message(messages.extensions, vector(2, extension(16, vector(2, vector(1, Buffer.from('p2p/1')))))),
      message(messages.request, vector(1), vector(2, extension(13, vector(2, ed25519)))),
    ])
    const proof = prove(papers, 'server', Buffer.concat([hellos, before]))
    const finished = mine.finished(Buffer.concat([hellos, before, proof]))
    socket.write(plainRecord(hello))
    socket.write(mine.seal(types.handshake, Buffer.concat([before, proof, finished])))
    return
  }
}
