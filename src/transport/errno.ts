import { P2PError, errnoOf, isP2PError, messageOf } from '../base/errors.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { Address } from './transport.ts'

/** `192.0.2.1:8001`, `[2001:db8::1]:8001` */
export function hostPort({ address, port }: Address): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** What `listen` failed with, as an error of ours. */
export function listenError(error: unknown, port: number): P2PError {
  const cause = { cause: error }
  switch (errnoOf(error) ?? '') {
    case 'EADDRINUSE':
      return new P2PError(
        'port-taken',
        `TCP port ${port} is taken by another program. Stop it, or choose another port; port 0 (--port 0) takes a free one.`,
        cause,
      )
    case 'EACCES':
    case 'EPERM':
      return new P2PError(
        'port-forbidden',
        `TCP port ${port} may not be used by this user. Choose one above 1023; port 0 (--port 0) takes a free one.`,
        cause,
      )
    default:
      return new P2PError(
        'network-unusable',
        `Listening on TCP port ${port} failed: ${messageOf(error)}. Check the address and the network.`,
        cause,
      )
  }
}

/** What a request or a dial failed with, as an error of ours. Errors of ours pass through. */
export function connectError(error: unknown, to: Address): P2PError {
  if (isP2PError(error)) return error
  const errno = errnoOf(error)
  // Of TLS, after the peer has proved itself: an alert, or bytes that were changed on the way.
  if (errno?.startsWith('ERR_SSL_') === true) return insecure(to, error)
  // Without an errno it is ws that did not like the handshake, and HPE_ is Node's parser that did not like the bytes.
  if (errno === undefined || errno.startsWith('HPE_') || errno.startsWith('WS_')) {
    return notAPeer(to, 'its answer is not understood', error)
  }
  return unreachable(to, reasons[errno] ?? messageOf(error), error)
}

export function unreachable(to: Address, why: string, cause?: unknown): P2PError {
  const message = `${hostPort(to)} does not answer: ${why}. Check that p2p runs there and that no firewall is between.`
  return new P2PError('peer-unreachable', message, { cause })
}

/** @param why in words, or what TLS failed with */
export function insecure(to: Address, why: unknown): P2PError {
  const text = typeof why === 'string' ? why : insecureReason(why)
  const message = `The secure connection with ${hostPort(to)} failed: ${text}. Somebody may be interfering; nothing was sent unprotected. Try again, or check the network.`
  return new P2PError('insecure-connection', message, typeof why === 'string' ? undefined : { cause: why })
}

function insecureReason(error: unknown): string {
  const errno = errnoOf(error) ?? ''
  // What a program that does not speak TLS says is taken for a record of a version that does not exist.
  if (errno === 'ERR_SSL_WRONG_VERSION_NUMBER' || errno === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    return 'it answers without encryption'
  }
  return reasons[errno] ?? (errno === '' ? messageOf(error) : errno)
}

/** Somebody proved to be `found` where `expected` was called (T6). */
export function mismatch(to: Address, expected: PeerId, found: PeerId): P2PError {
  const message = `At ${hostPort(to)} is not ${expected} but ${found}. Nothing was sent to it. Check the address, or wait until the peer is heard again.`
  return new P2PError('identity-mismatch', message)
}

export function notAPeer(to: Address, why: string, cause?: unknown): P2PError {
  const message = `What listens at ${hostPort(to)} is not a peer: ${why}. Check the address and the port.`
  return new P2PError('not-a-peer', message, { cause })
}

/** What an HTTP status other than the wished one means. */
export function statusError(status: number | undefined, to: Address): P2PError {
  if (status === 503) {
    return new P2PError('peer-refused', `${hostPort(to)} is stopping. Try again when it runs again.`)
  }
  if (status === 403) {
    return new P2PError(
      'peer-refused',
      `${hostPort(to)} refuses: it has not heard of us yet, its user does not let us in, or it has enough sessions with us. Announce, then try again.`,
    )
  }
  return notAPeer(to, `it answers with status ${String(status)}`)
}

/** What a status other than those of an answer means to whoever asked for files. */
export function fileStatusError(status: number, peerId: PeerId): P2PError {
  switch (status) {
    case 404:
    case 416:
      return new P2PError(
        'file-unknown',
        `${peerId} has no such file for us: it is gone, has changed, or is not meant for us. List what there is.`,
      )
    case 403:
      return new P2PError('peer-refused', `${peerId} gives us no files. Ask its user to let us in.`)
    case 503:
      return new P2PError(
        'too-many',
        `${peerId} has enough to do with files just now, or is stopping. Try again later.`,
      )
    default:
      return new P2PError(
        'protocol-violation',
        `${peerId} answers a request for files with status ${status}. Check that both have the same version of p2p.`,
      )
  }
}

/** What broke a connection for files, as an error of ours. */
export function brokenConnection(error: unknown, to: Address): P2PError {
  return error === undefined ? unreachable(to, 'it hung up') : connectError(error, to)
}

/** The WebSocket close code for what broke a session: 1006 is the network. */
export function closeCodeOf(error: unknown): number {
  const errno = errnoOf(error)
  return errno?.startsWith('WS_ERR_') === true ? (closeCodes[errno] ?? 1002) : 1006
}

const closeCodes: Readonly<Record<string, number>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  WS_ERR_INVALID_UTF8: 1007,
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens on that port',
  EHOSTUNREACH: 'no machine has that address',
  ENETUNREACH: 'this machine has no way to that network',
  EHOSTDOWN: 'the machine is off',
  ETIMEDOUT: 'the connection timed out',
  ECONNRESET: 'it hung up',
  EPIPE: 'it hung up',
  EADDRNOTAVAIL: 'this machine has no address to call from',
}
