import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import * as fc from 'fast-check'

import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import {
  decodeAnnouncement,
  encodeAnnouncement,
  pairingCapability,
  usableIp,
  type Announcement,
} from './announcement.ts'
import { PeerSchema } from './generated/p2p_pb.ts'
import { parsePeerId, peerIdFromDigest, peerIdToBytes } from './peer-id.ts'

const id = parsePeerId('b13dbf52-029d-4ca9-83b0-e9ae18aef35f')!
const plain: Announcement = {
  id,
  port: 8001,
  files: new Map(),
  ip: undefined,
  isPublicIp: false,
  upgrade: undefined,
}
const key = new Uint8Array(32).fill(3)
const upgrade = {
  protocol: 1,
  key,
  instance: 7n,
  capabilities: pairingCapability,
  name: 'kitchen',
  leaving: false,
  wantsAnswer: true,
}
const emptyUpgrade = {
  protocol: 0,
  key: undefined,
  instance: 0n,
  capabilities: 0,
  name: '',
  leaving: false,
  wantsAnswer: false,
}

/** `Peer` fields in hexadecimal, to be joined to what an attacker sends. */
const wire = {
  id: `0a120a10${id.replaceAll('-', '')}`,
  port: '10c13e',
  noIp: '22053c6e696c3e',
} as const

function decodeHex(...parts: readonly string[]): Announcement | undefined {
  return decodeAnnouncement(bytesOf(...parts))
}

function bytesOf(...parts: readonly string[]): Uint8Array {
  return Uint8Array.from(Buffer.from(parts.join(''), 'hex'))
}

/** Tag and length before `content`. */
function field(tag: string, content: string | Uint8Array): string {
  const bytes = Buffer.from(content)
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7]
  return tag + Buffer.from(length).toString('hex') + bytes.toString('hex')
}

const file = (path: string, fileId: string): string =>
  field('1a', Buffer.from(field('0a', path) + field('12', fileId), 'hex'))

/** An announcement with groups inside groups. */
function nested(depth: number): Announcement | undefined {
  return decodeHex(wire.id, '3b'.repeat(depth), '3c'.repeat(depth), wire.port)
}

/** An announcement of `length` bytes, most of them in an unknown field. */
function padded(length: number): Uint8Array {
  const head = wire.id + wire.port
  const rest = length - head.length / 2 - 2
  return bytesOf(head, field('7a', 'x'.repeat(rest < 128 ? rest : rest - 1)))
}

/** An announcement of `count` files of 46 bytes each. */
function withFiles(count: number): Announcement {
  const entries = Array.from({ length: count }, (_, i) => [`${i}`.padStart(20), 'x'.repeat(20)] as const)
  return { ...plain, files: new Map(entries) }
}

const withoutId = [
  ['an empty datagram', ''],
  ['a port alone', '10c13e'],
  ['an empty ID', '0a00'],
  ['an ID of 15 bytes', `0a110a0f${'11'.repeat(15)}`],
  ['an ID of 15 bytes and a port', `0a110a0f${'11'.repeat(15)}${wire.port}`],
  ['an ID without bytes and a port', `0a020a00${wire.port}`],
] as const

test('U1, U2: no peer without an ID of 16 bytes is believed', () => {
  for (const [what, hex] of withoutId) assert.equal(decodeHex(hex), undefined, what)
})

test('U1, U2, twin: the library takes them all, and hands on what ends the reference', () => {
  for (const [what, hex] of withoutId) {
    assert.notEqual(fromBinary(PeerSchema, bytesOf(hex)).ID?.value.length, 16, what)
  }
})

test('U2: whatever we announce has exactly 16 bytes of ID', () => {
  fc.assert(
    fc.property(announcements(), (announcement) => {
      const bytes = encodeAnnouncement(announcement)
      assert.deepEqual(fromBinary(PeerSchema, bytes).ID?.value, peerIdToBytes(announcement.id))
    }),
    { numRuns: 1000 },
  )
})

test('U2: what has no valid ID or port is not announced', () => {
  const ids = [
    '',
    'x',
    id.slice(1),
    id.toUpperCase(),
    id.replaceAll('-', ''),
    '00000000-0000-0000-0000-000000000000',
  ]
  for (const bad of ids) {
    assert.throws(
      () => encodeAnnouncement({ ...plain, id: bad as typeof id }),
      (error) => isP2PError(error, 'internal'),
      bad,
    )
  }
  for (const port of [0, -1, 65_536, 1.5, Number.NaN]) {
    assert.throws(
      () => encodeAnnouncement({ ...plain, port }),
      (error) => isP2PError(error, 'internal'),
      String(port),
    )
  }
})

test('U2, twin: the library announces a peer without an ID when it is told to', () => {
  const bytes = toBinary(PeerSchema, create(PeerSchema, { ID: { value: new Uint8Array(0) }, port: 8001 }))
  assert.ok(bytes.length > 0)
  assert.equal(fromBinary(PeerSchema, bytes).ID?.value.length, 0)
})

test('U3: an ID of 17 bytes is dropped, not cut', () => {
  assert.equal(decodeHex(`0a130a11${'11'.repeat(17)}`, wire.port), undefined)
})

test('U4: an ID of only 0 or only 255 is dropped', () => {
  assert.equal(decodeHex(`0a120a10${'00'.repeat(16)}`, wire.port), undefined)
  assert.equal(decodeHex(`0a120a10${'ff'.repeat(16)}`, wire.port), undefined)
})

test('U5: what comes twice is the last, or merged, as the reference has it', () => {
  const other = `0a120a10${'22'.repeat(16)}`
  assert.equal(decodeHex(other, wire.id, wire.port)?.id, id)
  assert.equal(decodeHex(wire.id, '0a00', wire.port)?.id, id, 'an empty message changes nothing')
  assert.equal(decodeHex(wire.id, '0a020a00', wire.port), undefined, 'empty bytes replace the earlier ones')
  assert.equal(decodeHex(wire.id, '1001', wire.port)?.port, 8001)
  assert.equal(decodeHex(wire.id, wire.port, field('22', '1.1.1.1'), field('22', '2.2.2.2'))?.ip, '2.2.2.2')
  assert.equal(decodeHex(wire.id, wire.port, '2801', '2800')?.isPublicIp, false)
  const files = decodeHex(wire.id, wire.port, file('a', '1'), file('b', '2'), file('a', '3'))?.files
  assert.deepEqual(
    [...(files ?? [])],
    [
      ['a', '3'],
      ['b', '2'],
    ],
  )
  const parts = decodeHex(wire.id, wire.port, 'ca3e020801', 'ca3e09190700000000000000', 'ca3e023001')?.upgrade
  assert.deepEqual(parts, { ...emptyUpgrade, protocol: 1, instance: 7n, leaving: true })
})

test('U5: a known field of another wire type is unknown, as the reference has it', () => {
  assert.equal(decodeHex(wire.id, wire.port, '1204c13e0000')?.port, 8001)
  assert.equal(decodeHex(wire.id, wire.port, '0800', '2001', '1d00000000')?.id, id)
  assert.equal(decodeHex(wire.id, wire.port, '1200')?.port, 8001)
  assert.equal(fromBinary(PeerSchema, bytesOf(wire.id, wire.port, '1200')).port, 0, 'our library differs')
})

test('U6: only ports from 1 to 65535 are believed', () => {
  for (const varint of [
    '00',
    'ffffffffffffffffff01',
    'f0a204',
    '808004',
    'ffffffff07',
    '80808080f8ffffffff01',
  ]) {
    assert.equal(decodeHex(wire.id, `10${varint}`), undefined, varint)
  }
  assert.equal(decodeHex(wire.id), undefined)
  assert.equal(decodeHex(wire.id, '1001')?.port, 1)
  assert.equal(decodeHex(wire.id, '10ffff03')?.port, 65_535)
})

test('U7: bytes that are no message are dropped', () => {
  const broken = [
    '00',
    '10',
    '0affffffff0f',
    `10${'80'.repeat(10)}01`,
    `10${'ff'.repeat(9)}02`,
    '8301'.repeat(500),
    '0f',
    '0c',
    '1204c13e0000',
    '0a120a11',
    '0a05',
    'fd',
    `${wire.id}${wire.port}3b34`,
    `${wire.id}${wire.port}3b`,
    `${wire.id}${wire.port}0a030a0511`,
    `${wire.id}${wire.port}4100`,
    `${wire.id}${wire.port}4d00`,
    `${wire.id}${wire.port}07`,
  ]
  for (const hex of broken) assert.equal(decodeHex(hex), undefined, hex.slice(0, 60))
})

test('U7: groups are followed to the limit and not beyond', () => {
  assert.equal(nested(limits.nestingDepth - 1)?.port, 8001)
  assert.equal(nested(limits.nestingDepth), undefined)
  assert.equal(nested(450), undefined)
})

test('U8: an address that is not UTF-8 is dropped', () => {
  for (const hex of ['2202ff41', '2203eda080', '2202c0af']) {
    assert.equal(decodeHex(wire.id, wire.port, hex), undefined, hex)
  }
})

test('U9: the text <nil> is no address', () => {
  const announcement = decodeHex(wire.id, wire.port, wire.noIp)
  assert.deepEqual(announcement, plain)
  assert.deepEqual(Buffer.from(encodeAnnouncement(plain)).toString('hex'), wire.id + wire.port + wire.noIp)
  assert.equal(decodeHex(wire.id, wire.port, '2200')?.ip, undefined)
  assert.equal(decodeHex(wire.id, wire.port)?.ip, undefined)
})

test('U9, twin: without that rule the address of most reference peers is <nil>', () => {
  assert.equal(fromBinary(PeerSchema, bytesOf(wire.id, wire.port, wire.noIp)).IP, '<nil>')
})

const inward = [
  '127.0.0.1',
  '0.0.0.0',
  '::1',
  '::ffff:127.0.0.1',
  '169.254.169.254',
  '224.0.0.251',
  '255.255.255.255',
  '192.168.1.1:80',
  '0x7f.1',
  '010.0.0.1',
  '2130706433',
  'fe80::1%eth0',
  'localhost',
  'evil.example',
]

test('U10: a claimed address is used only when it may be dialled and the flag is set', () => {
  for (const ip of [...inward, '9'.repeat(900)]) {
    const announcement = decodeHex(wire.id, wire.port, field('22', ip), '2801')
    assert.ok(announcement, 'the announcement itself counts, with the address it came from')
    assert.equal(usableIp(announcement), undefined, ip.slice(0, 40))
  }
  const claimed = { ...plain, ip: '88.88.88.88' }
  assert.equal(usableIp({ ...claimed, isPublicIp: true }), '88.88.88.88')
  assert.equal(usableIp({ ...claimed, isPublicIp: false }), undefined)
  assert.equal(usableIp({ ...plain, isPublicIp: true }), undefined)
})

test('U10, twin: the claim as it was decoded would be dialled or looked up', () => {
  for (const ip of inward) {
    assert.equal(decodeHex(wire.id, wire.port, field('22', ip), '2801')?.ip, ip)
  }
})

test('U10: a claim that is longer than any address is not kept', () => {
  assert.equal(decodeHex(wire.id, wire.port, field('22', '9'.repeat(65)))?.ip, undefined)
})

test('U11: files are bounded, and no path of theirs touches an object', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '']
  const files = decodeHex(wire.id, wire.port, ...names.map((name) => file(name, 'x')))?.files
  assert.deepEqual([...(files?.keys() ?? [])], names)
  assert.equal(({} as { x?: unknown }).x, undefined)
  assert.equal(Object.hasOwn(Object.prototype, 'x'), false)
  assert.match(inspect(files), /toString/)

  const sixty = Array.from({ length: 60 }, (_, i) => file(`${i}`, 'x'))
  assert.equal(decodeHex(wire.id, wire.port, ...sixty)?.files.size, limits.filesEntries)
  const replaced = decodeHex(wire.id, wire.port, ...sixty, file('0', 'y'))?.files
  assert.equal(replaced?.get('0'), 'y')

  const long = 'é'.repeat(limits.filesEntryBytes / 2)
  assert.deepEqual([...(decodeHex(wire.id, wire.port, file(long, long))?.files ?? [])], [[long, long]])
  assert.equal(decodeHex(wire.id, wire.port, file('long', 'x'.repeat(900)))?.files.size, 0)
  assert.equal(decodeHex(wire.id, wire.port, file(`${long}x`, ''))?.files.size, 0)
})

test('U12: 1,024 bytes are read and 1,025 are not', () => {
  assert.equal(padded(1024).length, 1024)
  for (const length of [100, 1023, 1024])
    assert.equal(decodeAnnouncement(padded(length))?.id, id, `${length}`)
  for (const length of [1025, 1472, 8192])
    assert.equal(decodeAnnouncement(padded(length)), undefined, `${length}`)
  assert.equal(fromBinary(PeerSchema, padded(8192)).port, 8001, 'it is the length that is refused')
})

test('U12: an announcement that would not fit into the reference is not made', () => {
  assert.ok(encodeAnnouncement(withFiles(20)).length <= limits.datagramBytes)
  for (const count of [22, 23, 32, 60]) {
    assert.throws(
      () => encodeAnnouncement(withFiles(count)),
      (error) => isP2PError(error, 'message-too-long'),
      `${count} files`,
    )
  }
  const ip = 'x'.repeat(2000)
  assert.throws(
    () => encodeAnnouncement({ ...plain, ip }),
    (error) => isP2PError(error, 'message-too-long'),
  )
})

test('U12: an announcement fits whole or not at all, to the byte', () => {
  const sizes = Array.from({ length: 20 }, (_, i) => {
    const announcement = { ...plain, ip: 'x'.repeat(980 + i), isPublicIp: true }
    try {
      return encodeAnnouncement(announcement).length
    } catch {
      return undefined
    }
  })
  const first = sizes[0] ?? 0
  assert.deepEqual(
    sizes,
    sizes.map((_, i) => (first + i <= limits.datagramBytes ? first + i : undefined)),
  )
  assert.ok(sizes.includes(limits.datagramBytes) && sizes.includes(undefined))
})

test('U19: our part of an announcement is bounded, and its numbers are exact', () => {
  const hostile = {
    protocol: 2 ** 32 - 1,
    instance: 2n ** 64n - 1n,
    capabilities: 2 ** 32 - 1,
    name: `\u001b[2J\u202e${'é'.repeat(200)}`,
  }
  const bytes = toBinary(
    PeerSchema,
    create(PeerSchema, { ID: { value: peerIdToBytes(id) }, port: 1, upgrade: { ...hostile, leaving: true } }),
  )
  assert.deepEqual(decodeAnnouncement(bytes)?.upgrade, {
    protocol: 4_294_967_295,
    key: undefined,
    instance: 18_446_744_073_709_551_615n,
    capabilities: 4_294_967_295,
    name: `[2J${'é'.repeat(30)}`,
    leaving: true,
    wantsAnswer: false,
  })
})

/** An announcement with keys of these lengths, in this order. */
function withKeys(...lengths: readonly number[]): Announcement | undefined {
  const keys = lengths.map((length) => field('12', new Uint8Array(length).fill(3))).join('')
  return decodeHex(wire.id, wire.port, field('ca3e', Buffer.from(keys, 'hex')))
}

test('U17: a key of any other length than 32 bytes is none', () => {
  assert.deepEqual(withKeys(32)?.upgrade?.key, key)
  for (const length of [0, 1, 31, 33, 64])
    assert.equal(withKeys(length)?.upgrade?.key, undefined, `${length}`)
  assert.equal(withKeys(32, 0)?.upgrade?.key, undefined, 'the last one counts')
})

test('U17, twin: the library hands on keys of any length', () => {
  const bytes = toBinary(
    PeerSchema,
    create(PeerSchema, {
      ID: { value: peerIdToBytes(id) },
      port: 1,
      upgrade: { publicKey: new Uint8Array(31) },
    }),
  )
  assert.equal(fromBinary(PeerSchema, bytes).upgrade?.publicKey.length, 31)
})

test('a key outlives the bytes that it came in', () => {
  const bytes = encodeAnnouncement({ ...plain, upgrade })
  const decoded = decodeAnnouncement(bytes)?.upgrade?.key
  bytes.fill(0)
  assert.deepEqual(decoded, key)
})

test('our part is there only when it was sent', () => {
  assert.equal(decodeHex(wire.id, wire.port)?.upgrade, undefined)
  assert.deepEqual(decodeHex(wire.id, wire.port, 'ca3e00')?.upgrade, emptyUpgrade)
  assert.deepEqual(decodeAnnouncement(encodeAnnouncement({ ...plain, upgrade }))?.upgrade, upgrade)
})

test('our own announcements, with a name of any kind, stay below the target', () => {
  const full = { ...plain, ip: '2001:db8:1111:2222:3333:4444:5555:6666', isPublicIp: true }
  const bytes = encodeAnnouncement({ ...full, upgrade: { ...upgrade, name: '😀'.repeat(99), leaving: true } })
  assert.ok(bytes.length <= limits.announcementBytes, `${bytes.length} bytes`)
})

test('what is announced is what is decoded', () => {
  fc.assert(
    fc.property(announcements(), (announcement) => {
      assert.deepEqual(decodeAnnouncement(encodeAnnouncement(announcement)), announcement)
    }),
    { numRuns: 1000 },
  )
})

/** Announcements that fit, as they come out of the decoder. */
function announcements(): fc.Arbitrary<Announcement> {
  const text = fc.string({ unit: 'grapheme', maxLength: 10 })
  return fc.record(
    {
      id: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(peerIdFromDigest),
      port: fc.integer({ min: 1, max: 65_535 }),
      files: fc.array(fc.tuple(text, text), { maxLength: 5 }).map((entries) => new Map(entries)),
      ip: fc.option(fc.oneof(fc.ipV4(), fc.ipV6()), { nil: undefined }),
      isPublicIp: fc.boolean(),
      upgrade: fc.option(
        fc.record(
          {
            protocol: fc.nat(2 ** 31 - 1),
            key: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }), { nil: undefined }),
            instance: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
            capabilities: fc.nat(2 ** 32 - 1),
            name: fc.stringMatching(/^[a-zа-я]{0,20}$/),
            leaving: fc.boolean(),
            wantsAnswer: fc.boolean(),
          },
          { noNullPrototype: true },
        ),
        { nil: undefined },
      ),
    },
    { noNullPrototype: true },
  )
}
