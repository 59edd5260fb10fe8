/** The only file of this room that knows the error names of the platform. */
import { P2PError, errnoOf, messageOf } from '../base/errors.ts'
import type { Endpoint } from './explorer.ts'

/** Why the ear cannot have its port. */
export function earError(error: unknown, port: number): P2PError {
  const options = { cause: error }
  switch (causeOf(error)) {
    case 'EADDRINUSE':
      return new P2PError(
        'port-taken',
        `UDP port ${port} is taken by a program that does not share it. Stop it, or choose another discovery port.`,
        options,
      )
    case 'EACCES':
    case 'EPERM':
      return new P2PError(
        'port-forbidden',
        `UDP port ${port} may not be used by this user. Choose a discovery port above 1023.`,
        options,
      )
    default:
      return new P2PError(
        'network-unusable',
        `Cannot listen on UDP port ${port}: ${messageOf(error)}. Check the network and try again.`,
        options,
      )
  }
}

/** Why nothing can be sent to one address, or host name. */
export function sendError(error: unknown, { address, port }: Endpoint): P2PError {
  const errno = causeOf(error)
  const message = isUnresolved(errno)
    ? `The name ${address} could not be resolved to an IPv4 address. Check its spelling and the network, or give the address.`
    : `Cannot send to ${address}:${port}: ${reasons[errno] ?? messageOf(error)}. Check the address and the network.`
  return new P2PError('network-unusable', message, { cause: error })
}

/** The resolver has error names of its own: those of getaddrinfo(3), and one that Node puts for two of them. */
function isUnresolved(errno: string): boolean {
  return errno.startsWith('EAI_') || errno === 'ENOTFOUND'
}

const reasons: Readonly<Record<string, string>> = {
  ENETUNREACH: 'this machine has no way to that network',
  EHOSTUNREACH: 'no machine has that address',
  EACCES: 'this machine does not let it leave',
  EPERM: 'this machine does not let it leave',
}

/** Whether the host answered that nobody has the port. */
export function isRefused(error: unknown): boolean {
  return errnoOf(error) === 'ECONNREFUSED' || errnoOf(error) === 'ECONNRESET'
}

/** Whether a multicast group could not be joined because it is joined already. */
export function isAlreadyJoined(error: unknown): boolean {
  return errnoOf(error) === 'EADDRINUSE'
}

/** What went wrong, in one word, for the log. */
export function causeOf(error: unknown): string {
  return errnoOf(error) ?? 'unknown'
}
