/** Files between five hosts, over bad networks, and under the hands of their users. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { labUnavailable, openLab, type LabHost } from '../lab/lab.ts'
import { allMeet, meetByEmitting, openPeer, type PeerProcess } from '../lab/peer.ts'
import {
  assertSameFile,
  begin,
  countBytes,
  done,
  mebibyte,
  noise,
  openFolder,
  reached,
  shape,
  shareHashed,
  transferOf,
  type TransferView,
} from '../lab/sharing-hosts.ts'

const skip = labUnavailable()
/** Beside the contents: heads of packets, of TLS and of HTTP, hashes. */
const overhead = 1.01

describe('files between hosts', { skip }, () => {
  test('one seeder, four receivers at once: the seeder sends little more than twice', async (t) => {
    await using lab = await openLab({ hosts: 5 })
    await using folder = await openFolder()
    const bytes = 64 * mebibyte
    await writeFile(folder.file('image.iso'), noise(bytes))
    shape(lab.host(0), 8 * mebibyte)
    await using seeder = await openPeer({ host: lab.host(0) })
    await using one = await openPeer({ host: lab.host(1) })
    await using two = await openPeer({ host: lab.host(2) })
    await using three = await openPeer({ host: lab.host(3) })
    await using four = await openPeer({ host: lab.host(4) })
    const receivers = [one, two, three, four]
    await allMeet([seeder, ...receivers], { timeoutMs: 30_000 })
    await shareHashed(seeder, folder.file('image.iso'))
    const sent = countSent(lab.host(0))
    const startedAt = performance.now()
    const transfers = await Promise.all(
      receivers.map((peer, index) => begin(peer, `${seeder.id}:image.iso`, folder.file(`in ${index}`))),
    )
    await Promise.all(receivers.map((peer, index) => done(peer, transfers[index]!, 120_000)))
    const seconds = (performance.now() - startedAt) / 1_000
    for (const index of receivers.keys())
      await assertSameFile(folder.file(`in ${index}/image.iso`), folder.file('image.iso'))
    const times = sent() / bytes
    const alone = bytes / (8 * mebibyte)
    t.diagnostic(
      `the seeder sent ${times.toFixed(2)} times the file; ${seconds.toFixed(1)} s, ${alone} s for one alone`,
    )
    assert.ok(times < 2.2, `the seeder sent ${times.toFixed(2)} times the file`)
  })

  test('a partition of 20 s in the middle, while two give', async (t) => {
    await using lab = await openLab({ hosts: 3 })
    await using folder = await openFolder()
    const bytes = 64 * mebibyte
    const content = noise(bytes)
    for (const name of ['film.bin', 'copy.bin']) await writeFile(folder.file(name), content)
    for (const host of [lab.host(0), lab.host(1)]) shape(host, 6 * mebibyte)
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1) })
    await using three = await openPeer({ host: lab.host(2) })
    await allMeet([one, two, three])
    await shareHashed(one, folder.file('film.bin'))
    await shareHashed(two, folder.file('copy.bin'))
    const received = countBytes(lab.host(2))
    const transfer = await begin(three, `${one.id}:film.bin`, folder.file('in'))
    await reached(three, transfer, bytes / 3)
    lab.host(2).drop()
    await sleep(20_000)
    lab.host(2).dropNothing()
    const mendedAt = performance.now()
    const since = three.mark
    await three.event('transfer:progress', (line) => transferOf(line).id === transfer.id, {
      since,
      timeoutMs: 45_000,
    })
    t.diagnostic(
      `bytes again ${((performance.now() - mendedAt) / 1_000).toFixed(1)} s after the end of the partition`,
    )
    await done(three, transfer, 90_000)
    await assertSameFile(folder.file('in/film.bin'), folder.file('film.bin'))
    const extra = received() - bytes * overhead
    t.diagnostic(`${(extra / mebibyte).toFixed(1)} MiB beyond the file`)
    assert.ok(extra <= 8 * mebibyte, `${extra} bytes too many arrived`)
  })

  for (const direction of ['one way', 'both ways'] as const)
    test(`10 MiB arrive over a network that loses 30 % of them ${direction}`, async (t) => {
      await using lab = await openLab({ hosts: 2 })
      await using folder = await openFolder()
      await writeFile(folder.file('notes.tar'), noise(10 * mebibyte))
      await using one = await openPeer({ host: lab.host(0) })
      await using two = await openPeer({ host: lab.host(1) })
      await meetByEmitting(one, two)
      await shareHashed(one, folder.file('notes.tar'))
      lab.host(1).drop('', 0.3)
      if (direction === 'both ways') lab.host(0).drop('', 0.3)
      const startedAt = performance.now()
      const transfer = await beginSomeTime(two, `${one.id}:notes.tar`, folder.file('in'))
      await done(two, transfer, 600_000)
      t.diagnostic(`${((performance.now() - startedAt) / 1_000).toFixed(0)} s`)
      await assertSameFile(folder.file('in/notes.tar'), folder.file('notes.tar'))
    })

  for (const [who, what] of [
    ['receiver', 'download'],
    ['sender', 'upload'],
    ['receiver', 'peer'],
  ] as const)
    test(`"limit ${what} 4MB/s" of the ${who} holds within 15 %`, async (t) => {
      await using lab = await openLab({ hosts: 2 })
      await using folder = await openFolder()
      const bytes = 44_000_000
      await writeFile(folder.file('disk.img'), noise(bytes))
      await using sender = await openPeer({ host: lab.host(0) })
      await using receiver = await openPeer({ host: lab.host(1) })
      await allMeet([sender, receiver])
      await shareHashed(sender, folder.file('disk.img'))
      await (who === 'sender' ? sender : receiver).command(`limit ${what} 4MB/s`)
      const transfer = await begin(receiver, `${sender.id}:disk.img`, folder.file('in'))
      // What fills the system's buffers first comes faster, and is no rate; they also hold back what the wire has carried already.
      const bytesAt = async (wanted: number): Promise<number> =>
        transferOf(await reached(receiver, transfer, wanted)).bytes
      const [before, startedAt] = [await bytesAt(8_000_000), performance.now()]
      // Well before the end: no progress may be told of the last part of a file.
      const rate = ((await bytesAt(36_000_000)) - before) / ((performance.now() - startedAt) / 1_000)
      t.diagnostic(`${(rate / 1e6).toFixed(2)} MB/s`)
      assert.ok(Math.abs(rate / 4e6 - 1) < 0.15, `${rate} bytes a second`)
      await receiver.command(`limit ${what} off`)
      await sender.command(`limit ${what} off`)
      await done(receiver, transfer)
      await assertSameFile(folder.file('in/disk.img'), folder.file('disk.img'))
    })

  test('a transfer rests while it is paused, goes on where it was, and leaves nothing when it is cancelled', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using folder = await openFolder()
    const bytes = 48 * mebibyte
    for (const name of ['kept.bin', 'given-up.bin']) await writeFile(folder.file(name), noise(bytes))
    shape(lab.host(0), 12 * mebibyte)
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1) })
    await allMeet([one, two])
    for (const name of ['kept.bin', 'given-up.bin']) await shareHashed(one, folder.file(name))
    const received = countBytes(lab.host(1))
    const kept = await begin(two, `${one.id}:kept.bin`, folder.file('in'))
    await reached(two, kept, bytes / 3)
    await two.command(`pause ${kept.id}`)
    await sleep(500)
    const atRest = received()
    await sleep(2_000)
    assert.ok(received() - atRest < 64 * 1024, 'a paused transfer goes on')
    await two.command(`resume ${kept.id}`)
    await done(two, kept)
    await assertSameFile(folder.file('in/kept.bin'), folder.file('kept.bin'))
    assert.ok(received() < bytes * overhead + 8 * mebibyte, 'much came twice')
    const givenUp = await begin(two, `${one.id}:given-up.bin`, folder.file('in'))
    await reached(two, givenUp, bytes / 3)
    await two.command(`cancel ${givenUp.id}`)
    await sleep(500)
    const atEnd = received()
    await sleep(2_000)
    assert.ok(received() - atEnd < 64 * 1024, 'a cancelled transfer goes on')
    assert.deepEqual(readdirSync(folder.file('in')), ['kept.bin'])
  })
})

/** Counts the bytes of TCP that leave a host from now on. */
function countSent(host: LabHost): () => number {
  host.run(
    ['nft', '-f', '-'],
    'table inet sent { chain out { type filter hook output priority 0; policy accept; meta l4proto tcp counter; }; }\n',
  )
  return () => Number(/bytes (\d+)/.exec(host.run(['nft', 'list', 'table', 'inet', 'sent']))?.[1])
}

/** Where packets are lost, asking may fail; a person would try again. */
async function beginSomeTime(peer: PeerProcess, path: string, to: string): Promise<TransferView> {
  for (let tries = 0; ; tries++) {
    try {
      return await begin(peer, path, to)
    } catch (error) {
      if (tries >= 5) throw error
    }
  }
}
