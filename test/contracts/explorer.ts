/** What every explorer must do. Each implementation runs it in its own tests. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'

import { isP2PError } from '../../src/base/errors.ts'
import type { Endpoint, Explorer, ExplorerFactory } from '../../src/discovery/explorer.ts'
import { ListeningNode, answerNothing } from './listening-node.ts'

/** Two explorers that hear each other, on a network of their own. */
interface ExplorerPair {
  readonly first: ExplorerFactory
  readonly second: ExplorerFactory
  /** Where the first one reaches the second, once that is open. */
  readonly secondAt: Endpoint
  /** Where the first one reaches nobody: the host is there, the port is not. */
  readonly nobodyAt: Endpoint
}

export type MakePair = (options: { readonly periodMs: number }) => Promise<ExplorerPair>

interface Meeting extends AsyncDisposable {
  readonly pair: ExplorerPair
  readonly here: ListeningNode
  readonly there: ListeningNode
  readonly first: Explorer
  readonly second: Explorer
}

/** Longer than any test: only what is announced at start and on demand is heard. */
const periodMs = 60_000

async function meet(makePair: MakePair, prepare: Partial<ListeningNode> = {}): Promise<Meeting> {
  const pair = await makePair({ periodMs })
  const here = new ListeningNode()
  const there = Object.assign(new ListeningNode(), prepare)
  await using stack = new AsyncDisposableStack()
  const first = stack.use(await pair.first(here))
  const second = stack.use(await pair.second(there))
  const moved = stack.move()
  return { pair, here, there, first, second, [Symbol.asyncDispose]: () => moved.disposeAsync() }
}

export function explorerContract(name: string, makePair: MakePair): void {
  suite(`${name} keeps the contract of an explorer`, { concurrency: true }, () => {
    startTests(makePair)
    answerTests(makePair)
    probeTests(makePair)
    endTests(makePair)
  })
}

function startTests(makePair: MakePair): void {
  test('who comes second is heard at once, and hears who was there by an answer', async () => {
    await using meeting = await meet(makePair)
    const { here, there, first } = meeting
    const heard = await here.sighting((one) => one.announcement.id === there.announcement.id && !one.answer)
    const answered = await there.sighting((one) => one.announcement.id === here.announcement.id && one.answer)
    assert.deepEqual(heard.announcement, there.announcement)
    assert.deepEqual(answered.announcement, here.announcement)
    assert.equal(heard.via, first.name)
    assert.equal(answered.via, first.name)
  })

  test('what is announced at start is announced once more soon after, and counted', async () => {
    await using meeting = await meet(makePair)
    const { here, there, second } = meeting
    const before = performance.now()
    while (here.count(there, false) < 2 && performance.now() - before < 5_000) await delay(20)
    assert.equal(here.count(there, false), 2)
    assert.ok(second.counters.sent >= 2)
  })

  test('announcements go on by themselves, one in each period', async () => {
    const pair = await makePair({ periodMs: 500 })
    const [here, there] = [new ListeningNode(), new ListeningNode()]
    await using first = await pair.first(here)
    await using _second = await pair.second(there)
    await here.sighting(() => here.count(there, false) >= 5)
    assert.ok(first.counters.heard >= 5)
  })

  test('announce() tells what the node says of itself now', async () => {
    await using meeting = await meet(makePair)
    const { here, there, second } = meeting
    const { upgrade } = there.announcement
    assert.ok(upgrade)
    there.announcement = { ...there.announcement, port: 4711, upgrade: { ...upgrade, leaving: true } }
    await second.announce()
    const told = await here.sighting((one) => one.announcement.port === 4711)
    assert.equal(told.announcement.upgrade?.leaving, true)
  })

  test('U20: an explorer hears neither itself nor its own answers', async () => {
    await using meeting = await meet(makePair)
    const { here, there, first } = meeting
    await first.announce()
    await there.sighting(() => there.count(here) >= 2)
    assert.equal(here.count(here), 0)
    assert.equal(there.count(there), 0)
    assert.deepEqual(here.warnings, [])
  })

  test('U4: our own ID with another instance is counted and told, and is no peer', async () => {
    const twin = new ListeningNode()
    const pair = await makePair({ periodMs })
    await using stack = new AsyncDisposableStack()
    const first = stack.use(await pair.first(twin))
    const impostor = new ListeningNode()
    impostor.announcement = { ...impostor.announcement, id: twin.announcement.id }
    const second = stack.use(await pair.second(impostor))
    for (let i = 0; i < 5; i++) await second.announce()
    const before = performance.now()
    while ((first.counters.dropped.get('duplicate-id') ?? 0) < 5 && performance.now() - before < 5_000)
      await delay(10)
    assert.ok((first.counters.dropped.get('duplicate-id') ?? 0) >= 5)
    assert.equal(twin.sightings.length, 0)
    assert.equal(twin.questions.length, 0)
    assert.equal(twin.duplicates.length, first.counters.dropped.get('duplicate-id'))
  })
}

function answerTests(makePair: MakePair): void {
  test('the node is asked about announcements, and never about answers', async () => {
    await using meeting = await meet(makePair)
    const { here, there, first } = meeting
    await there.sighting((one) => one.answer)
    assert.equal(here.questions.length, here.count(there, false))
    assert.equal(there.questions.length, there.count(here, false))
    assert.ok(first.counters.answered >= 1)
  })

  test('an answer that the node refuses does not leave', async () => {
    await using meeting = await meet(makePair, { decide: answerNothing })
    const { here, there, first, second } = meeting
    await first.announce()
    await there.sighting((one) => one.announcement.id === here.announcement.id && !one.answer)
    await second.announce()
    await here.sighting(() => here.count(there, false) >= 2)
    assert.equal(here.count(there, true), 0)
    assert.equal(second.counters.answered, 0)
  })

  test('an answer that waits is dropped when an announcement has told everybody since', async () => {
    await using meeting = await meet(makePair)
    const { here, there, first, second } = meeting
    await there.sighting((one) => one.answer)
    await here.sighting(() => here.count(there, false) >= 2)
    here.decide = () => ({ answer: true, delayMs: 200 })
    const answered = first.counters.answered
    await second.announce()
    await here.sighting(() => here.count(there, false) >= 3)
    await first.announce()
    await delay(400)
    assert.equal(first.counters.answered, answered)
    // Twin: the same without an announcement in between is answered.
    await second.announce()
    await there.sighting(() => there.count(here, true) > answered)
    assert.equal(first.counters.answered, answered + 1)
  })
}

function probeTests(makePair: MakePair): void {
  test('a probe finds the peer at an address, which knows that it is waited for', async () => {
    await using meeting = await meet(makePair)
    const { pair, here, there, first } = meeting
    const result = await first.probe(pair.secondAt)
    assert.equal(result.kind, 'peer')
    assert.ok(result.kind === 'peer')
    assert.equal(result.sighting.announcement.id, there.announcement.id)
    const { address, port } = result.sighting.source
    assert.deepEqual({ address, port }, pair.secondAt)
    assert.ok(here.sightings.includes(result.sighting))
    const asked = there.sightings.find((one) => one.announcement.upgrade?.wantsAnswer === true)
    assert.equal(asked?.announcement.id, here.announcement.id)
  })

  test('a probe of a port that nobody has is refused', async () => {
    await using meeting = await meet(makePair)
    assert.deepEqual(await meeting.first.probe(meeting.pair.nobodyAt), { kind: 'refused' })
  })

  test('a probe that nobody answers says so after its time', async () => {
    await using meeting = await meet(makePair, { decide: answerNothing })
    const { pair, here, there, first } = meeting
    assert.deepEqual(await first.probe(pair.secondAt), { kind: 'no-answer' })
    // It may have been lost, so it was said again.
    const asked = there.sightings.filter((one) => one.announcement.upgrade?.wantsAnswer === true)
    assert.ok(asked.length >= 2 && asked.length <= 3)
    assert.equal(here.count(there, true), 0)
  })

  test('a probe ends with the reason of its signal', async () => {
    await using meeting = await meet(makePair, { decide: answerNothing })
    const { pair, first } = meeting
    const reason = new Error('enough')
    await assert.rejects(first.probe(pair.secondAt, { signal: AbortSignal.abort(reason) }), reason)
    const abort = new AbortController()
    const probe = first.probe(pair.secondAt, { signal: abort.signal })
    setTimeout(() => abort.abort(reason), 50)
    await assert.rejects(probe, reason)
  })
}

function endTests(makePair: MakePair): void {
  test('who calls itself is heard by itself, and by nobody else', async () => {
    await using meeting = await meet(makePair, { decide: () => ({ answer: false, reason: 'self' }) })
    const { pair, here, second } = meeting
    assert.equal(await second.callSelf(pair.secondAt.address), 'heard')
    assert.ok(here.sightings.every(({ announcement }) => announcement.upgrade?.wantsAnswer !== true))
    const reason = new Error('enough')
    await assert.rejects(
      second.callSelf(pair.secondAt.address, { signal: AbortSignal.abort(reason) }),
      reason,
    )
  })

  test('closing ends probes and waiting answers, and is the same when it is done twice', async () => {
    await using meeting = await meet(makePair, { decide: () => ({ answer: true, delayMs: 300 }) })
    const { pair, here, there, first, second } = meeting
    const probe = first.probe(pair.secondAt)
    await there.sighting((one) => one.announcement.upgrade?.wantsAnswer === true)
    await Promise.all([
      assert.rejects(probe, (error) => isP2PError(error, 'node-stopped')),
      first[Symbol.asyncDispose](),
      second[Symbol.asyncDispose](),
    ])
    await second[Symbol.asyncDispose]()
    const heard = here.sightings.length
    await first.announce()
    await second.announce()
    await delay(400)
    assert.equal(here.sightings.length, heard)
    assert.equal(second.counters.answered, 0)
  })
}
