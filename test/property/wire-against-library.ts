/** The codecs written by hand are held to the library, in both directions (docs/decisions/0002). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import * as fc from 'fast-check'

import { limits } from '../../src/base/limits.ts'
import {
  decodeAnnouncement,
  encodeAnnouncement,
  type Announcement,
  type Upgrade,
} from '../../src/protocol/announcement.ts'
import {
  KnownPeersSchema,
  MessageSchema,
  PeerSchema,
  type Peer,
  type Upgrade as WireUpgrade,
} from '../../src/protocol/generated/p2p_pb.ts'
import { decodeMessage, encodeMessage, type WireMessage } from '../../src/protocol/message.ts'
import { peerIdFromBytes, peerIdFromDigest, peerIdToBytes } from '../../src/protocol/peer-id.ts'
import { decodePeerList } from '../../src/protocol/peer-list.ts'
import { printableName } from '../../src/protocol/text.ts'
import { compare } from './compare.ts'
import { libraryMessage, messages, wireMessage } from './frame-against-library.ts'
import { announcementBytes, messageBytes, peerListBytes } from './wire-bytes.ts'
import { oracle } from './wire-oracle.ts'

/** Declares the tests, each with `numRuns` inputs. */
export function testAgainstLibrary(numRuns: number): void {
  test('any bytes are the same message to us and to the library, or to neither', () => {
    compare(numRuns, messageBytes, (bytes) => {
      const message = decodeMessage(bytes)
      assert.deepEqual(message, messageOf(bytes))
      return message !== undefined
    })
  })

  test('U5, U7: any bytes are the same announcement to us and to the library, or to neither', () => {
    compare(numRuns, announcementBytes, (bytes) => {
      const announcement = decodeAnnouncement(bytes)
      const peer = oracle(PeerSchema, bytes)
      assert.deepEqual(announcement, peer && announcementOf(peer))
      return announcement !== undefined
    })
  })

  test('any bytes are the same peer list to us and to the library, or to neither', () => {
    compare(numRuns, peerListBytes, (bytes) => {
      const peers = decodePeerList(bytes)
      const list = oracle(KnownPeersSchema, bytes)
      assert.deepEqual(
        peers,
        list?.peers.map(announcementOf).filter((peer) => peer !== undefined),
      )
      return peers !== undefined
    })
  })

  test('any message becomes the same bytes as in the library', () => {
    fc.assert(
      fc.property(messages(), (message) => {
        assert.deepEqual(Buffer.from(encodeMessage(message)), Buffer.from(libraryMessage(message)))
      }),
      { numRuns },
    )
  })

  test('any announcement becomes the same bytes as in the library', () => {
    fc.assert(
      fc.property(announcements(), (announcement) => {
        assert.deepEqual(
          Buffer.from(encodeAnnouncement(announcement)),
          Buffer.from(libraryPeer(announcement)),
        )
      }),
      { numRuns: numRuns / 10 },
    )
  })
}

function messageOf(bytes: Uint8Array): WireMessage | undefined {
  const decoded = oracle(MessageSchema, bytes)
  return decoded && wireMessage(decoded)
}

function announcementOf(peer: Peer): Announcement | undefined {
  const id = peer.ID && peerIdFromBytes(peer.ID.value)
  if (id === undefined || peer.port < 1 || peer.port > 65_535) return undefined
  return {
    id,
    port: peer.port,
    files: new Map(Object.entries(peer.files)),
    ip: peer.IP === '' || peer.IP === '<nil>' ? undefined : peer.IP,
    isPublicIp: peer.isPublicIp,
    upgrade: peer.upgrade && upgradeOf(peer.upgrade),
  }
}

function upgradeOf(wire: WireUpgrade): Upgrade {
  const { protocol, publicKey, instance, capabilities, name, leaving, wantsAnswer } = wire
  const key = publicKey.length === 32 ? Uint8Array.from(publicKey) : undefined
  const printable = printableName(name, limits.nameBytes)
  return { protocol, key, instance, capabilities, name: printable, leaving, wantsAnswer }
}

function libraryPeer(announcement: Announcement): Uint8Array {
  const { id, port, files, ip, isPublicIp, upgrade } = announcement
  const peer = {
    ID: { value: peerIdToBytes(id) },
    port,
    files: Object.fromEntries(files),
    IP: ip ?? '<nil>',
    isPublicIp,
    ...(upgrade && { upgrade: libraryUpgrade(upgrade) }),
  }
  return toBinary(PeerSchema, create(PeerSchema, peer))
}

function libraryUpgrade({ key, ...upgrade }: Upgrade) {
  return { ...upgrade, ...(key && { publicKey: Uint8Array.from(key) }) }
}

function announcements(): fc.Arbitrary<Announcement> {
  // The library writes paths that look like numbers first, as objects have it; ours keep their order.
  const path = fc.string({ unit: 'grapheme', maxLength: 60 }).map((text) => `/${text}`)
  const file = fc.tuple(path, fc.string({ unit: 'grapheme', maxLength: 40 }))
  const upgrade = fc.record({
    protocol: fc.nat(2 ** 32 - 1),
    key: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }), { nil: undefined }),
    capabilities: fc.nat(2 ** 32 - 1),
    instance: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    name: fc.stringMatching(/^[a-zа-я]{0,20}$/),
    leaving: fc.boolean(),
    wantsAnswer: fc.boolean(),
  })
  return fc.record({
    id: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(peerIdFromDigest),
    port: fc.integer({ min: 1, max: 65_535 }),
    files: fc.array(file, { maxLength: 3 }).map((entries) => new Map(entries)),
    ip: fc.option(fc.oneof(fc.ipV4(), fc.ipV6()), { nil: undefined }),
    isPublicIp: fc.boolean(),
    upgrade: fc.option(upgrade, { nil: undefined }),
  })
}
