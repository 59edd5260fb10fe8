/** Hosts find each other on real networks, with nothing but what the kernel gives them. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { configText } from './config.ts'
import { labUnavailable, openLab, type Lab } from './lab.ts'
import { allMeet, openPeer, peerOf, spawnPeer, type PeerOptions, type PeerProcess } from './peer.ts'

const skip = labUnavailable()
const soon = { timeoutMs: 5_000 }

describe('hosts meet', { skip, concurrency: 2 }, () => {
  test('two hosts without a default route meet by multicast', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using peers = await openPeers(lab)
    await allMeet(peers.all, soon)
  })

  test('five hosts with a default route meet by multicast', async () => {
    await using lab = await openLab({ hosts: 5, defaultRoute: true })
    await using peers = await openPeers(lab)
    await allMeet(peers.all, soon)
  })

  test('two hosts without a default route meet by broadcast alone', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using peers = await openPeers(lab, { config: configText({ explorers: ['broadcast'] }) })
    await allMeet(peers.all, soon)
    const [one, two] = peers.all as [PeerProcess, PeerProcess]
    assert.deepEqual(peerOf(await one.found(two.id)).via, ['broadcast'])
  })

  test('with multicast and broadcast at once a peer is one peer, found by both', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using peers = await openPeers(lab, {
      config: configText({ explorers: ['multicast', 'broadcast'], period: '1s' }),
    })
    await allMeet(peers.all, soon)
    const [one, two] = peers.all as [PeerProcess, PeerProcess]
    for (let tries = 0; tries < 50; tries++) {
      const listed = await listOf(one)
      assert.deepEqual(
        listed.map(({ id }) => id),
        [two.id],
      )
      if ([...listed[0]!.via].sort().join() === 'broadcast,multicast') return
      await sleep(100)
    }
    assert.fail(`not heard both ways: ${JSON.stringify(await listOf(one))}`)
  })

  test('a host with two interfaces meets the hosts of both networks', async () => {
    await using lab = await openLab({ hosts: [[0], [0, 1], [1]] })
    await using peers = await openPeers(lab)
    const [left, middle, right] = peers.all as [PeerProcess, PeerProcess, PeerProcess]
    await allMeet([left, middle], soon)
    await allMeet([middle, right], soon)
    assert.equal(peerOf(await right.found(middle.id)).address, lab.host(1).addresses[1])
    assert.deepEqual(
      (await listOf(left)).map(({ id }) => id),
      [middle.id],
    )
  })

  test('with interface-name only the hosts of that network are met', async () => {
    await using lab = await openLab({ hosts: [[0], [0, 1], [1]] })
    const config = configText({ interfaceName: 'eth1' })
    await using left = await openPeer({ host: lab.host(0) })
    await using right = await openPeer({ host: lab.host(2) })
    await using middle = await openPeer({ host: lab.host(1), config })
    await allMeet([middle, right], soon)
    assert.deepEqual(await listOf(left), [])
  })

  test('a late joiner knows everybody, and everybody it, long before the next period', async () => {
    await using lab = await openLab({ hosts: 3 })
    await using early = await openPeer({ host: lab.host(0) })
    await using other = await openPeer({ host: lab.host(1) })
    await allMeet([early, other], soon)
    // The announcement that is repeated after a second must not be the one that does it.
    await sleep(1_500)
    await using late = await openPeer({ host: lab.host(2) })
    await allMeet([early, other, late], soon)
  })

  test('two nodes on one host meet each other and a third', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using first = await openPeer({ host: lab.host(0) })
    await using second = await openPeer({ host: lab.host(0), args: ['--port', '0'] })
    await using third = await openPeer({ host: lab.host(1) })
    await allMeet([first, second, third], soon)
    assert.equal(first.port, 8001)
    assert.equal(peerOf(await third.found(second.id)).port, second.port)
    await first.command(`connect ${second.id}`)
    await first.command('hello neighbour')
    await second.received('hello neighbour')
  })

  test('two nodes on a host whose network is gone still meet', async () => {
    await using lab = await openLab({ hosts: [[]] })
    await using first = await openPeer({ host: lab.host(0) })
    await using second = await openPeer({ host: lab.host(0), args: ['--port', '0'] })
    await allMeet([first, second], soon)
  })

  test('who leaves is dropped at once by all', async () => {
    await using lab = await openLab({ hosts: 3 })
    await using peers = await openPeers(lab)
    const [leaving, ...others] = peers.all as [PeerProcess, PeerProcess, PeerProcess]
    await allMeet(peers.all, soon)
    const left = await leaving.attempt('exit')
    assert.equal(left['ok'], true)
    await Promise.all(others.map((other) => other.lost(leaving.id, { timeoutMs: 3_000 })))
    assert.equal(await leaving.exit(), 0)
  })
})

describe('what cannot start says so', { skip, concurrency: 2 }, () => {
  test('a TCP port that is taken: status 69 within a second, and not one datagram', async () => {
    await using lab = await openLab({ hosts: 1 })
    const host = lab.host(0)
    const squat = `require('net').createServer().listen(8001, () => console.log('open'))`
    await outputOf(host.spawn([process.execPath, '-e', squat]))
    await using peer = await spawnPeer({ host })
    const started = performance.now()
    assert.equal(await peer.exit(), 69)
    const tookMs = performance.now() - started
    assert.match(peer.errors, /8001/)
    assert.deepEqual(peer.lines, [])
    assert.equal(host.udpSent(), 0)
    // Within 1 s of a start; two busy cores may take as long to start it at all.
    assert.ok(tookMs < 4_000, `${tookMs} ms`)
  })

  test('an unknown interface name: status 78, and the real names', async () => {
    await using lab = await openLab({ hosts: [[0, 1]] })
    const config = configText({ interfaceName: 'wlan7' })
    await using peer = await spawnPeer({ host: lab.host(0), config })
    assert.equal(await peer.exit(), 78)
    for (const name of ['wlan7', 'eth0', 'eth1']) assert.match(peer.errors, new RegExp(name))
    assert.equal(lab.host(0).udpSent(), 0)
  })
})

/** One peer on each host of the lab, started at the same time. */
async function openPeers(lab: Lab, options: PeerOptions = {}) {
  const all = await Promise.all(lab.hosts.map((host) => openPeer({ ...options, host })))
  const dispose = async (): Promise<void> => {
    await Promise.all(all.map((peer) => peer[Symbol.asyncDispose]()))
  }
  return { all, [Symbol.asyncDispose]: dispose }
}

async function listOf(peer: PeerProcess): Promise<readonly { id: string; via: readonly string[] }[]> {
  const { peers } = (await peer.command('peers')) as { peers: { id: string; via: readonly string[] }[] }
  return peers
}

function outputOf(child: { stdout: NodeJS.ReadableStream }): Promise<unknown> {
  return new Promise((resolve) => child.stdout.once('data', resolve))
}
