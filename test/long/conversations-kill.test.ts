/** Nodes that are killed in the middle of a busy exchange lose nothing, and say nothing twice. */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { freeUdpPort } from '../contracts/loopback.ts'
import { killingUnavailable } from '../identity/first-start.ts'
import { seededRandom, Side } from './killing.ts'

const canTrace = killingUnavailable() === false
const kills = Number(process.env['P2P_KILLS'] ?? 200)
/** Of a run that failed, to run it again. */
const seed = Number(process.env['P2P_SEED'] ?? randomInt(2 ** 31))

test(`${kills} kills of either side lose nothing, double nothing and keep the order`, async (t) => {
  t.diagnostic(`P2P_SEED=${seed} runs this one again`)
  const random = seededRandom(seed)
  using one = new Side()
  using two = new Side()
  const port = await freeUdpPort()
  await Promise.all([one.makeIdentity(), two.makeIdentity()])
  one.start(two, port)
  two.start(one, port)
  let whileBusy = 0
  for (let kill = 0; kill < kills; kill++) {
    const [victim, other] = random() < 0.5 ? [one, two] : [two, one]
    await killSomewhere([victim, other], random)
    if ((await victim.inspectRemains(other)) > 0) whileBusy++
    victim.start(other, port)
  }
  await settle(one, two)
  t.diagnostic(`${whileBusy} of ${kills} kills came while messages were on their way`)
  assert.ok(
    whileBusy > kills / 4,
    `only ${whileBusy} of ${kills} kills came while messages were on their way`,
  )
  await assertNothingLost(one, two)
  await assertNothingLost(two, one)
})

/** Most while they talk, and some while they start and find each other. */
async function killSomewhere([victim, other]: readonly [Side, Side], random: () => number): Promise<void> {
  if (random() < 0.85) await victim.heard('session', other)
  if (canTrace && random() < 0.6) {
    // A moment at random is hardly ever one between what is told and what is kept.
    await victim.killAtWrite(1 + Math.floor(random() * 200))
  } else {
    await sleep(random() * 200)
    await victim.kill()
  }
}

async function settle(one: Side, two: Side): Promise<void> {
  await Promise.all([one.heard('session', two), two.heard('session', one)])
  for (const side of [one, two]) side.ask('settle')
  await Promise.all([one.heard('settled', two), two.heard('settled', one)])
  // What arrived last is read a moment later.
  await sleep(500)
  await Promise.all([one.stop(), two.stop()])
}

/** What `author` said, as `reader` has it. */
async function assertNothingLost(author: Side, reader: Side): Promise<void> {
  const said = (await author.messages(reader)).filter(({ incoming }) => !incoming)
  const heard = (await reader.messages(author)).filter(({ incoming }) => incoming)
  assert.deepEqual(
    heard.map(({ id, text }) => `${id} ${text.slice(0, 20)} ${text.length}`),
    said.map(({ id, text }) => `${id} ${text.slice(0, 20)} ${text.length}`),
    'what the other side has is not what was said, in its order',
  )
  assertInOrder(said.map(({ text }) => text))
  const ids = heard.map(({ id }) => String(id))
  assert.equal(new Set(ids).size, ids.length, 'something is there twice')
  const known = new Set(ids)
  for (const file of ['accepted', 'delivered']) {
    const missing = author.noted(file).filter((id) => !known.has(id))
    assert.deepEqual(missing, [], `${file}, and lost`)
  }
  const read = reader.noted('read').filter((line) => line.endsWith('theirs'))
  assert.deepEqual(
    read.map((line) => line.split(' ')[0]),
    ids,
    'one who follows the conversation has not read everything once, in order',
  )
}

/** Texts are `<run>:<number>`, both growing. */
function assertInOrder(texts: readonly string[]): void {
  let last: readonly [run: number, number: number] = [0, 0]
  for (const text of texts) {
    const [run = 0, number = 0] = text.split(' ', 1)[0]!.split(':').map(Number)
    assert.ok(run > last[0] || (run === last[0] && number > last[1]), `${text} comes after ${last.join(':')}`)
    last = [run, number]
  }
}
