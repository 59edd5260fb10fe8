/** Frames of a WebSocket client that no peer may be harmed by: rows W5 to W9. */

/** A masked client frame: first byte, then payload. */
export function clientFrame(first: number, payload: Buffer): Buffer {
  const head =
    payload.length < 126
      ? [first, 0x80 | payload.length]
      : [first, 0xfe, payload.length >> 8, payload.length & 255]
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload])
}

export const frames: readonly Buffer[] = [
  clientFrame(0x82, Buffer.from('ff', 'hex')),
  clientFrame(0x81, Buffer.from('text')),
  clientFrame(0xc2, Buffer.from('120178', 'hex')),
  clientFrame(0x83, Buffer.alloc(1)),
  clientFrame(0x80, Buffer.alloc(1)),
  clientFrame(0x89, Buffer.alloc(126)),
  clientFrame(0x88, Buffer.from('03e7', 'hex')),
  Buffer.from('82ff7fffffffffffffff00000000', 'hex'),
  clientFrame(0x82, Buffer.alloc(40_000)),
  Buffer.concat([
    clientFrame(0x02, Buffer.alloc(1)),
    ...Array.from({ length: 500 }, () => clientFrame(0x00, Buffer.alloc(1))),
  ]),
  Buffer.concat(Array.from({ length: 3_000 }, () => clientFrame(0x82, Buffer.from('120178', 'hex')))),
  Buffer.concat(Array.from({ length: 3_000 }, () => clientFrame(0x89, Buffer.alloc(4)))),
  clientFrame(
    0x82,
    Buffer.concat([
      Buffer.from('12', 'hex'),
      Buffer.from(lengthPrefixed(Buffer.from('\u001b[2J\r\u202e'.repeat(1_000))), 'hex'),
    ]),
  ),
]

/** The length in front of its bytes, as hexadecimal digits. */
export function lengthPrefixed(bytes: Buffer): string {
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7]
  return Buffer.concat([Buffer.from(length), bytes]).toString('hex')
}
