/** Nodes that are killed in the middle of transfers: nothing is damaged or lost, and little comes twice. */
import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { copyFileSync, mkdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test, type TestContext } from 'node:test'
import { limits } from '../../src/base/limits.ts'
import { freeUdpPort } from '../contracts/loopback.ts'
import { killingUnavailable } from '../identity/first-start.ts'
import { seededRandom } from './killing.ts'
import { hashesBelow, partsBelow, SharingSide } from './sharing-side.ts'

const canTrace = killingUnavailable() === false
const kills = Number(process.env['P2P_KILLS'] ?? 200)
/** Of a run that failed, to run it again. */
const seed = Number(process.env['P2P_SEED'] ?? randomInt(2 ** 31))
/** Starts are mostly waiting: several pairs of nodes are killed at the same time. */
const pairs = 4
const mebibyte = 1024 * 1024
/** Of the packs under way: what comes beside contents. */
const tableBytes = 16 * 1024
const download = 24 * mebibyte
const tracedCalls = 'pwrite64,fdatasync,fsync,link,unlink,rename,mkdir,openat,ftruncate'

/** What is taken, and how. `earlier`: another version of it lies there under its name. */
interface Plan {
  readonly path: 'large' | 'small' | 'both'
  readonly how: 'get' | 'earlier' | 'offer'
}

const plans: readonly Plan[] = [
  { path: 'large', how: 'get' },
  { path: 'small', how: 'get' },
  { path: 'both', how: 'get' },
  { path: 'large', how: 'earlier' },
  { path: 'both', how: 'offer' },
]

test(`${kills} kills of either side damage nothing, lose nothing, and repeat at most 8 MiB`, async (t) => {
  t.diagnostic(`P2P_SEED=${seed} runs this one again`)
  const each = Math.ceil(kills / pairs)
  const runs = Array.from({ length: pairs }, (_, pair) => runPair(t, seededRandom(seed + pair), each))
  const found = await Promise.all(runs)
  const whileMoving = found.reduce((sum, one) => sum + one.whileMoving, 0)
  const transfers = found.reduce((sum, one) => sum + one.transfers, 0)
  t.diagnostic(
    `${whileMoving} of ${each * pairs} kills came while bytes were on their way, in ${transfers} transfers`,
  )
  for (const { mostRepeated, mostOf } of found)
    t.diagnostic(
      `at most ${(mostRepeated / mebibyte).toFixed(2)} MiB were repeated after a kill, of ${mostOf}`,
    )
  assert.ok(whileMoving > kills / 3, `only ${whileMoving} kills came while bytes were on their way`)
})

interface Found {
  whileMoving: number
  transfers: number
  mostRepeated: number
  /** In a transfer of this. */
  mostOf: string
}

async function runPair(t: TestContext, random: () => number, wanted: number): Promise<Found> {
  const port = await freeUdpPort()
  using sender = new SharingSide(port)
  using receiver = new SharingSide(port, { download })
  writeSources(sender.shared)
  await Promise.all([sender.start(), receiver.start()])
  await sender.share()
  const sources = hashesBelow(sender.shared)
  const found: Found = { whileMoving: 0, transfers: 0, mostRepeated: 0, mostOf: '' }
  for (let left = wanted; left > 0 && !t.signal.aborted; found.transfers++) {
    const plan = plans[Math.floor(random() * plans.length)]!
    const taking = new Taking({ plan, sender, receiver, sources }, found)
    try {
      left = await taking.run(left, random)
    } catch (error) {
      t.diagnostic(`${plan.how} ${plan.path}, kill ${wanted - left} and on`)
      throw error
    }
  }
  await Promise.all([sender.stop(), receiver.stop()])
  return found
}

interface Pair {
  readonly plan: Plan
  readonly sender: SharingSide
  readonly receiver: SharingSide
  /** Hashes of what is shared. */
  readonly sources: ReadonlyMap<string, string>
}

/** One transfer, and the kills during it. */
class Taking {
  readonly #pair: Pair
  readonly #found: Found
  /** What the folder may hold. */
  readonly #expected: Map<string, string>
  #id = ''
  #arrivedBefore = 0
  /** Arrived, and was not noted when the receiver was killed. */
  #repeated = 0
  #kills = 0
  /** Since the receiver was killed last: what a sender has not given completely comes again too. */
  #killsSince = 0

  constructor(pair: Pair, found: Found) {
    this.#pair = pair
    this.#found = found
    const { path, how } = pair.plan
    const wanted = [...pair.sources].filter(([name]) => name === path || name.startsWith(`${path}/`))
    this.#expected = new Map(wanted.map(([name, hash]) => [how === 'earlier' ? `${name} (2)` : name, hash]))
  }

  /** @returns how many kills are left */
  async run(left: number, random: () => number): Promise<number> {
    const { receiver } = this.#pair
    await this.#begin()
    let remaining = left
    while (remaining > 0 && (await this.#moves())) {
      await this.#killSomewhere(random)
      remaining--
      this.#kills++
    }
    await this.#end()
    this.#assertRepeatsLittle()
    this.#assertWhole()
    await this.#assertNothingLeft()
    rmSync(receiver.down, { recursive: true })
    mkdirSync(receiver.down)
    await receiver.clear()
    return remaining
  }

  async #begin(): Promise<void> {
    const { plan, sender, receiver } = this.#pair
    if (plan.how === 'earlier') {
      writeEarlier(join(sender.shared, plan.path), join(receiver.down, plan.path))
      for (const [name, hash] of hashesBelow(receiver.down)) this.#expected.set(name, hash)
    }
    this.#arrivedBefore = receiver.arrived
    this.#id =
      plan.how === 'offer'
        ? await sender.send(receiver, plan.path)
        : await receiver.get(sender, `stuff/${plan.path}`)
  }

  /** Waits until something comes, or it is over. @returns whether it goes on */
  async #moves(): Promise<boolean> {
    const { receiver } = this.#pair
    const before = receiver.arrived
    for (let tries = 0; ; tries++) {
      if (await this.#isOver()) return false
      if (receiver.arrived > before) return true
      assert.ok(tries < 3_000, `nothing moves: ${JSON.stringify((await receiver.view()).transfers)}`)
      await sleep(20)
    }
  }

  async #isOver(): Promise<boolean> {
    const { transfers } = await this.#pair.receiver.view()
    const transfer = transfers.find(({ id, offerId }) => id === this.#id || offerId === this.#id)
    assert.notEqual(transfer?.state, 'failed', transfer?.reason)
    if (this.#pair.plan.how !== 'offer') assert.ok(transfer, 'the transfer is lost')
    return transfer?.state === 'done'
  }

  async #killSomewhere(random: () => number): Promise<void> {
    const { sender, receiver } = this.#pair
    const victim = random() < 0.6 ? receiver : sender
    const before = receiver.arrived
    const [traced, amount] = [random() < 0.5, random()]
    // A moment at random is hardly ever one between what is written and what is noted.
    if (canTrace && traced) await victim.killAtCall(tracedCalls, 1 + Math.floor(amount * 60))
    else {
      await sleep(amount * 700)
      await victim.kill()
    }
    if (receiver.arrived > before) this.#found.whileMoving++
    await this.#inspect(victim)
    await victim.start()
  }

  async #inspect(victim: SharingSide): Promise<void> {
    const { plan, receiver } = this.#pair
    this.#assertNothingDamaged()
    const remains = await victim.remains(this.#id)
    this.#killsSince++
    if (victim !== receiver) return
    const killsSince = this.#killsSince
    this.#killsSince = 0
    if (plan.how !== 'offer') assert.ok(remains, 'the transfer is lost')
    if (remains === undefined || plan.how === 'earlier') return
    const arrived = receiver.arrived - this.#arrivedBefore
    const repeats = arrived - this.#repeated - remains.bytes
    this.#repeated += Math.max(0, repeats)
    if (killsSince === 1 && repeats > this.#found.mostRepeated)
      Object.assign(this.#found, { mostRepeated: repeats, mostOf: plan.path })
    const most = killsSince * (limits.repeatedBytes + tableBytes)
    assert.ok(repeats <= most, `${repeats} bytes that had come are not noted, after ${killsSince} kills`)
  }

  async #end(): Promise<void> {
    const { plan, sender, receiver } = this.#pair
    for (let tries = 0; !(await this.#isOver()); tries++) {
      assert.ok(tries < 1_200, `it does not end: ${JSON.stringify((await receiver.view()).transfers)}`)
      await sleep(50)
    }
    if (plan.how !== 'offer') return
    for (const side of [sender, receiver]) {
      for (let tries = 0; ; tries++) {
        const offer = (await side.view()).offers.find(({ id }) => id === this.#id)
        if (offer?.state === 'received') break
        assert.ok(tries < 600, `the offer is ${offer?.state}, and not received`)
        await sleep(50)
      }
    }
  }

  /** Whatever has a name is whole, and is what it was said to be. */
  #assertNothingDamaged(): ReadonlyMap<string, string> {
    const there = hashesBelow(this.#pair.receiver.down)
    for (const [name, hash] of there)
      assert.equal(hash, this.#expected.get(name), `${name} is damaged, or too much`)
    return there
  }

  #assertWhole(): void {
    const there = this.#assertNothingDamaged()
    assert.equal(there.size, this.#expected.size, 'files are missing')
  }

  #assertRepeatsLittle(): void {
    const { plan, receiver } = this.#pair
    const size = sizes[plan.path] - (plan.how === 'earlier' ? unchangedBytes : 0)
    const arrived = receiver.arrived - this.#arrivedBefore
    const most = size * 1.01 + this.#kills * limits.repeatedBytes
    assert.ok(arrived <= most, `${arrived} bytes came of ${size}, with ${this.#kills} kills`)
  }

  /** Folders of small files stay for an hour, since another program may be using them; then the next transfer removes them. */
  async #assertNothingLeft(): Promise<void> {
    const { sender, receiver } = this.#pair
    const left = partsBelow(receiver.down)
    for (const path of left) utimesSync(join(receiver.down, path), 1, 1)
    if (left.length > 0) await receiver.finished(await receiver.get(sender, 'stuff/tiny'))
    assert.deepEqual(partsBelow(receiver.down), [], 'parts are left over')
  }
}

const sizes = { large: 40 * mebibyte, small: 0, both: 0 }
const unchangedBytes = 24 * mebibyte

function writeSources(folder: string): void {
  const write = (name: string, bytes: number): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), randomBytes(bytes))
  }
  write('large', sizes.large)
  write('tiny', 10)
  sizes.small = 0
  sizes.both = 20 * mebibyte
  for (let file = 0; file < 1_500; file++) {
    const bytes = file % 50 === 0 ? 500_000 : 100 + ((file * 37) % 9_000)
    write(`small/${file % 7}/${file % 11}/${file}`, bytes)
    sizes.small += bytes
  }
  for (const name of ['one', 'two']) write(`both/${name}`, 10 * mebibyte)
  for (let file = 0; file < 300; file++) {
    write(`both/folder/${file}`, 2_000)
    sizes.both += 2_000
  }
}

/** A version with other bytes at its end. */
function writeEarlier(source: string, path: string): void {
  copyFileSync(source, path)
  truncateSync(path, unchangedBytes)
}
