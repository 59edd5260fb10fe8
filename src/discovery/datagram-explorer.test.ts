import assert from 'node:assert/strict'
import { once } from 'node:events'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'

import {
  ListeningNode,
  announcementOf,
  answerAtOnce,
  answerNothing,
  type Decide,
} from '../../test/contracts/listening-node.ts'
import { freeUdpPort, loopbackName, openTestSocket, type TestSocket } from '../../test/contracts/loopback.ts'
import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { encodeAnnouncement, type Announcement } from '../protocol/announcement.ts'
import { AnswerPolicy } from '../rules/answer-policy.ts'
import { broadcast } from './broadcast.ts'
import type { Endpoint, Explorer } from './explorer.ts'

interface Scene extends AsyncDisposable {
  readonly node: ListeningNode
  readonly explorer: Explorer
  /** Where the explorer hears announcements. */
  readonly ear: Endpoint
}

async function openScene(prepare: Partial<ListeningNode> = {}): Promise<Scene> {
  const node = Object.assign(new ListeningNode(), prepare)
  const port = await freeUdpPort()
  const explorer = await broadcast({ port, interfaceName: loopbackName(), periodMs: 60_000 })(node)
  return {
    node,
    explorer,
    ear: { address: '127.0.0.1', port },
    [Symbol.asyncDispose]: () => explorer[Symbol.asyncDispose](),
  }
}

function say(socket: TestSocket, bytes: Uint8Array, to: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(bytes, to.port, to.address, (error) => (error === null ? resolve() : reject(error)))
  })
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000
  while (!condition() && performance.now() < deadline) await delay(5)
  assert.ok(condition(), 'did not happen within 5 s')
}

/** A valid announcement of exactly `sizeBytes`, filled with an unknown field as a later version might have. */
function announcementOfSize(announcement: Announcement, sizeBytes: number): Uint8Array {
  const start = encodeAnnouncement(announcement)
  const header = [0x82, 0x7d]
  for (const lengthBytes of [1, 2, 3]) {
    const fill = sizeBytes - start.length - header.length - lengthBytes
    const length = Array.from(
      { length: lengthBytes },
      (_, i) => ((fill >>> (7 * i)) & 0x7f) | (i < lengthBytes - 1 ? 0x80 : 0),
    )
    if (fill >>> (7 * lengthBytes) === 0)
      return Uint8Array.from([...start, ...header, ...length, ...new Uint8Array(fill)])
  }
  throw new Error(`no announcement has ${sizeBytes} bytes`)
}

test('who calls itself learns that another program gets it, or nobody', async () => {
  await using scene = await openScene()
  const { explorer, ear } = scene
  assert.equal(await explorer.callSelf('127.0.0.1'), 'heard')
  await using other = await openTestSocket('127.0.0.1', ear.port)
  assert.equal(await explorer.callSelf('127.0.0.1'), 'silent')
  other.on('message', (_, from) => other.send(Buffer.from('mine'), from.port, from.address))
  assert.equal(await explorer.callSelf('127.0.0.1'), 'other')
})

suite('what the ear hears', { concurrency: true }, () => {
  test('U12: datagrams of up to 1,024 bytes are read, longer ones are dropped and counted', async () => {
    await using scene = await openScene()
    await using stranger = await openTestSocket()
    const { node, explorer, ear } = scene
    for (const sizeBytes of [1023, 1024]) {
      const announcement = announcementOf()
      const bytes = announcementOfSize(announcement, sizeBytes)
      assert.equal(bytes.length, sizeBytes)
      await say(stranger, bytes, ear)
      const sighting = await node.sighting((one) => one.announcement.id === announcement.id)
      assert.deepEqual(sighting.announcement, announcement)
    }
    for (const sizeBytes of [1025, 1472, 8192, 65_507]) {
      await say(stranger, announcementOfSize(announcementOf(), sizeBytes), ear)
    }
    await until(() => explorer.counters.dropped.get('too-long') === 4)
    assert.equal(node.sightings.length, 2)
    assert.equal(node.questions.length, 2)
  })

  test('U1, U2: a datagram without a peer is dropped and counted', async () => {
    await using scene = await openScene()
    await using stranger = await openTestSocket()
    for (const hex of ['', '10c13e', '0a00', 'ff', '47455420']) {
      await say(stranger, Buffer.from(hex, 'hex'), scene.ear)
    }
    await until(() => scene.explorer.counters.dropped.get('invalid') === 5)
    assert.equal(scene.node.sightings.length, 0)
    assert.equal(scene.node.questions.length, 0)
  })

  test('U20: who is on the same host, at the same address, is heard', async () => {
    await using scene = await openScene()
    await using other = await openTestSocket('127.0.0.1')
    const announcement = announcementOf()
    await say(other, encodeAnnouncement(announcement), scene.ear)
    const sighting = await scene.node.sighting((one) => one.announcement.id === announcement.id)
    assert.equal(sighting.source.address, '127.0.0.1')
    assert.equal(sighting.source.port, other.address().port)
  })

  test('the answer leaves from the discovery port, to where the question came from', async () => {
    await using scene = await openScene()
    await using asker = await openTestSocket()
    const answer = once(asker, 'message')
    await say(asker, encodeAnnouncement(announcementOf()), scene.ear)
    const [bytes, source] = (await answer) as [Uint8Array, Endpoint]
    assert.deepEqual(Buffer.from(bytes), Buffer.from(encodeAnnouncement(scene.node.announcement)))
    assert.equal(source.port, scene.ear.port)
    assert.equal(source.address, scene.ear.address)
  })

  test('answers that wait are bounded; more questions go unanswered and are counted', async () => {
    await using scene = await openScene({ decide: () => ({ answer: true, delayMs: 60_000 }) })
    await using stranger = await openTestSocket()
    const { explorer, ear } = scene
    for (let i = 0; i < limits.pendingAnswers + 50; i++) {
      await say(stranger, encodeAnnouncement(announcementOf()), ear)
    }
    await until(() => (explorer.counters.dropped.get('too-many-questions') ?? 0) > 0)
    assert.equal(explorer.counters.answered, 0)
  })
})

/** Asks the policy that nodes use, with `discoveryPort` changed as the test needs it. */
function policyOf(node: ListeningNode, portOf: (discoveryPort: number) => number): Decide {
  const policy = new AnswerPolicy()
  return ({ announcement: { id, upgrade }, source }, discoveryPort) =>
    policy.decide({
      sourceAddress: source.address,
      sourcePort: source.port,
      discoveryPort: portOf(discoveryPort),
      selfId: node.announcement.id,
      peerId: id,
      instance: upgrade?.instance,
      wantsAnswer: upgrade?.wantsAnswer ?? false,
      leaving: upgrade?.leaving ?? false,
      onLink: true,
      knownPeers: 0,
      announcedAt: undefined,
      now: performance.now(),
      random: 0,
    })
}

/** One forged datagram, as if a peer that answers everything had announced from its discovery port. */
async function answersToForgedAnswer(decideOf: (node: ListeningNode) => Decide): Promise<number> {
  const node = new ListeningNode()
  await using scene = await openScene(Object.assign(node, { decide: decideOf(node) }))
  const { explorer, ear } = scene
  await using reference = await openTestSocket('127.0.0.2', ear.port)
  const bytes = encodeAnnouncement(announcementOf({ upgrade: undefined }))
  reference.on('message', (_, source) => reference.send(bytes, source.port, source.address))
  await say(reference, bytes, ear)
  await scene.node.sighting((one) => one.source.address === '127.0.0.2')
  const end = performance.now() + 300
  while (performance.now() < end && explorer.counters.answered < 100) await delay(10)
  return explorer.counters.answered
}

suite('U13: what comes from a discovery port is an answer', { concurrency: true }, () => {
  test('U13: it is heard, and not answered', async () => {
    assert.equal(await answersToForgedAnswer((node) => policyOf(node, (port) => port)), 0)
  })

  test('U13 twin: without the rule it is answered', async () => {
    assert.ok((await answersToForgedAnswer((node) => policyOf(node, () => 0))) > 0)
  })

  test('U13 twin: without any rule, one datagram makes two peers answer each other for ever', async () => {
    assert.ok((await answersToForgedAnswer(() => answerAtOnce)) >= 100)
  })

  test('U13: what a mouth hears is an answer and never answered, whatever port it comes from', async () => {
    await using scene = await openScene({ decide: answerAtOnce })
    const { node, explorer, ear } = scene
    const other = new ListeningNode()
    const factory = broadcast({ port: ear.port, interfaceName: loopbackName(), periodMs: 60_000 })
    await using _hears = await factory(other)
    await explorer.announce()
    const { source: mouth } = await other.sighting((one) => one.announcement.id === node.announcement.id)
    const { answered } = explorer.counters
    const questions = node.questions.length
    await using stranger = await openTestSocket()
    const announcement = announcementOf()
    await say(stranger, encodeAnnouncement(announcement), mouth)
    const sighting = await node.sighting((one) => one.announcement.id === announcement.id)
    assert.equal(sighting.answer, true)
    assert.equal(node.questions.length, questions)
    assert.equal(explorer.counters.answered, answered)
  })
})

/** Somebody at an address who says `replies` to each datagram. */
async function meetSomebody(
  scene: Scene,
  replies: (question: Uint8Array) => readonly Uint8Array[],
): Promise<string> {
  await using somebody = await openTestSocket()
  somebody.on('message', (question, source) => {
    for (const reply of replies(question)) somebody.send(reply, source.port, source.address)
  })
  const { kind } = await scene.explorer.probe({ address: '127.0.0.1', port: somebody.address().port })
  return kind
}

suite('what a probe meets', { concurrency: true }, () => {
  test('who answers something else is not a peer', async () => {
    await using scene = await openScene()
    assert.equal(await meetSomebody(scene, () => [Buffer.from('HTTP/1.1 400')]), 'not-a-peer')
    assert.equal(scene.node.sightings.length, 0)
  })

  test('who sends our own words back is not a peer', async () => {
    await using scene = await openScene()
    assert.equal(await meetSomebody(scene, (question) => [question]), 'not-a-peer')
    assert.equal(scene.node.sightings.length, 0)
  })

  test('noise before the answer does not hide the peer', async () => {
    await using scene = await openScene()
    const reply = encodeAnnouncement(announcementOf({ upgrade: undefined }))
    assert.equal(await meetSomebody(scene, () => [Buffer.from('noise'), Buffer.alloc(0), reply]), 'peer')
  })

  test('an answer from another port or address is not the answer', async () => {
    await using scene = await openScene()
    await using other = await openTestSocket()
    const reply = encodeAnnouncement(announcementOf())
    await using asked = await openTestSocket()
    asked.on('message', (_, source) => other.send(reply, source.port, source.address))
    const at = { address: '127.0.0.1', port: asked.address().port }
    assert.deepEqual(await scene.explorer.probe(at), { kind: 'no-answer' })
  })

  test('a host may be given by name; the peer is then known by its address', async () => {
    await using scene = await openScene()
    await using somebody = await openTestSocket()
    const reply = encodeAnnouncement(announcementOf())
    somebody.on('message', (_, source) => somebody.send(reply, source.port, source.address))
    const { port } = somebody.address()
    const result = await scene.explorer.probe({ address: 'localhost', port })
    assert.ok(result.kind === 'peer')
    assert.equal(result.sighting.source.address, '127.0.0.1')
    assert.equal(result.sighting.source.port, port)
  })

  test('U21: an address that nothing can be sent to is an error that names it', async () => {
    await using scene = await openScene()
    await assert.rejects(
      scene.explorer.probe({ address: '255.255.255.255', port: 8001 }),
      (error: Error) =>
        isP2PError(error, 'network-unusable') && error.message.includes('255.255.255.255:8001'),
    )
    await assert.rejects(scene.explorer.probe({ address: '127.0.0.1', port: 0 }), (error) =>
      isP2PError(error, 'network-unusable'),
    )
  })
})

suite('an explorer that cannot open', () => {
  test('a discovery port that a program has for itself is an error that names it', async () => {
    await using holder = await openTestSocket('0.0.0.0', await freeUdpPort())
    const { port } = holder.address()
    await assert.rejects(
      broadcast({ port, interfaceName: loopbackName() })(new ListeningNode()),
      (error: Error) => isP2PError(error, 'port-taken') && error.message.includes(String(port)),
    )
  })

  test('an unknown interface is an error that lists the real ones', async () => {
    const name = `${loopbackName()}9`
    await assert.rejects(
      broadcast({ interfaceName: name })(new ListeningNode()),
      (error: Error) =>
        isP2PError(error, 'interface-unknown') &&
        error.message.includes(name) &&
        error.message.includes(`Did you mean ${loopbackName()}?`),
    )
  })

  test('what cannot be announced is thrown, and the port is free again', async () => {
    const node = new ListeningNode()
    node.decide = answerNothing
    node.announcement = announcementOf({ port: 0 })
    const port = await freeUdpPort()
    await assert.rejects(broadcast({ port, interfaceName: loopbackName() })(node), (error) =>
      isP2PError(error),
    )
    await using _free = await openTestSocket('0.0.0.0', port)
  })
})
