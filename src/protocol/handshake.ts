/**
 * Header of a request inside TLS and of its answer, by which two peers of ours say the highest version of the protocol
 * that they speak. In plain it means nothing: anybody can send it.
 */
export const protocolHeader = 'P2P-Version'

/** Our version of the protocol, as that header and field 1001 say it. */
export const protocolVersion = 1

/**
 * The version to speak with a peer whose {@link protocolHeader} has this value: the lower of theirs and ours. Undefined
 * when it is no version, or is missing.
 */
export function negotiatedProtocol(value: string | readonly string[] | undefined): number | undefined {
  const isVersion = typeof value === 'string' && /^[1-9]\d{0,8}$/.test(value)
  return isVersion ? Math.min(Number(value), protocolVersion) : undefined
}
