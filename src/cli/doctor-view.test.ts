import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Diagnosis } from '../index.ts'
import { columnsOf } from '../face/rows.ts'
import { plainStyle } from '../face/style.ts'
import { diagnosisLines } from './doctor-view.ts'

const way = { way: 'multicast', sent: 3, failed: 0, lastError: '', heard: 1, echoed: 3, answers: 1 }
const diagnosis: Diagnosis = {
  port: 8001,
  discoveryPort: 8001,
  ways: ['multicast'],
  obstacles: [],
  networks: [
    {
      name: 'eth0',
      address: '192.168.1.7',
      netmask: '255.255.255.0',
      kind: 'physical',
      ways: [
        { ...way, joined: true },
        { ...way, joined: undefined, way: 'broadcast', sent: 2, heard: 0, echoed: 0, answers: 0 },
      ],
      unicast: 'heard',
      tcp: 'open',
    },
  ],
  peers: [
    {
      id: 'b7b6b5b4',
      name: 'desk\u001B[2J',
      kind: 'p2p',
      address: '192.168.1.20',
      port: 8001,
      discoveryPort: 8001,
      origin: 'heard',
      via: ['multicast'],
      network: 'eth0',
      here: false,
      udp: 'answered',
      tcp: 'silent',
    },
  ],
  elsewhere: [],
  receiveBufferBytes: 0,
  inContainer: false,
  healthy: false,
  findings: [
    {
      code: 'tcp-blocked',
      severity: 'problem',
      about: '192.168.1.20',
      sentence: `desk\u001B[2J answers, but ${'not at its port '.repeat(6)}.`,
      advice: 'Allow TCP port 8001 to come in there.',
    },
  ],
}

test('a diagnosis is two tables, the findings with what to do, and a verdict', () => {
  assert.deepEqual(diagnosisLines(diagnosis, plainStyle), [
    'network  address         multicast  broadcast  UDP  TCP  sent  heard  answers',
    'eth0     192.168.1.7/24  ok         no echo    ok   ok   5     1      1',
    '',
    'peer      address       heard by   UDP       TCP',
    'desk␛[2J  192.168.1.20  multicast  answered  silent',
    '',
    'problem  desk␛[2J answers, but not at its port not at its port not at its port',
    '         not at its port not at its port not at its port .',
    '      →  Allow TCP port 8001 to come in there.',
    '',
    'One thing is wrong.',
  ])
})

test('L1: no line of it commands the terminal, and none is longer than a page', () => {
  for (const line of diagnosisLines(diagnosis, plainStyle)) {
    assert.doesNotMatch(line, /\p{Cc}/u)
    assert.ok(columnsOf(line) <= 80, line)
  }
})

test('what could not be looked at is not shown, and nothing wrong is said so', () => {
  const healthy = { ...diagnosis, networks: [], peers: [], findings: [], healthy: true }
  assert.deepEqual(diagnosisLines(healthy, plainStyle), ['Nothing is wrong here.'])
})
