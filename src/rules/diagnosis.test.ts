import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { findingsOf } from './diagnosis.ts'
import {
  findingTable,
  type Facts,
  type FindingCode,
  type NetworkFacts,
  type Obstacle,
  type PeerFacts,
  type WayFacts,
} from './findings.ts'

const multicast: WayFacts = {
  way: 'multicast',
  joined: true,
  sent: 2,
  failed: 0,
  lastError: '',
  heard: 1,
  echoed: 2,
  answers: 1,
}
const broadcast: WayFacts = { ...multicast, way: 'broadcast', joined: undefined }
const eth0: NetworkFacts = {
  name: 'eth0',
  address: '192.0.2.1',
  netmask: '255.255.255.0',
  kind: 'physical',
  ways: [multicast, broadcast],
  unicast: 'heard',
  tcp: 'open',
}
const desk: PeerFacts = {
  id: 'b',
  name: 'desk',
  kind: 'p2p',
  address: '192.0.2.2',
  port: 8001,
  discoveryPort: 8001,
  origin: 'heard',
  via: ['multicast'],
  network: 'eth0',
  here: false,
  udp: 'answered',
  tcp: 'answered',
}
const healthy: Facts = {
  port: 8001,
  discoveryPort: 8001,
  ways: ['multicast'],
  obstacles: [],
  networks: [eth0],
  peers: [desk],
  elsewhere: [],
  receiveBufferBytes: 4 * 1024 * 1024,
  inContainer: false,
}

const asked: PeerFacts = { ...desk, origin: 'asked', via: [] }
const withNetwork = (changes: Partial<NetworkFacts>): Partial<Facts> => ({
  networks: [{ ...eth0, ...changes }],
})
const withWay = (changes: Partial<WayFacts>): Partial<Facts> =>
  withNetwork({ ways: [{ ...multicast, ...changes }, broadcast] })
const withPeer = (changes: Partial<PeerFacts>): Partial<Facts> => ({ peers: [{ ...asked, ...changes }] })
const withObstacle = (kind: Obstacle['kind'], program = ''): Partial<Facts> => ({
  obstacles: [{ kind, message: 'Something happened. Do this now.', program }],
})

/** What is changed about a healthy machine, and everything that is then found. */
const table: readonly (readonly [string, Partial<Facts>, readonly FindingCode[]])[] = [
  ['nothing', {}, []],
  ['no network', { networks: [{ ...eth0, name: 'lo', kind: 'loopback' }] }, ['no-network']],
  ['no interface', { networks: [], peers: [] }, ['no-network']],
  ['an unknown interface', { ...withObstacle('interface-unknown'), networks: [] }, ['interface-unknown']],
  ['a forbidden port', withObstacle('port-forbidden'), ['port-forbidden']],
  ['some other refusal', withObstacle('not-started'), ['not-started']],
  ['TCP port taken', withObstacle('tcp-port-taken', 'nginx (process 7)'), ['tcp-port-taken']],
  ['UDP port taken', { ...withObstacle('udp-port-taken'), networks: [] }, ['udp-port-taken']],
  [
    'TCP port taken by a reference',
    { ...withObstacle('tcp-port-taken'), ...withPeer({ here: true, kind: 'reference' }) },
    ['reference-here'],
  ],
  [
    'TCP port taken by a p2p',
    { ...withObstacle('tcp-port-taken'), ...withPeer({ here: true }) },
    ['p2p-here'],
  ],
  ['our own address', withPeer({ here: true, id: '', kind: 'unknown', udp: 'not-tried' }), []],
  ['sends refused', withWay({ sent: 0, failed: 2, lastError: 'EPERM', echoed: 0 }), ['sends-blocked']],
  ['sends denied', withWay({ sent: 0, failed: 2, lastError: 'EACCES', echoed: 0 }), ['sends-blocked']],
  ['no route', withWay({ sent: 0, failed: 2, lastError: 'ENETUNREACH', echoed: 0 }), ['sends-failed']],
  ['one failure among successes', withWay({ failed: 1, lastError: 'ENOBUFS' }), []],
  ['not joined', withWay({ joined: false, lastError: 'ENODEV', echoed: 0 }), ['join-failed']],
  ['no echo', withWay({ echoed: 0 }), ['echo-missing']],
  [
    'no echo and no unicast',
    withNetwork({ ways: [{ ...multicast, echoed: 0 }], unicast: 'silent' }),
    ['echo-missing'],
  ],
  [
    'no echo by both ways',
    withNetwork({ ways: [multicast, broadcast].map((way) => Object.assign({}, way, { echoed: 0 })) }),
    ['echo-missing'],
  ],
  [
    'unicast dropped, or kept by the p2p beside',
    { ...withNetwork({ unicast: 'silent' }), ...withPeer({ here: true }) },
    ['p2p-here', 'port-shared'],
  ],
  ['nothing said yet', withWay({ sent: 0, echoed: 0 }), []],
  ['unicast dropped', withNetwork({ unicast: 'silent' }), ['unicast-unheard']],
  ['unicast taken', withNetwork({ unicast: 'other' }), ['port-shared']],
  ['TCP dropped', withNetwork({ tcp: 'silent' }), ['tcp-closed']],
  ['TCP rejected', withNetwork({ tcp: 'refused' }), ['tcp-closed']],
  ['only a tunnel', withNetwork({ kind: 'tunnel' }), ['only-virtual']],
  ['only containers', withNetwork({ kind: 'container' }), ['only-virtual']],
  [
    'a tunnel besides, that carries nothing',
    { networks: [eth0, { ...eth0, name: 'wg0', kind: 'tunnel', ways: [{ ...multicast, echoed: 0 }] }] },
    ['virtual-network'],
  ],
  ['a wrong subnet', { elsewhere: ['198.51.100.9'] }, ['wrong-subnet']],
  [
    'a wrong subnet, and its peer',
    { elsewhere: ['198.51.100.9'], ...withPeer({ address: '198.51.100.9', network: '', udp: 'silent' }) },
    ['wrong-subnet'],
  ],
  ['UDP dropped there', withPeer({ udp: 'silent' }), ['udp-blocked']],
  ['TCP dropped there', withPeer({ via: ['multicast'], tcp: 'silent' }), ['tcp-blocked']],
  ['TCP rejected there', withPeer({ tcp: 'refused' }), ['tcp-blocked']],
  ['heard and unreachable', withPeer({ via: ['multicast'], udp: 'silent', tcp: 'silent' }), ['isolated']],
  ['told of and unreachable', withPeer({ origin: 'told', udp: 'unsent', tcp: 'no-host' }), ['isolated']],
  ['asked for and absent', withPeer({ udp: 'silent', tcp: 'no-host' }), ['peer-silent']],
  [
    'asked for and absent, where another is reached',
    { peers: [desk, { ...asked, address: '192.0.2.3', udp: 'silent', tcp: 'no-host' }] },
    ['peer-silent'],
  ],
  [
    'asked for and unreachable, in another network',
    { peers: [desk, { ...asked, address: '198.51.100.3', network: '', udp: 'silent', tcp: 'silent' }] },
    ['peer-silent'],
  ],
  ['no p2p there', withPeer({ udp: 'refused', tcp: 'refused' }), ['no-p2p-there']],
  ['a web server there', withPeer({ udp: 'silent', tcp: 'open' }), ['no-p2p-there']],
  ['another port, by TCP', withPeer({ udp: 'refused' }), ['other-port']],
  ['another port, as asked', withPeer({ discoveryPort: 8002 }), ['other-port']],
  ['another group', withPeer({}), ['other-group']],
  ['heard by what is only tried', withPeer({ origin: 'heard', via: ['broadcast'] }), ['other-group']],
  [
    'told of, not heard, where others are',
    { peers: [desk, { ...asked, origin: 'told', address: '192.0.2.3' }] },
    [],
  ],
  ['beyond a router', withPeer({ network: '' }), ['other-network']],
  ['beyond a router, and closed', withPeer({ network: '', tcp: 'silent' }), ['other-network']],
  [
    'a firewall here, which explains the rest',
    { ...withWay({ echoed: 0 }), ...withPeer({ udp: 'silent', tcp: 'silent' }) },
    ['echo-missing'],
  ],
  ['a small buffer', { receiveBufferBytes: 212_992 }, ['small-buffer']],
  ['a buffer that is not told', { receiveBufferBytes: 0 }, []],
  ['a container, and nobody met', { inContainer: true, ...withPeer({ udp: 'not-tried' }) }, ['in-container']],
  ['a container with the network of the host', { inContainer: true }, []],
  ['nobody', { peers: [] }, ['nobody']],
]

suite('from facts to findings', () => {
  for (const [name, changes, codes] of table)
    test(name, () => {
      const found = findingsOf({ ...healthy, ...changes })
      assert.deepEqual(
        found.map(({ code }) => code),
        codes,
      )
    })

  test('every finding there is can be found', () => {
    const found = new Set(table.flatMap(([, , codes]) => codes))
    assert.deepEqual([...found].sort(), Object.keys(findingTable).sort())
  })

  test('every finding says in one sentence what is so, and what to do next', () => {
    for (const [, changes] of table)
      for (const { sentence, advice } of findingsOf({ ...healthy, ...changes })) {
        assert.match(sentence, /^[^]{10,}\.$/)
        assert.match(advice, /^[^]{8,}/)
        assert.doesNotMatch(sentence + advice, /undefined|NaN| {2}/)
      }
  })

  test('whatever comes together, the problems are told first', () => {
    const some = fc.subarray(table.map(([, changes]) => changes))
    fc.assert(
      fc.property(some, (changes) => {
        const found = findingsOf(Object.assign({}, healthy, ...changes) as Facts)
        const severities = found.map(({ severity }) => severity)
        assert.ok(severities.lastIndexOf('problem') < (severities.indexOf('note') + 1 || Infinity))
        for (const { code, severity } of found) assert.equal(severity, findingTable[code].severity)
      }),
    )
  })
})
