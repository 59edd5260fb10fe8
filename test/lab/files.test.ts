/** Files between hosts: networks that fail in the middle, sources that vanish, and nothing readable on the wire. */
import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { captureUnavailable, openCapture } from './capture.ts'
import { labUnavailable, openLab } from './lab.ts'
import { allMeet, openPeer } from './peer.ts'
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
} from './sharing-hosts.ts'

/** Names as they are in the wild: every script, both forms of é, blanks, and 255 bytes. */
const names = ['Ünïcödé', 'caf\u00e9', 'cafe\u0301 (NFD)', '写真', 'фото', 'صورة', '📷 1', 'a'.repeat(251)]

describe('files', { skip: labUnavailable(), concurrency: 2 }, () => {
  test('a folder arrives as it is, and nobody on the network can read a byte or a name of it', async (t) => {
    const missing = captureUnavailable()
    if (missing !== false) return t.skip(missing)
    await using lab = await openLab({ hosts: 2 })
    await using folder = await openFolder()
    const source = folder.file('photos')
    await mkdir(join(source, 'inner/empty'), { recursive: true })
    const canary = 'canary-5f1c0a37-in-a-file'
    for (const name of names) await writeFile(join(source, 'inner', `${name}.txt`), `${name} ${canary}`)
    await writeFile(join(source, 'large.bin'), Buffer.concat([noise(3 * mebibyte), Buffer.from(canary)]))
    await utimes(join(source, 'large.bin'), 1_000_000_000, 1_000_000_000)
    await using capture = await openCapture(lab)
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1) })
    await allMeet([one, two])
    await shareHashed(one, source)
    const { savedAs } = await done(two, await begin(two, `${one.id}:photos`, folder.file('in')))
    assert.equal(savedAs, folder.file('in/photos'))
    for (const name of await readdir(join(source, 'inner')))
      if (name !== 'empty') await assertSameFile(join(savedAs, 'inner', name), join(source, 'inner', name))
    await assertSameFile(join(savedAs, 'large.bin'), join(source, 'large.bin'))
    assert.deepEqual(await readdir(join(savedAs, 'inner/empty')), [])
    const { mode, mtimeMs } = await stat(join(savedAs, 'large.bin'))
    assert.equal(mode & 0o777, 0o600)
    assert.equal(mtimeMs, 1_000_000_000_000)
    const recording = await capture.stop()
    assert.equal(recording.bytes.includes(canary), false, 'a content is on the wire in plain')
    assert.equal(recording.bytes.includes('large.bin'), false, 'a name is on the wire in plain')
  })

  test('a cable that is pulled half-way costs a pause and at most 8 MiB', async (t) => {
    await using lab = await openLab({ hosts: 2 })
    await using folder = await openFolder()
    const bytes = 48 * mebibyte
    await writeFile(folder.file('film.bin'), noise(bytes))
    shape(lab.host(0), 12 * mebibyte)
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1) })
    await allMeet([one, two])
    await shareHashed(one, folder.file('film.bin'))
    const received = countBytes(lab.host(1))
    const transfer = await begin(two, `${one.id}:film.bin`, folder.file('in'))
    await reached(two, transfer, bytes / 3)
    lab.host(0).cut()
    await sleep(5_000)
    lab.host(0).mend()
    const { savedAs } = await done(two, transfer, 120_000)
    await assertSameFile(savedAs!, folder.file('film.bin'))
    const extra = received() - bytes * 1.04
    t.diagnostic(`${(extra / mebibyte).toFixed(1)} MiB beyond the file and 4 % of heads`)
    assert.ok(extra <= 8 * mebibyte, `${extra} bytes too many arrived`)
  })

  test('the end of one node in the middle: its transfer goes on when it runs again', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using folder = await openFolder()
    const bytes = 32 * mebibyte
    await writeFile(folder.file('image.bin'), noise(bytes))
    shape(lab.host(0), 12 * mebibyte)
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1) })
    await allMeet([one, two])
    await shareHashed(one, folder.file('image.bin'))
    const transfer = await begin(two, `${one.id}:image.bin`, folder.file('in'))
    await reached(two, transfer, bytes / 2)
    two.kill()
    await two.ended
    const received = countBytes(lab.host(1))
    await using again = await openPeer({ host: lab.host(1), dataDir: two.dataDir })
    const { savedAs } = await done(again, transfer, 90_000)
    await assertSameFile(savedAs!, folder.file('image.bin'))
    assert.ok(received() < bytes * 0.55 + 8 * mebibyte, `${received()} bytes came again`)
    assert.deepEqual(await readdir(folder.file('in')), ['image.bin'])
  })

  test('a source that vanishes is replaced by another who has the same content, under another name', async () => {
    await using lab = await openLab({ hosts: 3 })
    await using folder = await openFolder()
    const bytes = 48 * mebibyte
    const content = noise(bytes)
    for (const name of ['original.iso', 'copy.iso']) await writeFile(folder.file(name), content)
    for (const host of [lab.host(0), lab.host(1)]) shape(host, 6 * mebibyte)
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1) })
    await using three = await openPeer({ host: lab.host(2) })
    await allMeet([one, two, three])
    await shareHashed(one, folder.file('original.iso'))
    await shareHashed(two, folder.file('copy.iso'))
    const transfer = await begin(three, `${one.id}:original.iso`, folder.file('in'))
    await reached(three, transfer, bytes / 4)
    one.kill()
    const { savedAs } = await done(three, transfer, 90_000)
    await assertSameFile(savedAs!, folder.file('original.iso'))
  })

  for (const [who, index] of [
    ['sender', 0],
    ['receiver', 1],
  ] as const)
    test(`a ${who} whose address changes in the middle goes on within 15 s`, async (t) => {
      await using lab = await openLab({ hosts: 2 })
      await using folder = await openFolder()
      const bytes = 32 * mebibyte
      await writeFile(folder.file('disk.img'), noise(bytes))
      shape(lab.host(0), 8 * mebibyte)
      await using one = await openPeer({ host: lab.host(0) })
      await using two = await openPeer({ host: lab.host(1) })
      await allMeet([one, two])
      await shareHashed(one, folder.file('disk.img'))
      const transfer = await begin(two, `${one.id}:disk.img`, folder.file('in'))
      await reached(two, transfer, bytes / 3)
      lab.host(index).changeAddress('10.77.0.99')
      const changedAt = performance.now()
      // More than was under way.
      await reached(two, transfer, (bytes * 2) / 3)
      const tookMs = performance.now() - changedAt
      t.diagnostic(`a third of the file more came within ${(tookMs / 1_000).toFixed(1)} s`)
      assert.ok(tookMs < 15_000, `${tookMs} ms`)
      const { savedAs } = await done(two, transfer, 90_000)
      await assertSameFile(savedAs!, folder.file('disk.img'))
    })

  test('an offer waits for somebody who is away, and its sender hears that all of it was verified', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using folder = await openFolder()
    await writeFile(folder.file('build.tar'), noise(5 * mebibyte))
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1) })
    await allMeet([one, two])
    two.kill('SIGTERM')
    await two.ended
    const { offer } = (await one.command(`send ${two.id} "${folder.file('build.tar')}"`)) as {
      offer: { id: string }
    }
    await using again = await openPeer({ host: lab.host(1), dataDir: two.dataDir })
    await again.event('offer:received', (line) => (line['offer'] as { id: string }).id === offer.id)
    await again.command(`accept ${offer.id} --to "${folder.file('in')}"`)
    await one.event('offer:changed', (line) => (line['offer'] as { state: string }).state === 'received')
    const came = await readFile(folder.file('in/build.tar'))
    assert.ok(came.equals(await readFile(folder.file('build.tar'))))
  })
})
