import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { TimestampSchema } from '@bufbuild/protobuf/wkt'

import { limits } from '../base/limits.ts'
import { MessageSchema } from './generated/p2p_pb.ts'

/** One chat message as it stands on the wire. */
export interface WireMessage {
  readonly text: string
  /** When it was sent, by the sender's clock; absent when the sender does not say. */
  readonly sentAt: WireTime | undefined
}

/** A point in time as on the wire: whatever was sent, so possibly one that cannot be. See {@link wireTimeToMs}. */
export interface WireTime {
  /** Whole seconds since 1970, negative before. */
  readonly seconds: number
  /** Nanoseconds after that second: 0 to 999,999,999 unless the sender is mistaken. */
  readonly nanos: number
}

export function encodeMessage(message: WireMessage): Uint8Array {
  const { text, sentAt } = message
  const sendTime = sentAt && create(TimestampSchema, { seconds: BigInt(sentAt.seconds), nanos: sentAt.nanos })
  return toBinary(MessageSchema, create(MessageSchema, { message: text, ...(sendTime && { sendTime }) }))
}

export function decodeMessage(bytes: Uint8Array): WireMessage | undefined {
  try {
    const { message, sendTime } = fromBinary(MessageSchema, bytes, { recursionLimit: limits.nestingDepth })
    const sentAt = sendTime && { seconds: Number(sendTime.seconds), nanos: sendTime.nanos }
    return { text: message, sentAt }
  } catch {
    return undefined
  }
}

/** First and last second that protobuf's Timestamp and RFC 3339 can name: the years 1 to 9999. */
const firstSecond = -62_135_596_800
const lastSecond = 253_402_300_799

/** A time in milliseconds since 1970, as the wire carries it. */
export function wireTimeFromMs(ms: number): WireTime {
  const seconds = Math.floor(ms / 1000)
  return { seconds, nanos: Math.floor((ms - seconds * 1000) * 1e6) }
}

/** Whole milliseconds since 1970; undefined for a time outside the years 1 to 9999 or with impossible nanoseconds. */
export function wireTimeToMs(time: WireTime): number | undefined {
  const { seconds, nanos } = time
  if (seconds < firstSecond || seconds > lastSecond || nanos < 0 || nanos > 999_999_999) return undefined
  return seconds * 1000 + Math.floor(nanos / 1e6)
}
