import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { MessageId } from '../protocol/message-id.ts'
import type { MessageContent, WireMessage, WireTime } from '../protocol/message.ts'
import { fitsUtf8 } from '../protocol/text.ts'

/** The entries of `limits` that long texts are bound by. */
export type PartLimits = Readonly<Record<'textBytes' | 'partBytes' | 'textParts' | 'offerBytes', number>>

const utf8 = new TextEncoder()

/**
 * The parts in which a text travels between our peers: one for most texts, else each as long as `limits.partBytes` allows, cut
 * between code points.
 *
 * @throws P2PError `message-too-long` beyond `limits.textBytes`
 */
export function splitText(text: string, options: PartLimits = limits): readonly string[] {
  const { textBytes, partBytes } = options
  if (!fitsUtf8(text, textBytes)) {
    throw new P2PError(
      'message-too-long',
      `A text of ${text.length} characters has more than the ${textBytes} bytes of a message. Send it in pieces.`,
    )
  }
  if (fitsUtf8(text, partBytes)) return [text]
  const room = new Uint8Array(partBytes)
  const parts: string[] = []
  for (let rest = text; rest !== '';) {
    const { read } = utf8.encodeInto(rest, room)
    parts.push(rest.slice(0, read))
    rest = rest.slice(read)
  }
  return parts
}

/** What a message says: a text, or a content and no text. */
export type MessageBody = Pick<WireMessage, 'text' | 'content'>

/**
 * The parts in which a message travels between our peers; see {@link splitText}. A content is cut into parts of `limits.partBytes`.
 *
 * @throws P2PError `message-too-long` beyond `limits.textBytes`, or `limits.offerBytes` of content
 */
export function splitMessage(body: MessageBody, options: PartLimits = limits): readonly MessageBody[] {
  const { text, content } = body
  if (content === undefined) return splitText(text, options).map((part) => ({ text: part }))
  const { kind, bytes } = content
  if (bytes.length > options.offerBytes) {
    throw new P2PError(
      'message-too-long',
      `An offer of ${bytes.length} bytes is longer than ${options.offerBytes}. Offer fewer files, or a folder of them.`,
    )
  }
  const count = Math.max(1, Math.ceil(bytes.length / options.partBytes))
  return Array.from({ length: count }, (_, part) => {
    const start = part * options.partBytes
    return { text: '', content: { kind, bytes: bytes.subarray(start, start + options.partBytes) } }
  })
}

/** A message of the peer, whole. */
export interface ReceivedMessage {
  readonly id: MessageId
  readonly place: number
  readonly after: number
  readonly text: string
  readonly content?: MessageContent
  readonly sentAt: WireTime | undefined
}

/** What one frame's message made: nothing yet, a whole one, or a breach of the rules, in words. */
export type Joined =
  | { readonly kind: 'unfinished' }
  | { readonly kind: 'whole'; readonly message: ReceivedMessage }
  | { readonly kind: 'violation'; readonly reason: string }

interface Unfinished {
  readonly first: ReceivedMessage
  readonly parts: number
  readonly bodies: readonly MessageBody[]
  readonly textBytes: number
  readonly contentBytes: number
}

/** Puts the parts of long messages together: one message at a time, its parts one behind the other. */
export class Joiner {
  readonly #limits: PartLimits
  #unfinished: Unfinished | undefined

  constructor(options: PartLimits = limits) {
    this.#limits = options
  }

  take({ text, sentAt, delivery, content }: WireMessage): Joined {
    if (delivery === undefined) return violation('message without an ID and a place')
    const { id, place, after, part, parts } = delivery
    const body = content === undefined ? { text } : { text, content }
    const message = { id, place, after, ...body, sentAt }
    const earlier = this.#unfinished
    if (earlier === undefined && parts === 1) return this.#whole(message)
    if (earlier !== undefined && !isNext(earlier, delivery, content))
      return violation('parts of a message are mixed up')
    if (earlier === undefined && part !== 0) return violation('message without its beginning')
    if (parts > this.#limits.textParts) return violation('message in too many parts')
    return this.#add(earlier ?? { first: message, parts, bodies: [], textBytes: 0, contentBytes: 0 }, body)
  }

  #whole(message: ReceivedMessage): Joined {
    const contentBytes = message.content?.bytes.length ?? 0
    return contentBytes > this.#limits.offerBytes ? tooLong : { kind: 'whole', message }
  }

  #add(earlier: Unfinished, body: MessageBody): Joined {
    const { first, parts } = earlier
    const bodies = [...earlier.bodies, body]
    const textBytes = earlier.textBytes + utf8.encode(body.text).length
    const contentBytes = earlier.contentBytes + (body.content?.bytes.length ?? 0)
    if (textBytes > this.#limits.textBytes || contentBytes > this.#limits.offerBytes) return tooLong
    const finished = bodies.length === parts
    this.#unfinished = finished ? undefined : { first, parts, bodies, textBytes, contentBytes }
    return finished ? { kind: 'whole', message: join(first, bodies) } : { kind: 'unfinished' }
  }
}

const tooLong: Joined = { kind: 'violation', reason: 'message is too long' }

function join(first: ReceivedMessage, bodies: readonly MessageBody[]): ReceivedMessage {
  const text = bodies.map((body) => body.text).join('')
  const { content } = first
  if (content === undefined) return { ...first, text }
  const bytes = new Uint8Array(bodies.reduce((sum, body) => sum + (body.content?.bytes.length ?? 0), 0))
  let at = 0
  for (const body of bodies) {
    bytes.set(body.content?.bytes ?? noBytes, at)
    at += body.content?.bytes.length ?? 0
  }
  return { ...first, text, content: { kind: content.kind, bytes } }
}

const noBytes = new Uint8Array()

function isNext(
  { first, parts, bodies }: Unfinished,
  next: NonNullable<WireMessage['delivery']>,
  content: MessageContent | undefined,
): boolean {
  const same = next.id === first.id && next.place === first.place && next.after === first.after
  const inOrder = next.parts === parts && next.part === bodies.length
  return same && inOrder && content?.kind === first.content?.kind
}

function violation(reason: string): Joined {
  return { kind: 'violation', reason }
}
