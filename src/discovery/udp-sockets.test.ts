import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'

import { ListeningNode, announcementOf } from '../../test/contracts/listening-node.ts'
import { freeUdpPort, openTestSocket } from '../../test/contracts/loopback.ts'
import { limits } from '../base/limits.ts'
import { encodeAnnouncement } from '../protocol/announcement.ts'
import type { DatagramSockets } from './datagram-sockets.ts'
import { Ear } from './ear.ts'
import type { Endpoint } from './explorer.ts'
import type { NetworkInterface } from './interfaces.ts'
import { RareLog } from './rare-log.ts'
import { openUdpSockets, type UdpOptions } from './udp-sockets.ts'

/** What a test takes for said by us. */
const ours = Buffer.from('hello')

function interfaceAt(address: string): NetworkInterface {
  return { name: 'lo', address, netmask: '255.0.0.0', loopback: true }
}

/** Sockets on interfaces that a test adds and removes, and what happens at them. */
class Network implements AsyncDisposable {
  interfaces: readonly NetworkInterface[]
  changes = 0
  readonly heard: { readonly bytes: Uint8Array; readonly source: Endpoint }[] = []
  readonly node = new ListeningNode()
  readonly sockets: DatagramSockets

  static async open(
    interfaces: readonly NetworkInterface[],
    changes: Partial<UdpOptions> = {},
  ): Promise<Network> {
    const port = await freeUdpPort()
    const options: UdpOptions = {
      port,
      interfaces: () => network?.interfaces ?? interfaces,
      destinations: () => ['127.255.255.255'],
      ...changes,
    }
    const node = new ListeningNode()
    let network: Network | undefined
    network = new Network(node, interfaces, await openUdpSockets(options, node.log))
    return network
  }

  private constructor(
    node: ListeningNode,
    interfaces: readonly NetworkInterface[],
    sockets: DatagramSockets,
  ) {
    this.node = node
    this.interfaces = interfaces
    this.sockets = sockets
    sockets.listen({
      heard: (bytes, { address, port }) => {
        this.heard.push({ bytes, source: { address, port } })
        return !Buffer.from(bytes).equals(ours)
      },
      answered: () => {},
      networkChanged: () => this.changes++,
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.sockets[Symbol.asyncDispose]())
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 8_000
  while (!condition() && performance.now() < deadline) await delay(10)
  assert.ok(condition(), 'did not happen within 8 s')
}

suite('networks that come, go and fail', { concurrency: true }, () => {
  test('an announcement leaves through every interface, from its address', async () => {
    await using network = await Network.open([interfaceAt('127.0.0.1'), interfaceAt('127.0.0.2')])
    assert.equal(await network.sockets.announce(Buffer.from('hello')), 2)
    await until(() => network.heard.length === 2)
    const sources = network.heard.map(({ source }) => source.address)
    assert.deepEqual(sources.sort(), ['127.0.0.1', '127.0.0.2'])
    assert.ok(network.heard.every(({ source }) => source.port !== network.sockets.discoveryPort))
  })

  test('a new interface is told within seconds and then used; one that is gone is not', async () => {
    await using network = await Network.open([interfaceAt('127.0.0.1')])
    network.interfaces = [interfaceAt('127.0.0.2')]
    await until(() => network.changes === 1)
    assert.equal(await network.sockets.announce(Buffer.from('hello')), 1)
    await until(() => network.heard.length === 1)
    assert.equal(network.heard[0]?.source.address, '127.0.0.2')
    await delay(2 * limits.interfacePollMs)
    assert.equal(network.changes, 1)
  })

  test('U21: without any interface nothing is sent, nothing fails, and the first one that comes is used', async () => {
    await using network = await Network.open([], { group: '235.5.5.11', destinations: () => ['235.5.5.11'] })
    assert.equal(await network.sockets.announce(Buffer.from('hello')), 0)
    network.interfaces = [interfaceAt('127.0.0.1')]
    await until(() => network.changes === 1)
    assert.equal(await network.sockets.announce(Buffer.from('hello')), 1)
    await until(() => network.heard.length === 1)
    const causes = network.node.warnings.map(({ fields }) => fields?.['cause'])
    assert.deepEqual(causes, ['no-interface'])
  })

  test('U21: a list of interfaces that cannot be read is logged, and the last one stays', async () => {
    let broken = false
    await using network = await Network.open([], {
      interfaces: () => {
        if (broken) throw Object.assign(new Error('no list'), { code: 'EMFILE' })
        return [interfaceAt('127.0.0.1')]
      },
    })
    broken = true
    await until(() => network.node.warnings.length > 0)
    assert.equal(network.node.warnings[0]?.fields?.['cause'], 'EMFILE')
    assert.equal(await network.sockets.announce(Buffer.from('hello')), 1)
  })

  test('U21 EMSGSIZE: the interface rests for a second, then says the latest announcement', async () => {
    await using network = await Network.open([interfaceAt('127.0.0.1')])
    assert.equal(await network.sockets.announce(new Uint8Array(70_000)), 0)
    assert.equal(await network.sockets.announce(Buffer.from('later')), 0)
    assert.equal(network.heard.length, 0)
    await until(() => network.heard.length === 1)
    assert.equal(Buffer.from(network.heard[0]?.bytes ?? []).toString(), 'later')
    assert.equal(await network.sockets.announce(Buffer.from('now')), 1)
    const causes = network.node.warnings.map(({ fields }) => fields?.['cause'])
    assert.deepEqual(causes, ['EMSGSIZE'])
  })

  test('U21: an interface that fails does not silence another, and is logged once a minute', async () => {
    await using network = await Network.open([interfaceAt('127.0.0.1'), interfaceAt('127.0.0.2')], {
      destinations: ({ address }) => [address === '127.0.0.2' ? '203.0.113.1' : '127.255.255.255'],
    })
    for (let i = 0; i < 3; i++) {
      assert.equal(await network.sockets.announce(Buffer.from('hello')), 1)
      await delay(1.5 * limits.interfacePollMs)
    }
    assert.equal(network.node.warnings.length, 1)
    assert.equal(network.node.warnings[0]?.fields?.['address'], '127.0.0.2')
  })

  test('U21: an address that this host does not have fails quietly', async () => {
    await using network = await Network.open([interfaceAt('192.0.2.77')], { group: '235.5.5.11' })
    assert.equal(await network.sockets.announce(Buffer.from('hello')), 0)
    const causes = network.node.warnings.map(({ fields }) => fields?.['cause'])
    assert.ok(causes.includes('EADDRNOTAVAIL'))
  })

  test('where the first destination fails, the second is used', async () => {
    await using network = await Network.open([interfaceAt('127.0.0.1')], {
      destinations: () => ['203.0.113.1', '127.255.255.255'],
    })
    assert.equal(await network.sockets.announce(Buffer.from('hello')), 1)
    await until(() => network.heard.length === 1)
    assert.deepEqual(network.node.warnings, [])
  })

  test('U21 EACCES: an answer that may not be sent is logged once, and others still leave', async () => {
    await using network = await Network.open([interfaceAt('127.0.0.1')])
    await using asker = await openTestSocket()
    const bytes = Buffer.from('answer')
    for (let i = 0; i < 3; i++) network.sockets.answer(bytes, { address: '255.255.255.255', port: 9 })
    network.sockets.answer(bytes, { address: '127.0.0.1', port: 0 })
    const answer = once(asker, 'message')
    network.sockets.answer(bytes, { address: '127.0.0.1', port: asker.address().port })
    await answer
    const causes = network.node.warnings.map(({ fields }) => String(fields?.['cause']))
    assert.deepEqual(causes.sort(), ['EACCES', 'ERR_SOCKET_BAD_PORT'])
  })

  test('U21 ECONNREFUSED: an answer that nobody waits for disturbs nothing', async () => {
    await using network = await Network.open([interfaceAt('127.0.0.1')])
    const nobody = { address: '127.0.0.1', port: await freeUdpPort() }
    for (let i = 0; i < 3; i++) network.sockets.answer(Buffer.from('answer'), nobody)
    assert.equal(await network.sockets.announce(Buffer.from('hello')), 1)
    await until(() => network.heard.length === 1)
    assert.deepEqual(network.node.warnings, [])
  })

  test('each network counts what left, came back, was heard, was answered and failed', async () => {
    await using network = await Network.open([interfaceAt('127.0.0.1'), interfaceAt('127.0.0.2')], {
      destinations: ({ address }) => [address === '127.0.0.2' ? '203.0.113.1' : '127.255.255.255'],
    })
    const { sockets, heard } = network
    await using stranger = await openTestSocket('127.0.0.3')
    await sockets.announce(Buffer.from('hello'))
    stranger.send(Buffer.from('hi'), sockets.discoveryPort, '127.0.0.1')
    await until(() => heard.length === 2)
    const said = heard.find(({ source }) => source.address === '127.0.0.1')
    stranger.send(Buffer.from('answer'), said?.source.port, '127.0.0.1')
    await until(() => sockets.counters.links[0]?.answers === 1)
    const same = { interfaceName: 'lo', netmask: '255.0.0.0', joined: undefined }
    const [one, two] = sockets.counters.links
    assert.deepEqual(one, {
      ...same,
      address: '127.0.0.1',
      sent: 1,
      failed: 0,
      lastError: '',
      heard: 1,
      echoed: 1,
      answers: 1,
    })
    assert.deepEqual([two?.address, two?.sent, two?.failed, two?.heard], ['127.0.0.2', 0, 1, 0])
    assert.notEqual(two?.lastError, '')
    assert.deepEqual(sockets.counters.elsewhere, [])
    assert.ok(sockets.counters.receiveBufferBytes > 64 * 1024)
  })

  test('who is heard from outside every network is remembered, up to a limit', async () => {
    const narrow = { ...interfaceAt('127.0.0.1'), netmask: '255.255.255.255' }
    await using network = await Network.open([narrow])
    for (let last = 2; last < 2 + limits.elsewhereAddresses + 3; last++) {
      await using stranger = await openTestSocket(`127.0.0.${last}`)
      stranger.send(Buffer.from('hi'), network.sockets.discoveryPort, '127.0.0.1')
      await until(() => network.heard.length === last - 1)
    }
    const { elsewhere, links } = network.sockets.counters
    assert.equal(elsewhere.length, limits.elsewhereAddresses)
    assert.deepEqual([elsewhere[0], links[0]?.heard], ['127.0.0.2', 0])
  })

  test('a network tells whether the group is joined there, and why not', async () => {
    const addresses = [interfaceAt('127.0.0.1'), interfaceAt('192.0.2.77')]
    await using network = await Network.open(addresses, { group: '235.5.5.11' })
    const links = network.sockets.counters.links.map(({ joined, lastError }) => [joined, lastError])
    assert.deepEqual(links[0], [true, ''])
    assert.equal(links[1]?.[0], false)
    assert.notEqual(links[1]?.[1], '')
  })

  test('closing while announcements leave ends them all', async () => {
    const network = await Network.open([interfaceAt('127.0.0.1'), interfaceAt('127.0.0.2')])
    const announcing = Array.from({ length: 20 }, () => network.sockets.announce(Buffer.from('hello')))
    await network[Symbol.asyncDispose]()
    await network[Symbol.asyncDispose]()
    const left = await Promise.all(announcing)
    assert.equal(left.length, 20)
    assert.equal(await network.sockets.announce(Buffer.from('late')), 0)
    assert.deepEqual(network.node.warnings, [])
  })
})

async function openEar(): Promise<{ ear: Ear; node: ListeningNode } & AsyncDisposable> {
  const node = new ListeningNode()
  const log = new RareLog(node.log, limits.logIntervalMs)
  const ear = await Ear.open({ port: await freeUdpPort(), group: '235.5.5.11', log })
  return { ear, node, [Symbol.asyncDispose]: () => ear.close() }
}

suite('memberships of the ear', () => {
  test('a membership is new once, and again after the interface was away', async () => {
    await using listening = await openEar()
    const { ear, node } = listening
    assert.equal(ear.join(['127.0.0.1']), true)
    assert.equal(ear.join(['127.0.0.1']), false)
    assert.equal(ear.join([]), false)
    assert.equal(ear.join(['127.0.0.1']), true)
    assert.deepEqual(node.warnings, [])
  })

  test('a second address of an interface is a member already', async () => {
    await using listening = await openEar()
    const { ear, node } = listening
    assert.equal(ear.join(['127.0.0.1', '127.0.0.2']), true)
    assert.equal(ear.join(['127.0.0.1', '127.0.0.2']), false)
    assert.deepEqual(node.warnings, [])
  })

  test('interfaces that came and went do not use up the memberships that the platform allows', async () => {
    await using listening = await openEar()
    const { ear, node } = listening
    for (let i = 0; i < 50; i++) {
      assert.equal(ear.join(['127.0.0.1']), true)
      ear.join([])
    }
    assert.deepEqual(node.warnings, [])
  })
})

test('an ear takes a burst of announcements that come while the program is busy', async () => {
  await using network = await Network.open([interfaceAt('127.0.0.1')])
  await using stranger = await openTestSocket()
  const bytes = encodeAnnouncement(announcementOf())
  // The ear cannot read until all have been sent. Without a larger buffer Linux keeps 277 of them; with the largest
  // that it grants by default, 554.
  const burst = 450
  for (let i = 0; i < burst; i++) stranger.send(bytes, network.sockets.discoveryPort, '127.0.0.1')
  await until(() => network.heard.length === burst)
})
