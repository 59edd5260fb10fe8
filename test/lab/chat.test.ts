/** Our peers talk: sessions both ways, targeted announcements, and the end of it all. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { labUnavailable, openLab, type LabHost } from './lab.ts'
import { allMeet, openPeer, sessionOf } from './peer.ts'

const skip = labUnavailable()

describe('peers talk', { skip, concurrency: 2 }, () => {
  test('what one says the other hears, in both directions of one session', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1) })
    await allMeet([one, two])
    await one.command(`connect ${two.id}`)
    await one.command('hello, два 👋')
    await two.received('hello, два 👋')
    const incoming = await two.session(one.id)
    assert.equal(incoming.incoming, true)
    await two.command(`attach ${incoming.id}`)
    await two.command('hi')
    const { message } = await one.received('hi')
    assert.equal((message as { peerId: string }).peerId, two.id)
    const outgoing = await one.session(two.id)
    await one.command('/quit')
    await one.command(`close ${outgoing.id}`)
    const closed = await two.sessionClosed(one.id)
    assert.equal(closed['code'], 1000)
  })

  test('when both dial at once, one session stays, and nothing said is lost', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1) })
    await allMeet([one, two])
    for (let round = 0; round < 3; round++) {
      const marks = [one.mark, two.mark] as const
      await Promise.all([one.command(`connect ${two.id}`), two.command(`connect ${one.id}`)])
      await Promise.all([one.command(`from one ${round}`), two.command(`from two ${round}`)])
      await Promise.all([two.received(`from one ${round}`), one.received(`from two ${round}`)])
      await Promise.all([one.command('/quit'), two.command('/quit')])
      await sleep(300)
      const [ones, twos] = await Promise.all([sessionIds(one), sessionIds(two)])
      assert.deepEqual([ones.length, twos.length], [1, 1], `round ${round}`)
      await one.command(`close ${ones[0]}`)
      await two.sessionClosed(one.id, { since: marks[1] })
      await sleep(100)
    }
  })

  test('SIGTERM ends every session with 1000, and the program within two seconds', async () => {
    await using lab = await openLab({ hosts: 3 })
    await using leaving = await openPeer({ host: lab.host(0) })
    await using one = await openPeer({ host: lab.host(1) })
    await using two = await openPeer({ host: lab.host(2) })
    await allMeet([leaving, one, two])
    await leaving.command(`connect ${one.id}`)
    await two.command(`connect ${leaving.id}`)
    await leaving.session(two.id)
    const started = performance.now()
    leaving.kill('SIGTERM')
    const [ofOne, ofTwo, status] = await Promise.all([
      one.sessionClosed(leaving.id),
      two.sessionClosed(leaving.id),
      leaving.exit(),
    ])
    const tookMs = performance.now() - started
    assert.deepEqual([ofOne['code'], ofTwo['code'], status], [1000, 1000, 0])
    assert.equal(leaving.lines.at(-1)?.type, 'node:stopped')
    assert.ok(tookMs < 2_500, `${tookMs} ms`)
    await Promise.all([one.lost(leaving.id), two.lost(leaving.id)])
  })
})

describe('emit to one address', { skip, concurrency: 2 }, () => {
  test('names the peer that answers', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using one = await openPeer({ host: lab.host(0) })
    lab.host(1).drop('ip daddr 235.5.5.11')
    await using two = await openPeer({ host: lab.host(1) })
    const result = await one.command(`emit ${lab.host(1).address}:8001`)
    assert.equal((result as { peer: { id: string } }).peer.id, two.id)
    await one.found(two.id)
  })

  test('tells no answer, refused, and not a peer apart', async () => {
    await using lab = await openLab({ hosts: 4 })
    await using peer = await openPeer({ host: lab.host(0) })
    const [silent, closed, stranger] = [lab.host(1), lab.host(2), lab.host(3)]
    silent.drop('udp dport 8001')
    await answerWithJunk(stranger)
    assert.equal(await codeOf(closed), 'peer-refused')
    assert.equal(await codeOf(silent), 'no-answer')
    assert.equal(await codeOf(stranger), 'not-a-peer')

    async function codeOf(host: LabHost): Promise<string> {
      const done = await peer.attempt(`emit ${host.address}:8001`)
      assert.equal(done['ok'], false)
      return (done['error'] as { code: string }).code
    }
  })
})

async function sessionIds(peer: { command(text: string): Promise<unknown> }): Promise<readonly string[]> {
  const { sessions } = (await peer.command('sessions')) as { sessions: { id: string }[] }
  return sessions.map((session) => sessionOf({ type: '', session }).id)
}

async function answerWithJunk(host: LabHost): Promise<void> {
  const script = `const s = require('dgram').createSocket('udp4')
    s.on('message', (_, { port, address }) => s.send('junk', port, address)).bind(8001, () => console.log('open'))`
  const child = host.spawn([process.execPath, '-e', script])
  await new Promise((resolve) => child.stdout.once('data', resolve))
}
