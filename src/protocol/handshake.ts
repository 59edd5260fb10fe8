/**
 * Header of the request for a session and of its answer, by which two peers of ours know each other for what they
 * are. An announcement cannot say it: anybody can send one under any ID. The reference ignores the header.
 */
export const protocolHeader = 'P2P-Version'

/** Our version of the protocol, as that header and field 1001 say it. */
export const protocolVersion = 1

/** Whether the value of {@link protocolHeader} is that of a peer of ours: a version, 1 or higher. */
export function isOurProtocol(value: string | readonly string[] | undefined): boolean {
  return typeof value === 'string' && /^[1-9]\d{0,8}$/.test(value)
}
