import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import * as fc from 'fast-check'

import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Announcement } from './announcement.ts'
import { KnownPeersSchema } from './generated/p2p_pb.ts'
import { peerIdFromDigest } from './peer-id.ts'
import { decodePeerList, encodePeerList } from './peer-list.ts'

/** The reference reads head and body at once, into a buffer of this size (H11). */
const referenceBufferBytes = 4000

/** Peers whose entry in a list has 40 bytes, like most of the reference's. */
function peers(count: number): readonly Announcement[] {
  return Array.from({ length: count }, (_, i) => ({
    id: peerIdFromDigest(Uint8Array.from({ length: 16 }, (_byte, at) => (at === 0 ? i >> 8 : i))),
    port: 8001,
    files: new Map(),
    ip: '192.168.1.23',
    isPublicIp: false,
    upgrade: undefined,
  }))
}

function list(...entries: readonly string[]): Uint8Array {
  const framed = entries.map((hex) => `0a${(hex.length / 2).toString(16).padStart(2, '0')}${hex}`)
  return Uint8Array.from(Buffer.from(framed.join(''), 'hex'))
}

const good = `0a120a10${'ab'.repeat(16)}10c13e`

test('H11: 94 entries of the usual size fit, and never more than the reference reads', () => {
  const body = encodePeerList(peers(94))
  assert.equal(fromBinary(KnownPeersSchema, body).peers.length, 94)
  const full = encodePeerList(peers(5000))
  assert.ok(full.length <= limits.peerListBytes && full.length > limits.peerListBytes - 41)
})

test('H11, twin: without the limit the list is longer than the reference can read', () => {
  assert.ok(encodePeerList(peers(5000), 1024 * 1024).length > referenceBufferBytes)
})

test('H10: a list tells ID, port and address, and nothing else', () => {
  const files = new Map([['secret.txt', 'x']])
  const upgrade = {
    protocol: 1,
    key: new Uint8Array(32),
    instance: 1n,
    capabilities: 1,
    name: 'secret',
    leaving: true,
    wantsAnswer: true,
  }
  const [plain] = peers(1)
  assert.ok(plain)
  assert.deepEqual(decodePeerList(encodePeerList([{ ...plain, files, upgrade }])), [plain])
})

test('H11: every entry of a list has an ID of 16 bytes', () => {
  const [plain] = peers(1)
  assert.ok(plain)
  assert.throws(
    () => encodePeerList([{ ...plain, id: '' as typeof plain.id }]),
    (error) => isP2PError(error, 'internal'),
  )
  const lists = fc.array(fc.uint8Array({ minLength: 16, maxLength: 16 }).map(peerIdFromDigest), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(lists, fc.nat(limits.peerListBytes), (ids, maxBytes) => {
      const body = encodePeerList(
        ids.map((id) => ({ ...plain, id })),
        maxBytes,
      )
      assert.ok(body.length <= maxBytes)
      const written = fromBinary(KnownPeersSchema, body).peers
      assert.ok(written.every((peer) => peer.ID?.value.length === 16))
      const room = Math.floor(maxBytes / (body.length / Math.max(written.length, 1) || 1))
      assert.equal(written.length, written.length === 0 ? 0 : Math.min(ids.length, room))
    }),
  )
})

test('an empty list is no bytes, both ways', () => {
  assert.equal(encodePeerList([]).length, 0)
  assert.deepEqual(decodePeerList(new Uint8Array(0)), [])
})

test('H12: entries that are no peers are left out', () => {
  const body = list(good, '', '10c13e', '0a00', `0a120a10${'00'.repeat(16)}10c13e`, good.slice(0, -6), good)
  assert.equal(fromBinary(KnownPeersSchema, body).peers.length, 7, 'twin: the library keeps them all')
  assert.deepEqual(
    decodePeerList(body)?.map(({ port }) => port),
    [8001, 8001],
  )
})

test('H12: of 5,000 entries the first 64 are kept', () => {
  const body = encodePeerList(peers(5000), 1024 * 1024)
  assert.deepEqual(decodePeerList(body), peers(limits.fetchedPeers))
  assert.equal(fromBinary(KnownPeersSchema, body).peers.length, 5000, 'twin: the library keeps them all')
})

test('H12: bytes that are no list are told from an empty one', () => {
  for (const hex of [
    'ff',
    '0a',
    '0a05',
    '0affffffff0f',
    '00',
    '0b0b0b',
    '0b'.repeat(60_000),
    `0a0210ff${good}`,
  ]) {
    assert.equal(decodePeerList(Uint8Array.from(Buffer.from(hex, 'hex'))), undefined, hex.slice(0, 20))
  }
  assert.deepEqual(decodePeerList(Uint8Array.of(0x12, 0x01, 0xff)), [], 'an unknown field is passed over')
})

test('ours come first, with their files, whatever room the others have', () => {
  const files = new Map(
    Array.from({ length: limits.filesEntries }, (_, at) => [
      `${at}`.padStart(limits.filesEntryBytes, 'n'),
      'x'.repeat(limits.filesEntryBytes),
    ]),
  )
  const own = { ...peers(1)[0]!, files }
  const others = peers(94)
  const read = decodePeerList(encodePeerList(others, limits.peerListBytes, own))
  assert.deepEqual(read, [own, ...others].slice(0, limits.fetchedPeers))
})

test('U11: of our files only as many are told as are read, and odd names do no harm', () => {
  const odd = new Map([
    ['__proto__', 'sha256-tree:00'],
    ['constructor', 'x'],
    ['n'.repeat(limits.filesEntryBytes + 1), 'x'],
  ])
  const own = { ...peers(1)[0]!, files: odd }
  const [read] = decodePeerList(encodePeerList([], 0, own)) ?? []
  assert.deepEqual(
    [...(read?.files ?? [])],
    [
      ['__proto__', 'sha256-tree:00'],
      ['constructor', 'x'],
    ],
  )
  const many = new Map(Array.from({ length: limits.filesEntries + 5 }, (_, at) => [`${at}`, 'x']))
  assert.equal(
    decodePeerList(encodePeerList([], 0, { ...own, files: many }))?.[0]?.files.size,
    limits.filesEntries,
  )
})
