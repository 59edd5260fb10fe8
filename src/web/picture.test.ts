import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assert as check, constantFrom, property, uint8Array } from 'fast-check'
import { limits } from '../base/limits.ts'
import { mayBePicture, pictureOf } from './picture.ts'

/** Bytes, some of them written as the characters with their numbers. */
function bytes(...parts: readonly (string | readonly number[])[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    Buffer.concat(
      parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
    ),
  )
}

const png = (width: number, height: number): Uint8Array => {
  const made = bytes('\x89PNG\r\n\x1a\n', [0, 0, 0, 13], 'IHDR', Array<number>(17).fill(0))
  const view = new DataView(made.buffer)
  view.setUint32(16, width)
  view.setUint32(20, height)
  return made
}

const two = (value = 0): readonly number[] => [value & 255, value >> 8]

/** With two colours, an extension, and one frame. */
function gif({
  screen,
  frame,
}: {
  readonly screen: readonly number[]
  readonly frame: readonly number[]
}): Uint8Array {
  return bytes(
    'GIF89a',
    [...two(screen[0]), ...two(screen[1]), 0x80, 0, 0],
    Array<number>(6).fill(0),
    [0x21, 0xf9, 4, 0, 0, 0, 0, 0],
    [0x2c, 0, 0, 0, 0, ...two(frame[0]), ...two(frame[1]), 0],
  )
}

test('pictures are known by their bytes', () => {
  assert.deepEqual(pictureOf(png(640, 480)), { type: 'image/png', width: 640, height: 480 })
  assert.deepEqual(pictureOf(gif({ screen: [320, 240], frame: [320, 240] })), {
    type: 'image/gif',
    width: 320,
    height: 240,
  })
  // An APP0 segment, then the frame.
  const jpeg = bytes(
    '\xff\xd8\xff\xe0',
    [0, 4, 1, 2],
    '\xff\xc2',
    [0, 17, 8, 0, 90, 0, 160, 3],
    Array<number>(20).fill(0),
  )
  assert.deepEqual(pictureOf(jpeg), { type: 'image/jpeg', width: 160, height: 90 })
  const lossy = bytes(
    'RIFF',
    [0, 0, 0, 0],
    'WEBPVP8 ',
    [0, 0, 0, 0, 0, 0, 0, 0x9d, 1, 0x2a, 100, 0, 50, 0, 0],
  )
  assert.deepEqual(pictureOf(lossy), { type: 'image/webp', width: 100, height: 50 })
  const bits = (99 | (49 << 14)) >>> 0
  const lossless = bytes(
    'RIFF',
    [0, 0, 0, 0],
    'WEBPVP8L',
    [0, 0, 0, 0, 0x2f],
    [bits & 255, (bits >> 8) & 255, (bits >> 16) & 255, bits >>> 24],
    [0, 0, 0, 0, 0, 0],
  )
  assert.deepEqual(pictureOf(lossless), { type: 'image/webp', width: 100, height: 50 })
  const extended = bytes('RIFF', [0, 0, 0, 0], 'WEBPVP8X', [10, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 49, 0, 0])
  assert.deepEqual(pictureOf(extended), { type: 'image/webp', width: 100, height: 50 })
})

test('what is a program, a name, or a bomb is no picture', () => {
  for (const text of [
    '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    '<?xml version="1.0"?><svg/>',
    '<!doctype html><script>alert(1)</script>',
    '%PDF-1.7',
    '',
  ])
    assert.equal(pictureOf(new TextEncoder().encode(text)), undefined)
  assert.equal(pictureOf(png(100_000, 100_000)), undefined)
  assert.equal(pictureOf(png(0, 5)), undefined)
  assert.ok(pictureOf(png(limits.picturePixels, 1)))
  assert.equal(pictureOf(png(limits.picturePixels, 2)), undefined)
  assert.ok(mayBePicture('a/b.JPEG'))
  assert.ok(!mayBePicture('a.svg') && !mayBePicture('a.html') && !mayBePicture('png'))
})

test('C7: the size that a decoder makes room for is not hidden from the look', () => {
  const small = [0xff, 0xc0, 0, 17, 8, 0, 64, 0, 64, 3]
  const bomb = [0xff, 0xc2, 0, 17, 8, 0x3e, 0x80, 0x75, 0x30, 3]
  const padding = Array<number>(0xc3_00).fill(0)
  // A byte of filling before a marker; markers that have no length. A decoder sees the bomb, and what jumps over it the small one.
  for (const marker of [[0xff], [0xff, 0x01], [0xff, 0xd0], [0xff, 0xd7]]) {
    const hidden = bytes('\xff\xd8', marker, bomb, padding, small, Array<number>(20).fill(0))
    assert.equal(pictureOf(hidden), undefined, String(marker))
  }
  assert.equal(pictureOf(gif({ screen: [64, 64], frame: [30_000, 16_000] })), undefined)
  // Of a kind whose decoders find their size where no look does.
  const avif = bytes([0, 0, 0, 28], 'ftypavif', [0, 0, 0, 0], 'ispe', [0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 32])
  assert.equal(pictureOf(avif), undefined)
  assert.ok(!mayBePicture('a.avif'))
})

test('no bytes break the look at them', () => {
  const heads = [
    '\x89PNG\r\n\x1a\n\0\0\0\rIHDR',
    'GIF89a',
    '\xff\xd8\xff',
    'RIFF0000WEBPVP8X',
    'RIFF0000WEBPVP8 ',
  ]
  check(
    property(constantFrom(...heads), uint8Array({ maxLength: 300 }), (head, rest) => {
      const found = pictureOf(bytes(head, [...rest]))
      assert.ok(found === undefined || found.width * found.height <= limits.picturePixels)
    }),
  )
})
