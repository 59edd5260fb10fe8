/** The name of an offer: 16 random bytes as 32 lower-case hexadecimal digits. It says nothing to anybody but its receiver. */
export type OfferId = string & { readonly offerId: true }

/** Bytes of an offer ID. */
const offerIdBytes = 16

export function parseOfferId(text: string): OfferId | undefined {
  return isOfferId(text) ? text : undefined
}

/** The ID in 16 bytes; undefined for any other number of them. */
export function offerIdFromBytes(bytes: Uint8Array): OfferId | undefined {
  if (bytes.length !== offerIdBytes) return undefined
  return parseOfferId([...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(''))
}

/** The 16 bytes of an ID. */
export function offerIdToBytes(id: OfferId): Uint8Array {
  return Uint8Array.from({ length: offerIdBytes }, (_, at) =>
    Number.parseInt(id.slice(2 * at, 2 * at + 2), 16),
  )
}

function isOfferId(text: string): text is OfferId {
  return /^[0-9a-f]{32}$/.test(text)
}
