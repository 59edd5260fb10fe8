/** Rows U7, U14, U15 and U21 where they name inputs that no other test has. */
import assert from 'node:assert/strict'
import { Socket } from 'node:dgram'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'

import { limits } from '../../src/base/limits.ts'
import { broadcast } from '../../src/discovery/broadcast.ts'
import { decodeAnnouncement, encodeAnnouncement } from '../../src/protocol/announcement.ts'
import { decodeMessage } from '../../src/protocol/message.ts'
import { parsePeerId, type PeerId } from '../../src/protocol/peer-id.ts'
import { decodePeerList } from '../../src/protocol/peer-list.ts'
import { PeerTable } from '../../src/rules/peer-table.ts'
import { announcementOf, ListeningNode } from '../contracts/listening-node.ts'
import { freeUdpPort, loopbackName } from '../contracts/loopback.ts'

test('U7: 100,000 groups in each other are refused by every decoder', () => {
  const groups = Buffer.concat([Buffer.alloc(100_000, 0x0b), Buffer.alloc(100_000, 0x0c)])
  for (const decode of [decodeAnnouncement, decodePeerList, decodeMessage])
    assert.equal(decode(groups), undefined)
})

test('U14: the longest announcement of ours, and so the longest answer, has at most 200 bytes', () => {
  const longest = encodeAnnouncement(
    announcementOf({
      port: 65_535,
      ip: '2001:db8:1111:2222:3333:4444:5555:6666',
      isPublicIp: true,
      upgrade: {
        protocol: 1,
        instance: 2n ** 64n - 1n,
        key: new Uint8Array(32).fill(255),
        capabilities: 2 ** 32 - 1,
        name: 'x'.repeat(limits.nameBytes),
        leaving: true,
        wantsAnswer: true,
      },
    }),
  )
  assert.ok(longest.length <= 200, `${longest.length} bytes`)
})

/** An ID of version 8. */
function newerId(number: number): PeerId {
  const id = parsePeerId(`00000000-0000-8000-8000-${number.toString(16).padStart(12, '0')}`)
  assert.ok(id)
  return id
}

test('U15: a minute of 50,000 IDs a second that look like version 8 is held to the same limits', () => {
  const table = new PeerTable()
  let found = 0
  const seconds = 60
  for (let i = 0; i < seconds * 50_000; i++) {
    const source = `10.9.0.${i % 254}`
    const announcement = announcementWith(newerId(i))
    const heard = { announcement, address: source, source, via: 'multicast', now: i / 50 }
    if (table.see(heard).change === 'found') found++
  }
  assert.ok(table.size <= limits.peers, `${table.size} peers`)
  assert.ok(found <= limits.peers + seconds * limits.peerEventsPerSecond + 1, `${found} were found`)
})

const template = announcementOf({ upgrade: undefined })

function announcementWith(id: PeerId): typeof template {
  return { ...template, id }
}

suite('U21: what the platform reports while an announcement leaves', () => {
  for (const code of ['ENOBUFS', 'ENETUNREACH', 'EMSGSIZE', 'EACCES', 'ECONNREFUSED']) {
    test(`${code} is logged once, and the announcement leaves later`, async (t) => {
      const options = { port: await freeUdpPort(), interfaceName: loopbackName(), periodMs: 60_000 }
      const here = new ListeningNode()
      const there = new ListeningNode()
      await using _hears = await broadcast(options)(there)
      const send = Reflect.get(Socket.prototype, 'send') as (...args: unknown[]) => unknown
      let failures = 2
      t.mock.method(Socket.prototype, 'send', function (this: Socket, ...args: unknown[]) {
        const callback = args.at(-1)
        if (failures-- <= 0 || typeof callback !== 'function') return Reflect.apply(send, this, args)
        return setImmediate(() =>
          Reflect.apply(callback, undefined, [Object.assign(new Error(code), { code })]),
        )
      })
      await using explorer = await broadcast(options)(here)
      assert.equal(explorer.counters.sent, 0)
      await there.sighting((one) => one.announcement.id === here.announcement.id)
      await delay(50)
      const causes = here.warnings.map(({ fields }) => fields?.['cause'])
      assert.deepEqual(causes, [code])
    })
  }
})
