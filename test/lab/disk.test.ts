/** Disks that take nothing more while people talk: what cannot be kept is refused, and nothing else suffers. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, test } from 'node:test'
import {
  allowWriting,
  fill,
  forbidWriting,
  makeSpace,
  smallDisk,
  strictDisk,
  strictDiskUnavailable,
} from './disk.ts'
import type { Line } from './json-process.ts'
import { labUnavailable, openLab } from './lab.ts'
import { allMeet, errorOf, openPeer, type PeerProcess } from './peer.ts'

interface Disk {
  readonly setUp: string
  block(peer: PeerProcess): void
  free(peer: PeerProcess): void
  readonly reason: RegExp
}

const full: Disk = { setUp: smallDisk, block: fill, free: makeSpace, reason: /disk is full/ }
const readOnly: Disk = {
  setUp: strictDisk,
  block: forbidWriting,
  free: allowWriting,
  reason: /cannot be written/,
}

describe('a disk that takes nothing', { skip: labUnavailable(), concurrency: 2 }, () => {
  test('because it is full: refused with the reason, and well again within 5 s of new space', () =>
    assertSurvives(full))

  test(
    'because it has become read-only: refused with the reason, and well again within 5 s of its end',
    { skip: labUnavailable() || strictDiskUnavailable() },
    () => assertSurvives(readOnly),
  )
})

async function assertSurvives(disk: Disk): Promise<void> {
  await using lab = await openLab({ hosts: 2 })
  await using poor = await openPeer({ host: lab.host(0), setUp: disk.setUp })
  await using rich = await openPeer({ host: lab.host(1) })
  await allMeet([poor, rich])
  await tell(poor, rich, 'all is well')
  await tell(rich, poor, 'here too')

  disk.block(poor)
  const refused = await tellUntilRefused(poor, rich)
  assert.equal(errorOf(refused).code, 'store-unwritable')
  assert.match(errorOf(refused).message, disk.reason)
  const waiting = await tell(rich, poor, 'do you hear me?')
  await poor.warned('store-unwritable')
  await sleep(1_500)
  // A node that cannot keep what it is told does not say that it has it, and shows it to nobody.
  assert.equal(isHeard(poor, 'do you hear me?'), false)
  assert.equal(hasState(rich, waiting, 'delivered'), false)

  disk.free(poor)
  await Promise.all([
    poor.received('do you hear me?', { timeoutMs: 5_000 }),
    rich.event('message:state', isState(waiting, 'delivered'), { timeoutMs: 5_000 }),
  ])
  await tell(poor, rich, 'well again')
  await rich.received('well again')
  assertAllArrived(poor, rich)
  for (const peer of [poor, rich]) assert.ok(!peer.lines.some(({ type }) => type === 'session:closed'))
}

/** @returns the ID of the message */
async function tell(from: PeerProcess, to: PeerProcess, text: string): Promise<string> {
  const { message } = (await from.command(`tell ${to.id} ${text}`)) as { message: { id: string } }
  return message.id
}

/** A disk has some room inside the files that are there already. @returns the refusal */
async function tellUntilRefused(from: PeerProcess, to: PeerProcess): Promise<Line> {
  for (let number = 0; number < 200; number++) {
    const done = await from.attempt(`tell ${to.id} filling ${number} ${'x'.repeat(100_000)}`)
    if (done['ok'] !== true) return done
  }
  throw new Error('the disk takes everything')
}

/** What was refused came nowhere; what was accepted arrived, once. */
function assertAllArrived(from: PeerProcess, to: PeerProcess): void {
  const accepted = from.lines.filter(({ type, ok }) => type === 'command:done' && ok === true)
  const told = accepted
    .map(({ command }) => /^tell \S+ (.*)$/s.exec(String(command))?.[1])
    .filter((text) => text !== undefined)
  assert.deepEqual(textsHeard(to), told)
}

const textsHeard = (peer: PeerProcess): readonly string[] =>
  peer.lines
    .filter(({ type }) => type === 'message:received')
    .map(({ message }) => (message as { text: string }).text)

const isHeard = (peer: PeerProcess, text: string): boolean => textsHeard(peer).includes(text)

const isState =
  (id: string, state: string) =>
  (line: Line): boolean =>
    line['messageId'] === id && line['state'] === state

const hasState = (peer: PeerProcess, id: string, state: string): boolean =>
  peer.lines.some((line) => line.type === 'message:state' && isState(id, state)(line))
