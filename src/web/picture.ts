/** What a picture is by its first bytes, and never by its name: only then a decoder gets to see it (C7). */
import { limits } from '../base/limits.ts'

export interface Picture {
  readonly type: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp'
  readonly width: number
  readonly height: number
}

/** Whether it may be worth fetching; what it is, its bytes tell. */
export function mayBePicture(name: string): boolean {
  return /\.(?:png|jpe?g|gif|webp)$/i.test(name)
}

/** The kind and size of a picture that can be drawn; undefined for anything else, also for SVG and HTML, which are programs. */
export function pictureOf(bytes: Uint8Array): Picture | undefined {
  const picture = pngOf(bytes) ?? gifOf(bytes) ?? jpegOf(bytes) ?? webpOf(bytes)
  if (picture === undefined || picture.width < 1 || picture.height < 1) return undefined
  return picture.width * picture.height <= limits.picturePixels ? picture : undefined
}

function pngOf(bytes: Uint8Array): Picture | undefined {
  if (!hasText(bytes, 0, '\x89PNG\r\n\x1a\n') || !hasText(bytes, 12, 'IHDR') || bytes.length < 24)
    return undefined
  const view = viewOf(bytes)
  return { type: 'image/png', width: view.getUint32(16), height: view.getUint32(20) }
}

/** Decoders make room for a first frame that is larger than the screen which the head declares (GIF89a, 18 to 20): so it counts too. */
function gifOf(bytes: Uint8Array): Picture | undefined {
  if (!(hasText(bytes, 0, 'GIF87a') || hasText(bytes, 0, 'GIF89a')) || bytes.length < 13) return undefined
  const view = viewOf(bytes)
  const frame = gifFrame(bytes)
  if (frame === undefined) return undefined
  const two = (at: number): number => view.getUint16(at, true)
  const width = Math.max(two(6), two(frame + 1) + two(frame + 5))
  const height = Math.max(two(8), two(frame + 3) + two(frame + 7))
  return { type: 'image/gif', width, height }
}

/** Where the first frame is described: behind the table of colours and the extensions. */
function gifFrame(bytes: Uint8Array): number | undefined {
  let at = 13 + gifColours(bytes[10])
  while (bytes[at] === 0x21) {
    at += 2
    while ((bytes[at] ?? 0) > 0) at += 1 + (bytes[at] ?? 0)
    at++
  }
  return bytes[at] === 0x2c && at + 10 <= bytes.length ? at : undefined
}

function gifColours(flags = 0): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1)
}

/**
 * Its size stands in the first start-of-frame segment (ITU T.81, B.1.1.3). Markers without a length, which a decoder passes over, could hide it
 * behind a length that they do not have: no camera writes them there.
 */
function jpegOf(bytes: Uint8Array): Picture | undefined {
  if (!hasText(bytes, 0, '\xff\xd8\xff')) return undefined
  const view = viewOf(bytes)
  for (let at = 2; at + 9 < bytes.length;) {
    const marker = view.getUint16(at)
    const hasLength = marker > 0xff01 && marker < 0xffff && !(marker >= 0xffd0 && marker <= 0xffd9)
    if (!hasLength) return undefined
    const isFrame = marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker)
    if (isFrame) return { type: 'image/jpeg', height: view.getUint16(at + 5), width: view.getUint16(at + 7) }
    at += 2 + Math.max(2, view.getUint16(at + 2))
  }
  return undefined
}

/** Three kinds of first chunk (RFC 9649): lossy, lossless, extended. */
function webpOf(bytes: Uint8Array): Picture | undefined {
  if (!hasText(bytes, 0, 'RIFF') || !hasText(bytes, 8, 'WEBP') || bytes.length < 30) return undefined
  const view = viewOf(bytes)
  const type = 'image/webp'
  if (hasText(bytes, 12, 'VP8 '))
    return { type, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
  if (hasText(bytes, 12, 'VP8L')) {
    const bits = view.getUint32(21, true)
    return { type, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  if (!hasText(bytes, 12, 'VP8X')) return undefined
  const three = (at: number): number => view.getUint16(at, true) | ((bytes[at + 2] ?? 0) << 16)
  return { type, width: three(24) + 1, height: three(27) + 1 }
}

/** Whether there are these bytes, each written as the character with its number. */
function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
