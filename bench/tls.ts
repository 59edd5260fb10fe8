/** TLS as our peers speak it, for bare programs: 1.3 alone, a certificate from both ends, nothing resumed. */
import { constants } from 'node:crypto'
import type { TlsOptions } from 'node:tls'
import { alpnProtocol } from '../src/transport/tls.ts'
import { KeyPair } from '../src/identity/key-pair.ts'

/** Options for either end, with the certificate of a new peer unless one is given. */
export function mutualTls({ certificate, privateKey } = KeyPair.make()) {
  return {
    cert: certificate,
    key: privateKey,
    minVersion: 'TLSv1.3' as const,
    ALPNProtocols: [alpnProtocol],
    requestCert: true,
    rejectUnauthorized: false,
    secureOptions: constants.SSL_OP_NO_TICKET,
  } satisfies TlsOptions
}
