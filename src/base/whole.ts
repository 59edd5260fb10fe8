import { P2PError } from './errors.ts'

/**
 * A content that has to be as large as it was said to be: one that is not would be taken for a part of the next.
 *
 * @throws P2PError `file-changed`; the abort reason of `signal`
 */
export async function* whole(
  sent: {
    readonly path: string
    readonly sizeBytes: number
    readonly content: AsyncIterable<Uint8Array>
  },
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { path, sizeBytes, content } = sent
  let left = sizeBytes
  for await (const bytes of content) {
    signal?.throwIfAborted()
    left -= bytes.length
    if (left < 0) break
    yield bytes
  }
  if (left !== 0)
    throw new P2PError('file-changed', `${path} has not ${sizeBytes} bytes any more. Send it again.`)
}
