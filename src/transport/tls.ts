/** TLS as our peers speak it: version 1.3, both sides with a certificate, no sessions that go on (docs/protocol.md, section 4). */
import { constants } from 'node:crypto'
import { createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls'
import type { Credentials, ProvedPeer } from './transport.ts'

/** Names the protocol inside TLS (RFC 7301). */
export const alpnProtocol = 'p2p/1'

const bindingBytes = 32
const bindingLabel = 'EXPORTER-p2p-sas-v1'

const contexts = new WeakMap<Credentials, SecureContext>()

/** What proves us, ready for use: reading a key takes longer than the rest of a dial. */
export function secureContextOf(credentials: Credentials): SecureContext {
  let context = contexts.get(credentials)
  if (context === undefined) {
    context = createSecureContext(contextOptions(credentials))
    contexts.set(credentials, context)
  }
  return context
}

function contextOptions({ certificate, privateKey }: Credentials) {
  return { cert: certificate, key: privateKey, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const
}

/** What both sides ask of the other. No authority signs for us: {@link verifyPeer} is what decides, never `authorized`. */
export const peerOptions = { rejectUnauthorized: false, ALPNProtocols: [alpnProtocol] }

/** A server that listens nowhere: connections are given to it with `emit('connection')`. */
export function createTlsServer(credentials: Credentials): Server {
  return createServer({
    ...contextOptions(credentials),
    ...peerOptions,
    requestCert: true,
    // On a resumed session the client sees no certificate of ours (T7).
    secureOptions: constants.SSL_OP_NO_TICKET,
  })
}

/**
 * Who is at the other end of a finished handshake; undefined for whoever proves nothing in this very handshake: no
 * certificate (T2), one that is not ours in kind (T3, T4), a session that goes on (T7), or another protocol or none (T8).
 */
export function verifyPeer(socket: TLSSocket, credentials: Credentials): ProvedPeer | undefined {
  if (socket.alpnProtocol !== alpnProtocol || socket.isSessionReused()) return undefined
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined || certificate.issuerCertificate !== undefined) return undefined
  return credentials.identify(certificate)
}

/** What only the two ends of this connection know (RFC 8446, 7.5). */
export function bindingOf(socket: TLSSocket): Uint8Array {
  return socket.exportKeyingMaterial(bindingBytes, bindingLabel, Buffer.alloc(0))
}
