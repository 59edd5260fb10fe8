import { whole } from '../base/whole.ts'
import { limits, P2PError, type SentContent } from '../index.ts'
import { integer, list, object, text } from './schema.ts'
import { parseStrictJson } from './strict-json.ts'

/** What the first line of a body says of the contents behind it. */
const named = list(
  object({ path: text(limits.filePathBytes), sizeBytes: integer(0, Number.MAX_SAFE_INTEGER) }),
  limits.sentContents,
)
const newline = 0x0a

/**
 * Several contents in one body: a line of JSON that names them, and then each after the other. They are to be read in their order, each to its end.
 *
 * @throws P2PError `usage`; the contents too, when the body ends before them or goes on behind the last
 */
export async function contentsIn(body: AsyncIterable<Uint8Array>): Promise<readonly SentContent[]> {
  const pieces = new Pieces(body)
  const told = named.read(parseStrictJson(await pieces.line(limits.sentContentsLineBytes)), 'the first line')
  return told.map(({ path, sizeBytes }, index) => ({
    path,
    sizeBytes,
    content: pieces.take(sizeBytes, index === told.length - 1),
  }))
}

/** The body that `contentsIn` reads. @throws P2PError `file-changed`, and what the contents throw */
export async function* bodyOf(contents: readonly SentContent[]): AsyncGenerator<Uint8Array> {
  const line = JSON.stringify(contents.map(({ path, sizeBytes }) => ({ path, sizeBytes })))
  yield Buffer.from(`${line}\n`)
  for (const sent of contents) yield* whole(sent)
}

/** A stream that is cut anew. */
class Pieces {
  readonly #source: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array()

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  async line(mostBytes: number): Promise<string> {
    const parts: Uint8Array[] = []
    for (let length = 0; ;) {
      const piece = await this.#next()
      const end = piece?.indexOf(newline) ?? -1
      const part = end < 0 ? piece : piece?.subarray(0, end)
      length += part?.length ?? 0
      if (part === undefined) throw usage('The body has no first line.')
      if (length > mostBytes) throw usage(`The first line has more than ${mostBytes} bytes.`)
      parts.push(part)
      if (end < 0) continue
      this.#rest = piece?.subarray(end + 1) ?? this.#rest
      return Buffer.concat(parts).toString('utf8')
    }
  }

  async *take(bytes: number, isLast: boolean): AsyncGenerator<Uint8Array> {
    for (let left = bytes; left > 0;) {
      const piece = await this.#next()
      if (piece === undefined) throw usage('The body ends before the contents that its first line names.')
      const part = piece.subarray(0, left)
      this.#rest = piece.subarray(part.length)
      left -= part.length
      yield part
    }
    if (isLast && (await this.#next()) !== undefined)
      throw usage('The body goes on behind the contents that its first line names.')
  }

  /** Never empty; undefined at the end. */
  async #next(): Promise<Uint8Array | undefined> {
    const rest = this.#rest
    this.#rest = new Uint8Array()
    if (rest.length > 0) return rest
    for (;;) {
      const { done, value } = await this.#source.next()
      if (done === true) return undefined
      if (value.length > 0) return value
    }
  }
}

function usage(message: string): P2PError {
  return new P2PError('usage', message)
}
