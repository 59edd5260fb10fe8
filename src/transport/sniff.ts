import type { Socket } from 'node:net'

/** What a caller speaks, by its first byte. */
export type Speech = 'tls' | 'http' | 'other'

/** Type of a TLS record that carries a handshake (RFC 8446, 5.1). */
const handshakeRecord = 0x16

export function speechOf(firstByte: number): Speech {
  if (firstByte === handshakeRecord) return 'tls'
  // Every method of HTTP begins with a capital letter.
  return firstByte >= 0x41 && firstByte <= 0x5a ? 'http' : 'other'
}

/**
 * Tells what a new connection speaks as soon as its first byte is there, and leaves the byte to be read again. A
 * connection that ends before that is destroyed; whoever accepted it sees to errors and to the time.
 */
export function sniff(socket: Socket, found: (speech: Speech) => void): void {
  socket.once('readable', () => {
    const first: Buffer | null = socket.read(1)
    if (first === null) {
      socket.destroy()
      return
    }
    socket.unshift(first)
    found(speechOf(first[0] ?? 0))
  })
}
