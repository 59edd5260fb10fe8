import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { MessageId } from '../protocol/message-id.ts'
import type { WireMessage, WireTime } from '../protocol/message.ts'
import { fitsUtf8 } from '../protocol/text.ts'

/** The entries of `limits` that long texts are bound by. */
export type PartLimits = Readonly<Record<'textBytes' | 'partBytes' | 'textParts', number>>

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

/** A message of the peer, whole. */
export interface ReceivedMessage {
  readonly id: MessageId
  readonly place: number
  readonly after: number
  readonly text: string
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
  readonly texts: readonly string[]
  readonly bytes: number
}

/** Puts the parts of long messages together: one message at a time, its parts one behind the other. */
export class Joiner {
  readonly #limits: PartLimits
  #unfinished: Unfinished | undefined

  constructor(options: PartLimits = limits) {
    this.#limits = options
  }

  take({ text, sentAt, delivery }: WireMessage): Joined {
    if (delivery === undefined) return violation('message without an ID and a place')
    const { id, place, after, part, parts } = delivery
    const message = { id, place, after, text, sentAt }
    const earlier = this.#unfinished
    if (earlier === undefined && parts === 1) return { kind: 'whole', message }
    if (earlier !== undefined && !isNext(earlier, delivery))
      return violation('parts of a message are mixed up')
    if (earlier === undefined && part !== 0) return violation('message without its beginning')
    if (parts > this.#limits.textParts) return violation('message in too many parts')
    return this.#add(earlier ?? { first: message, parts, texts: [], bytes: 0 }, text)
  }

  #add({ first, parts, texts: earlier, bytes: earlierBytes }: Unfinished, text: string): Joined {
    const texts = [...earlier, text]
    const bytes = earlierBytes + utf8.encode(text).length
    if (bytes > this.#limits.textBytes) return violation('message is too long')
    this.#unfinished = texts.length < parts ? { first, parts, texts, bytes } : undefined
    if (this.#unfinished !== undefined) return { kind: 'unfinished' }
    return { kind: 'whole', message: { ...first, text: texts.join('') } }
  }
}

function isNext({ first, parts, texts }: Unfinished, next: NonNullable<WireMessage['delivery']>): boolean {
  const same = next.id === first.id && next.place === first.place && next.after === first.after
  return same && next.parts === parts && next.part === texts.length
}

function violation(reason: string): Joined {
  return { kind: 'violation', reason }
}
