/** The lab itself: its hosts hear each other, its faults are faults, and nothing of it stays. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { labUnavailable, openLab, type LabHost } from './lab.ts'

const skip = labUnavailable()
const canReach = (from: LabHost, to: LabHost, link = 0): boolean => {
  const connect = `require('net').connect(9, '${to.addresses[link]}').on('error', (e) => { console.log(e.code); process.exit() })`
  // A host that is there refuses, at the latest when the request is repeated after a second; else there is silence.
  const script = `${connect};setTimeout(() => process.exit(), 1500)`
  return from.run([process.execPath, '-e', script]).includes('ECONNREFUSED')
}

test('hosts of one network reach each other, hosts of two do not', { skip }, async () => {
  await using lab = await openLab({ hosts: [[0], [0, 1], [1]] })
  const [left, middle, right] = [lab.host(0), lab.host(1), lab.host(2)]
  assert.ok(canReach(left, middle))
  assert.ok(canReach(right, middle, 1))
  assert.ok(!canReach(left, right))
})

test('a cut cable, a link that is down, and a drop rule stop traffic until they end', { skip }, async () => {
  await using lab = await openLab({ hosts: 2 })
  const [one, two] = [lab.host(0), lab.host(1)]
  const faults: readonly (readonly [string, () => void, () => void])[] = [
    ['cut', () => two.cut(), () => two.mend()],
    ['link down', () => two.linkDown(), () => two.linkUp()],
    ['drop', () => two.drop('tcp dport 9'), () => two.dropNothing()],
  ]
  for (const [name, begin, end] of faults) {
    begin()
    assert.ok(!canReach(one, two), name)
    end()
    assert.ok(canReach(one, two), `after ${name}`)
  }
})

test('a host that changes its address is reached there', { skip }, async () => {
  await using lab = await openLab({ hosts: 2 })
  lab.host(1).changeAddress('10.77.0.99')
  assert.ok(canReach(lab.host(0), lab.host(1)))
})

test('sent datagrams are counted', { skip }, async () => {
  await using lab = await openLab({ hosts: 2 })
  const [one, two] = [lab.host(0), lab.host(1)]
  const counted = one.countSent('udp dport 8001')
  const route = { from: { address: one.address, port: 0 }, to: { host: two, port: 8001 } }
  one.sendDatagrams(route, [Buffer.from('x')])
  assert.deepEqual([counted(), one.udpSent(), two.udpSent()], [1, 1, 0])
})

test('nothing of a lab stays, not even of one whose owner was killed', { skip }, async () => {
  const lab = await openLab({ hosts: 1 })
  const { namespace } = lab.host(0)
  const child = lab.host(0).spawn(['sleep', '100'])
  await lab[Symbol.asyncDispose]()
  assert.ok(child.signalCode === 'SIGKILL')
  const url = JSON.stringify(new URL('lab.ts', import.meta.url).href)
  const script = `const { openLab } = await import(${url}); await openLab({ hosts: 1 }); console.log('open'); setInterval(() => {}, 1000)`
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script])
  await once(owner.stdout, 'data')
  owner.kill('SIGKILL')
  await once(owner, 'exit')
  assert.match(names(), new RegExp(`p2plab-${owner.pid}-`))
  await using next = await openLab({ hosts: 1 })
  assert.match(names(), new RegExp(next.host(0).namespace))
  assert.doesNotMatch(names(), new RegExp(`p2plab-${owner.pid}-|${namespace}\\b`))
})

const names = (): string => spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout
