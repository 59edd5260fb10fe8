/** The name of an offer: 16 random bytes as 32 lower-case hexadecimal digits. It says nothing to anybody but its receiver. */
export type OfferId = string & { readonly offerId: true }

export function parseOfferId(text: string): OfferId | undefined {
  return isOfferId(text) ? text : undefined
}

function isOfferId(text: string): text is OfferId {
  return /^[0-9a-f]{32}$/.test(text)
}
