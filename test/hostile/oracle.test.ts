/**
 * The global oracle of the threat table: while a stranger sends everything the table lists, the process lives, its memory
 * and event loop stay calm, another peer's session answers, and the log says each cause at most once a minute.
 */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { JsonProcess, type Line } from '../lab/json-process.ts'
import { labUnavailable, openLab, type LabHost } from '../lab/lab.ts'
import { openPeer } from '../lab/peer.ts'

const warmUpS = 4
const attackS = 12
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

interface Report extends Line {
  /** Memory in use, after a collection. */
  readonly liveMiB: number
  readonly rssMiB: number
  readonly loopP99Ms: number
  readonly peers: number
  readonly sessions: number
  readonly uncaught: number
  readonly logged: Readonly<Record<string, number>>
  readonly polluted: boolean
}

class Victim extends JsonProcess {
  async report(): Promise<Report> {
    const since = this.mark
    this.write('report')
    return (await this.line(({ type }) => type === 'report', { since })) as Report
  }
}

function spawnVictim(host: LabHost): Victim {
  return new Victim('the victim', host.spawn([process.execPath, '--expose-gc', script('victim.ts')]))
}

test(
  'under everything that the threat table lists, the global oracle holds',
  { skip: labUnavailable() },
  async (t) => {
    await using lab = await openLab({ hosts: 3 })
    const [home, friendHost, strangerHost] = lab.hosts as [LabHost, LabHost, LabHost]
    const victim = spawnVictim(home)
    const { id } = await victim.line(({ type }) => type === 'started')
    await using friend = await openPeer({ host: friendHost })
    await friend.found(String(id))
    await friend.command(`connect ${String(id)}`)
    // A first attack, so that the code it reaches is warm before memory is compared.
    await attackFrom(strangerHost, home, warmUpS).ended
    const before = await victim.report()

    const attacker = attackFrom(strangerHost, home, attackS)
    const roundTrips: number[] = []
    const underAttack = attacker.ended.then(() => true)
    for (let number = 0; !(await Promise.race([underAttack, sleep(100, false)])); number++) {
      roundTrips.push(await echo(friend, `echo ${number}`))
    }
    const after = await victim.report()
    const { rounds, sessions } = await attacker.line(({ type }) => type === 'done')
    t.diagnostic(
      `rounds ${JSON.stringify(rounds)}, round trips p99 ${percentile(roundTrips, 0.99).toFixed(1)} ms`,
    )
    t.diagnostic(`before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`)

    assert.ok(Number(sessions) > 30, `only ${String(sessions)} sessions were let in`)
    assert.equal(after.uncaught, 0, 'uncaught errors')
    assert.equal(after.polluted, false, 'a prototype was changed')
    assert.ok(roundTrips.length > 50, `${roundTrips.length} round trips`)
    assert.ok(percentile(roundTrips, 0.99) < 200, `round trips ${percentile(roundTrips, 0.99)} ms`)
    assert.ok(after.loopP99Ms < 50, `event loop p99 ${after.loopP99Ms} ms`)
    // What the garbage collector could free is not held by anybody, but V8 keeps the room for it.
    const grownMiB = after.liveMiB - before.liveMiB
    assert.ok(grownMiB < 16, `memory in use grew by ${grownMiB} MiB`)
    assert.ok(after.rssMiB < 400, `resident memory ${after.rssMiB} MiB`)
    assert.ok(after.peers <= 1024 + 1, `${after.peers} peers`)
    for (const [message, times] of Object.entries(after.logged))
      assert.ok(times <= 1, `logged ${times} times: ${message}`)
    assert.equal((await victim.report()).uncaught, 0)
    victim.kill()
    await victim.ended
  },
)

function attackFrom(stranger: LabHost, home: LabHost, seconds: number): JsonProcess {
  const args = [home.address, stranger.address, String(seconds)]
  return new JsonProcess('the attacker', stranger.spawn([process.execPath, script('attack.ts'), ...args]))
}

async function echo(friend: Awaited<ReturnType<typeof openPeer>>, text: string): Promise<number> {
  const started = performance.now()
  const since = friend.mark
  friend.write(text)
  await friend.received(text, { since })
  return performance.now() - started
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
