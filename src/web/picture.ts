/** What a picture is by its first bytes, and never by its name: only then a decoder gets to see it (C7). */

export interface Picture {
  readonly type: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp' | 'image/avif'
  readonly width: number
  readonly height: number
}

/** Bytes of a picture that is fetched for a thumbnail, and for a preview. */
export const thumbnailBytes = 4 * 1024 * 1024
export const previewBytes = 32 * 1024 * 1024
/** A decoder needs four bytes for each: a small file may say that it is gigabytes of picture. */
export const picturePixels = 40_000_000

/** Whether it may be worth fetching; what it is, its bytes tell. */
export function mayBePicture(name: string): boolean {
  return /\.(?:png|jpe?g|gif|webp|avif)$/i.test(name)
}

/** The kind and size of a picture that can be drawn; undefined for anything else, also for SVG and HTML, which are programs. */
export function pictureOf(bytes: Uint8Array): Picture | undefined {
  const picture = pngOf(bytes) ?? gifOf(bytes) ?? jpegOf(bytes) ?? webpOf(bytes) ?? avifOf(bytes)
  if (picture === undefined || picture.width < 1 || picture.height < 1) return undefined
  return picture.width * picture.height <= picturePixels ? picture : undefined
}

function pngOf(bytes: Uint8Array): Picture | undefined {
  if (!hasText(bytes, 0, '\x89PNG\r\n\x1a\n') || !hasText(bytes, 12, 'IHDR') || bytes.length < 24)
    return undefined
  const view = viewOf(bytes)
  return { type: 'image/png', width: view.getUint32(16), height: view.getUint32(20) }
}

function gifOf(bytes: Uint8Array): Picture | undefined {
  if (!(hasText(bytes, 0, 'GIF87a') || hasText(bytes, 0, 'GIF89a')) || bytes.length < 10) return undefined
  const view = viewOf(bytes)
  return { type: 'image/gif', width: view.getUint16(6, true), height: view.getUint16(8, true) }
}

/** Its size stands in the first start-of-frame segment (ITU T.81, B.1.1.3). */
function jpegOf(bytes: Uint8Array): Picture | undefined {
  if (!hasText(bytes, 0, '\xff\xd8\xff')) return undefined
  const view = viewOf(bytes)
  for (let at = 2; at + 9 < bytes.length;) {
    const marker = view.getUint16(at)
    if (marker < 0xff01) return undefined
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

/** Its size stands in boxes called `ispe` (ISO 23008-12); the largest of them is the one of the whole picture. */
function avifOf(bytes: Uint8Array): Picture | undefined {
  if (!hasText(bytes, 4, 'ftypavif') && !hasText(bytes, 4, 'ftypavis')) return undefined
  const view = viewOf(bytes)
  let found: Picture | undefined
  for (let at = 12; at + 16 <= Math.min(bytes.length, 8192); at++) {
    if (!hasText(bytes, at, 'ispe')) continue
    const [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)]
    if (found === undefined || width * height > found.width * found.height)
      found = { type: 'image/avif', width, height }
  }
  return found
}

/** Whether there are these bytes, each written as the character with its number. */
function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
