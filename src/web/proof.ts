const encoder = new TextEncoder()

/**
 * Whether what answers at this address knows the token, asked without telling it (C6): `silent` when nothing answers. Wire and words are
 * those of `proofOf` in control/gate.ts.
 */
export async function proves(token: string): Promise<'yes' | 'no' | 'silent'> {
  const nonce = hex(crypto.getRandomValues(new Uint8Array(32)))
  let told: unknown
  try {
    const answer = await fetch(`/v1/proof?nonce=${nonce}`)
    told = await answer.json()
  } catch {
    return 'silent'
  }
  const proof = typeof told === 'object' && told !== null && 'proof' in told ? told.proof : undefined
  return proof === (await proofOf(token, nonce)) ? 'yes' : 'no'
}

export async function proofOf(token: string, nonce: string): Promise<string> {
  const hash = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', encoder.encode(token), hash, false, ['sign'])
  const text = encoder.encode(`p2p control v1 ${nonce}`)
  return hex(new Uint8Array(await crypto.subtle.sign('HMAC', key, text)))
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
