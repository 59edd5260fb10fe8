/** Who a peer is: a UUID as 36 lower-case characters. */
export type PeerId = string & { readonly __brand: 'PeerId' }
