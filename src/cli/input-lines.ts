import { limits } from '../index.ts'

/** One line of input without its end, or `undefined` for a line longer than `limits.inputLineBytes`. */
export type InputLine = string | undefined

/** The lines of a stream, read only as fast as they are taken. The last may lack its line break. */
export async function* inputLines(
  input: AsyncIterable<Uint8Array | string>,
  maxBytes: number = limits.inputLineBytes,
): AsyncGenerator<InputLine, void> {
  const decoder = new TextDecoder()
  let pending = ''
  let skipping = false
  for await (const chunk of input) {
    const parts = (typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })).split('\n')
    const rest = parts.pop() ?? ''
    for (const part of parts) {
      if (!skipping) yield lineOf(pending + part, maxBytes)
      pending = ''
      skipping = false
    }
    if (skipping) continue
    pending += rest
    if (Buffer.byteLength(pending) <= maxBytes) continue
    // The rest of it is thrown away as it comes, so that no input makes the memory grow.
    pending = ''
    skipping = true
    yield undefined
  }
  if (pending !== '') yield lineOf(pending, maxBytes)
}

function lineOf(text: string, maxBytes: number): InputLine {
  if (Buffer.byteLength(text) > maxBytes) return undefined
  return text.endsWith('\r') ? text.slice(0, -1) : text
}
