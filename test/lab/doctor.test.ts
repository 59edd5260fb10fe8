/** Every usual cause for which two machines do not see each other, produced for real; the doctor names it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Diagnosis, FindingCode } from '../../src/index.ts'
import { complaintsAboutDiagnosis } from '../cli/diagnosis-schema.ts'
import { configText } from './config.ts'
import { labUnavailable, openLab, type Lab, type LabHost } from './lab.ts'
import { openPeer } from './peer.ts'
import { openReference } from './reference.ts'

const skip = labUnavailable()
const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

interface Examined {
  readonly status: number | null
  readonly diagnosis: Diagnosis
  /** `code about`, of the problems. */
  readonly problems: readonly string[]
  readonly notes: readonly FindingCode[]
}

/** Runs `p2p doctor --json` on a host. */
async function examine(host: LabHost, args: readonly string[] = [], config = ''): Promise<Examined> {
  const dataDir = await mkdtemp(join(tmpdir(), 'p2p-doctor-'))
  await writeFile(join(dataDir, 'config.yaml'), config)
  try {
    const child = host.spawn([
      process.execPath,
      program,
      'doctor',
      '--json',
      '--wait',
      '0',
      '--data-dir',
      dataDir,
      ...args,
    ])
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    const [printed, errors, status] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    assert.equal(errors, '')
    const diagnosis = JSON.parse(printed) as Diagnosis
    assert.deepEqual(complaintsAboutDiagnosis(diagnosis), [])
    const problems = diagnosis.findings.filter(({ severity }) => severity === 'problem')
    const notes = diagnosis.findings.filter(({ severity }) => severity === 'note')
    assert.equal(status, problems.length > 0 ? 1 : 0, printed)
    return {
      status,
      diagnosis,
      problems: problems.map(({ code, about }) => `${code} ${about}`.trim()),
      notes: notes.map(({ code }) => code),
    }
  } finally {
    await rm(dataDir, { recursive: true })
  }
}

function filter(host: LabHost, hook: 'input' | 'output', rule: string): void {
  const chain = `chain one { type filter hook ${hook} priority 0; policy accept; ${rule}; }`
  host.run(['nft', '-f', '-'], `table inet doctor { ${chain}; }\n`)
}

/** As an access point with client isolation does: ports so marked reach the others, and not each other. */
function isolate(lab: Lab, ...hosts: readonly LabHost[]): void {
  for (const host of hosts) {
    const args = ['-n', lab.hub, 'link', 'set', host.portOf(0), 'type', 'bridge_slave', 'isolated', 'on']
    const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
  }
}

const explorerAt = (address: string, port: number): string =>
  `explorer:\n  multicast:\n    address: ${address}\n    port: ${port}\n`

describe('the doctor finds nothing wrong', { skip, concurrency: 2 }, () => {
  test('where two peers see each other, and shows what works', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using peer = await openPeer({ host: lab.host(1), args: ['--name', 'desk'] })
    const { diagnosis, problems, status } = await examine(lab.host(0))
    assert.deepEqual([problems, status], [[], 0])
    const [network] = diagnosis.networks
    assert.deepEqual([network?.name, network?.unicast, network?.tcp], ['eth0', 'heard', 'open'])
    for (const way of network?.ways ?? []) assert.ok(way.sent > 0 && way.echoed > 0, way.way)
    assert.deepEqual(
      network?.ways.map(({ way }) => way),
      ['multicast', 'broadcast'],
    )
    const [other] = diagnosis.peers
    assert.deepEqual(
      [other?.id, other?.name, other?.udp, other?.tcp],
      [peer.id, 'desk', 'answered', 'answered'],
    )
    assert.deepEqual(other?.via, ['multicast'])
  })

  test('beside a reference peer on another host', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using reference = await openReference(lab.host(1))
    const { diagnosis, problems } = await examine(lab.host(0))
    assert.deepEqual(problems, [])
    const [other] = diagnosis.peers
    assert.deepEqual([other?.id, other?.kind, other?.tcp], [reference.id, 'reference', 'answered'])
  })

  test('where nobody else is, and beside a p2p that runs', async () => {
    await using lab = await openLab({ hosts: 1 })
    const alone = await examine(lab.host(0))
    assert.deepEqual([alone.problems, alone.notes.includes('nobody')], [[], true])
    await using _peer = await openPeer({ host: lab.host(0) })
    const beside = await examine(lab.host(0))
    assert.deepEqual([beside.problems, beside.notes.includes('p2p-here')], [[], true])
  })
})

describe('the doctor names a firewall', { skip, concurrency: 2 }, () => {
  test('of this machine, against what comes in by UDP', async () => {
    await using lab = await openLab({ hosts: 1 })
    filter(lab.host(0), 'input', 'iifname eth0 udp dport 8001 drop')
    const { problems } = await examine(lab.host(0))
    assert.deepEqual(problems, ['echo-missing eth0'])
  })

  test('of this machine, against single datagrams, and against connections', async () => {
    await using lab = await openLab({ hosts: 1 })
    const [host] = lab.hosts
    filter(host!, 'input', `ip daddr ${host!.address} udp dport 8001 drop; tcp dport 8001 drop`)
    const { problems } = await examine(host!)
    assert.deepEqual(problems, ['unicast-unheard eth0', 'tcp-closed eth0'])
  })

  test('of this machine, against what leaves', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using _peer = await openPeer({ host: lab.host(1) })
    filter(lab.host(0), 'output', 'oifname eth0 udp dport 8001 drop')
    const { problems } = await examine(lab.host(0))
    assert.deepEqual(problems, ['sends-blocked eth0'])
  })

  test('of a peer, against UDP', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using _peer = await openPeer({ host: lab.host(1) })
    lab.host(1).drop('udp dport 8001')
    const { address } = lab.host(1)
    const { problems } = await examine(lab.host(0), ['--peer', address])
    assert.deepEqual(problems, [`udp-blocked ${address}`])
  })

  test('of a peer, against TCP', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using _peer = await openPeer({ host: lab.host(1) })
    lab.host(1).drop('tcp dport 8001')
    const { problems } = await examine(lab.host(0))
    assert.deepEqual(problems, [`tcp-blocked ${lab.host(1).address}`])
  })
})

describe('the doctor names a network that is none', { skip, concurrency: 2 }, () => {
  test('no interface at all', async () => {
    await using lab = await openLab({ hosts: [[]] })
    assert.deepEqual((await examine(lab.host(0))).problems, ['no-network'])
  })

  test('an interface of containers alone, and beside another', async () => {
    await using lab = await openLab({ hosts: [[], [0]] })
    for (const host of lab.hosts)
      host.ip(
        'link add docker0 type bridge',
        'address add 172.17.0.1/16 brd + dev docker0',
        'link set docker0 up',
      )
    const [alone, beside] = await Promise.all(lab.hosts.map((host) => examine(host)))
    assert.deepEqual(alone?.problems, ['only-virtual docker0'])
    assert.deepEqual([beside?.problems, beside?.notes.includes('virtual-network')], [[], true])
  })

  test('clients that the access point keeps apart', async () => {
    await using lab = await openLab({ hosts: 3 })
    isolate(lab, lab.host(0), lab.host(1))
    await using middle = await openPeer({ host: lab.host(2) })
    await using apart = await openPeer({ host: lab.host(1) })
    await middle.found(apart.id)
    // The third one tells of it, so that nobody has to know its address.
    const { problems } = await examine(lab.host(0))
    assert.deepEqual(problems, [`isolated ${lab.host(1).address}`])
    const asked = await examine(lab.host(0), ['--peer', lab.host(1).address])
    assert.deepEqual(asked.problems, problems)
  })

  test('a peer with an address of another subnet', async () => {
    await using lab = await openLab({ hosts: 2 })
    lab.host(1).changeAddress('10.88.0.2')
    lab.host(0).run(['sh', '-c', 'for one in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $one; done'])
    // It cannot answer, so one of its announcements is waited for.
    await using _peer = await openPeer({ host: lab.host(1), config: configText({ period: '5s' }) })
    const { problems } = await examine(lab.host(0), ['--wait', '10'])
    assert.deepEqual(problems, ['wrong-subnet 10.88.0.2'])
  })

  test('an interface that the configuration has and the machine has not', async () => {
    await using lab = await openLab({ hosts: 1 })
    const config = `${explorerAt('235.5.5.11', 8001)}    interface-name: wlan7\n`
    const { problems, diagnosis } = await examine(lab.host(0), [], config)
    assert.deepEqual(problems, ['interface-unknown'])
    assert.match(diagnosis.findings[0]?.advice ?? '', /eth0/)
  })
})

describe('the doctor names two that do not fit', { skip, concurrency: 2 }, () => {
  test('another multicast group, without being asked', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using _peer = await openPeer({ host: lab.host(1), config: explorerAt('235.5.5.12', 8001) })
    const { problems } = await examine(lab.host(0))
    assert.deepEqual(problems, [`other-group ${lab.host(1).address}`])
  })

  test('another discovery port, known or not', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using _peer = await openPeer({ host: lab.host(1), config: explorerAt('235.5.5.11', 8002) })
    const { address } = lab.host(1)
    for (const asked of [address, `${address}:8002`])
      assert.deepEqual((await examine(lab.host(0), ['--peer', asked])).problems, [`other-port ${address}`])
  })

  test('nobody at the address, and no p2p on the machine', async () => {
    await using lab = await openLab({ hosts: 2 })
    const { address } = lab.host(1)
    const { problems } = await examine(lab.host(0), ['--peer', '10.77.0.99', '--peer', address])
    assert.deepEqual(problems, ['peer-silent 10.77.0.99', `no-p2p-there ${address}`])
  })

  test('a peer beyond a router', async () => {
    await using lab = await openLab({ hosts: [[0], [0, 1], [1]] })
    const [here, router, there] = [lab.host(0), lab.host(1), lab.host(2)]
    router.run(['sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'])
    here.ip(`route add default via ${router.addresses[0]}`)
    there.ip(`route add default via ${router.addresses[1]}`)
    await using _peer = await openPeer({ host: there })
    const { problems } = await examine(here, ['--peer', there.address])
    assert.deepEqual(problems, [`other-network ${there.address}`])
  })
})

describe('the doctor names who has a port', { skip, concurrency: 2 }, () => {
  test('a program with the TCP port, and one with the UDP port', async () => {
    await using lab = await openLab({ hosts: 2 })
    const programs = {
      tcp: `require('net').createServer().listen(8001, () => console.log('open'))`,
      udp: `const s = require('dgram').createSocket('udp4'); s.bind(8001, () => console.log('open'))`,
    }
    for (const [index, kind] of (['tcp', 'udp'] as const).entries()) {
      const host = lab.host(index)
      const child = host.spawn([process.execPath, '-e', programs[kind]])
      await new Promise((resolve) => child.stdout.once('data', resolve))
      const { problems, diagnosis } = await examine(host)
      assert.deepEqual(problems, [`${kind}-port-taken 8001`])
      assert.match(diagnosis.findings[0]?.sentence ?? '', /\(process \d+\)/)
    }
  })

  test('a reference peer on this machine', async () => {
    await using lab = await openLab({ hosts: 1 })
    await using _reference = await openReference(lab.host(0), { periodMs: 5_000 })
    const { problems } = await examine(lab.host(0), ['--wait', '10'])
    assert.deepEqual(problems, [`reference-here ${lab.host(0).address}`])
  })
})
