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
        `UDP port ${port} is taken by a program that does not share it; stop it, or choose another discovery port.`,
        options,
      )
    case 'EACCES':
    case 'EPERM':
      return new P2PError(
        'port-forbidden',
        `UDP port ${port} may not be used by this user; choose a discovery port above 1023.`,
        options,
      )
    default:
      return new P2PError(
        'network-unusable',
        `Cannot listen on UDP port ${port}: ${messageOf(error)}; look at the network and try again.`,
        options,
      )
  }
}

/** Why nothing can be sent to one address. */
export function sendError(error: unknown, { address, port }: Endpoint): P2PError {
  const message = `Cannot send to ${address}:${port}: ${messageOf(error)}; check the address and the network.`
  return new P2PError('network-unusable', message, { cause: error })
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
