/** We and the published client, played by its stand-in, take part as equals. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { encodeAnnouncement } from '../reference/wire.ts'
import { configText } from './config.ts'
import { labUnavailable, openLab, type LabHost } from './lab.ts'
import { openPeer, peerOf, type PeerProcess } from './peer.ts'
import { openReference, type Reference } from './reference.ts'

const skip = labUnavailable()
const soon = { timeoutMs: 5_000 }

describe('the reference and we find each other', { skip, concurrency: 2 }, () => {
  for (const explorer of ['multicast', 'broadcast'] as const) {
    const config = configText({ explorers: [explorer] })
    const to = explorer === 'multicast' ? '235.5.5.11' : '255.255.255.255'

    test(`by ${explorer}, when we come second`, async () => {
      await using lab = await openLab({ hosts: 2 })
      await using reference = await openReference(lab.host(0), { to })
      await using ours = await openPeer({ host: lab.host(1), config })
      await haveMet(ours, reference)
      assert.deepEqual(peerOf(await ours.found(reference.id)).via, [explorer])
    })

    test(`by ${explorer}, when it comes second`, async () => {
      await using lab = await openLab({ hosts: 2 })
      // It cannot hear our answers to its announcements, so it waits for one of ours.
      const often = configText({ explorers: [explorer], period: '1s' })
      await using ours = await openPeer({ host: lab.host(1), config: often })
      await using reference = await openReference(lab.host(0), { to })
      await haveMet(ours, reference)
    })
  }

  test('by emit of one address, from either side', async () => {
    await using lab = await openLab({ hosts: 3 })
    for (const host of lab.hosts) host.drop('ip daddr 235.5.5.11')
    await using first = await openReference(lab.host(0))
    await using second = await openReference(lab.host(1))
    await using ours = await openPeer({ host: lab.host(2) })
    const result = await ours.command(`emit ${lab.host(0).address}:8001`)
    assert.equal((result as { peer: { id: string } }).peer.id, first.id)
    await haveMet(ours, first)
    await second.command(`emit ${lab.host(2).address}:8001`)
    await haveMet(ours, second)
  })

  test('and it forgets us when we leave, without a connection leaked or a crash', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using reference = await openReference(lab.host(0), { checkPeriodMs: 300 })
    await using ours = await openPeer({ host: lab.host(1) })
    await haveMet(ours, reference)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    assert.deepEqual(await reference.command('peers'), [
      { id: ours.id, address: lab.host(1).address, port: 8001 },
    ])
    assert.equal(((await reference.command('counts')) as { leakedConnections: number }).leakedConnections, 0)
    await ours.attempt('exit')
    await reference.event('peer:lost', undefined, soon)
  })
})

describe('the reference and we talk', { skip, concurrency: 2 }, () => {
  test('in a session that we dial', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using reference = await openReference(lab.host(0))
    await using ours = await openPeer({ host: lab.host(1) })
    await haveMet(ours, reference)
    await ours.command(`connect ${reference.id}`)
    const session = await reference.session(ours.id)
    assert.equal(session.incoming, true)
    await ours.command('hello, gopher')
    await reference.message('message:arrived', 'hello, gopher')
    await reference.command(`attach ${session.id}`)
    await reference.message('message:shown', 'hello, gopher')
    await reference.command(`send ${session.id} привет`)
    await ours.received('привет')
    await ours.command('/quit')
    const { sessions } = (await ours.command('sessions')) as { sessions: { id: string }[] }
    await ours.command(`close ${sessions[0]!.id}`)
    assert.equal((await reference.event('session:closed'))['code'], 1000)
  })

  test('in a session that it dials', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using reference = await openReference(lab.host(0))
    await using ours = await openPeer({ host: lab.host(1) })
    await haveMet(ours, reference)
    await reference.command(`connect ${ours.id}`)
    const session = await ours.session(reference.id)
    assert.equal(session.incoming, true)
    await ours.command(`attach ${session.id}`)
    await ours.command('hello')
    await reference.message('message:arrived', 'hello')
    const { id } = await reference.session(ours.id)
    await reference.command(`send ${id} hi`)
    await ours.received('hi')
    await reference.command(`close-session ${id}`)
    const closed = await ours.sessionClosed(reference.id)
    assert.deepEqual([closed['code'], closed['reason']], [1000, 'manual close'])
  })

  test('a text frame and bytes that do not parse end its session, not us', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using reference = await openReference(lab.host(0))
    await using ours = await openPeer({ host: lab.host(1) })
    await haveMet(ours, reference)
    for (const input of ['send-text-frame ID hello', 'send-bytes ID ff']) {
      const since = ours.mark
      const { id } = (await reference.command(`connect ${ours.id}`)) as { id: string }
      await reference.command(input.replace('ID', id))
      assert.equal((await ours.sessionClosed(reference.id, { since }))['code'], 1011)
    }
    await reference.command(`connect ${ours.id}`)
  })

  test('the longest message passes, and one byte more is refused before it leaves', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using reference = await openReference(lab.host(0))
    await using ours = await openPeer({ host: lab.host(1) })
    await haveMet(ours, reference)
    await ours.command(`connect ${reference.id}`)
    // A frame adds the time (at most 14 bytes) and the tag and length of the text (4 bytes).
    const longest = 'x'.repeat(32_768 - 18)
    await ours.command(longest)
    await reference.message('message:arrived', longest)
    const refused = await ours.attempt('y'.repeat(32_768))
    assert.equal((refused['error'] as { code: string }).code, 'message-too-long')
    await ours.command('still here')
    await reference.message('message:arrived', 'still here')
  })
})

describe('the reference and we tell each other whom we know', { skip, concurrency: 2 }, () => {
  test('nobody: an error there, and none here', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using reference = await openReference(lab.host(0))
    await using ours = await openPeer({ host: lab.host(1) })
    await haveMet(ours, reference)
    await assert.rejects(reference.command(`load-peers ${ours.id}`), /knows nobody/)
    assert.deepEqual(await ours.command(`load-peers ${reference.id}`), { added: 0 })
  })

  for (const count of [1, 94]) {
    test(`${count} of ours are read by it in its single read`, async () => {
      await using lab = await openLab({ hosts: 3 })
      await using reference = await openReference(lab.host(0))
      await using ours = await openPeer({ host: lab.host(1) })
      await haveMet(ours, reference)
      // From two addresses: no more than 64 of one source are kept (U15).
      const [some, rest] = [strangers(Math.ceil(count / 2)), strangers(Math.floor(count / 2))]
      sendFrom(lab.host(2), '10.77.0.3', lab.host(1), some)
      sendFrom(lab.host(2), '10.77.0.200', lab.host(1), rest)
      await Promise.all([...some, ...rest].map((id) => ours.found(id, soon)))
      assert.equal(await reference.command(`load-peers ${ours.id}`), count)
      const { address } = peerOf(await ours.found(some[0]!))
      assert.ok(
        ((await reference.command('peers')) as { address: string }[]).some(
          (peer) => peer.address === address,
        ),
      )
    })

    test(`${count} of its peers are read by us, as far as we keep hints`, async () => {
      await using lab = await openLab({ hosts: 2 })
      await using reference = await openReference(lab.host(0))
      await using ours = await openPeer({ host: lab.host(1) })
      await haveMet(ours, reference)
      await Promise.all(
        strangers(count).map((id, index) => reference.command(`learn ${id} 10.77.0.${index + 100} 8001`)),
      )
      assert.deepEqual(await ours.command(`load-peers ${reference.id}`), { added: Math.min(count, 64) })
    })
  }
})

async function haveMet(ours: PeerProcess, reference: Reference): Promise<void> {
  const [found] = await Promise.all([ours.found(reference.id, soon), reference.found(ours.id, soon)])
  assert.equal(peerOf(found).kind, 'reference')
}

const strangers = (count: number): readonly string[] => Array.from({ length: count }, () => randomUUID())

function sendFrom(host: LabHost, address: string, to: LabHost, ids: readonly string[]): void {
  if (ids.length === 0) return
  const route = { from: { address, port: 0 }, to: { host: to, port: 8001 } }
  host.sendDatagrams(
    route,
    ids.map((id) => encodeAnnouncement({ id, port: 8001, ip: '<nil>', isPublicIp: false })),
  )
}
