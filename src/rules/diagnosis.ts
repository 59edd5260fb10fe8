import {
  finding,
  type Facts,
  type Finding,
  type NetworkFacts,
  type NetworkKind,
  type Obstacle,
  type PeerFacts,
  type Text,
} from './findings.ts'
import { networkFindings } from './network-findings.ts'
import { peerFindings } from './peer-findings.ts'

/** What the facts mean, the problems first. */
export function findingsOf(facts: Facts): readonly Finding[] {
  const here = facts.networks.filter(isUsed).flatMap((network) => networkFindings(network, facts))
  const troubled = new Set(here.filter(({ severity }) => severity === 'problem').map(({ about }) => about))
  const found = [
    ...facts.obstacles.flatMap((obstacle) => ofObstacle(obstacle, facts)),
    ...ofPresence(facts),
    ...here,
    ...ofElsewhere(facts),
    // What is wrong here explains what does not work with others there.
    ...facts.peers
      .filter(({ network, address }) => !troubled.has(network) && !facts.elsewhere.includes(address))
      .flatMap((peer) => peerFindings(peer, facts)),
    ...ofSystem(facts),
  ]
  const problems = found.filter(({ severity }) => severity === 'problem')
  const notes = found.filter(({ severity }) => severity === 'note')
  const isAlone = facts.peers.length === 0 && problems.length === 0
  return [...problems, ...notes, ...(isAlone ? [alone()] : [])]
}

function ofObstacle({ kind, message, program }: Obstacle, facts: Facts): readonly Finding[] {
  const who = program === '' ? 'another program' : program
  const { port, discoveryPort } = facts
  switch (kind) {
    case 'tcp-port-taken':
      // Then it is told as what it is.
      if (facts.peers.some((peer) => peer.here && peer.port === port)) return []
      return [
        finding(kind, String(port), [
          `TCP port ${port}, where others reach this machine, belongs to ${who}.`,
          'Stop that program, or start p2p with another port: --port 0 takes a free one.',
        ]),
      ]
    case 'udp-port-taken':
      return [
        finding(kind, String(discoveryPort), [
          `UDP port ${discoveryPort}, through which peers are found, belongs to ${who}, which does not share it.`,
          'Stop that program, or choose another discovery port on every machine.',
        ]),
      ]
    case 'port-forbidden':
    case 'interface-unknown':
    case 'not-started':
      return [finding(kind, '', split(message))]
  }
}

/** An error message of ours is what happened, and then what to do. */
function split(message: string): Text {
  const end = message.indexOf('. ')
  return end < 0
    ? [message, 'Try again, and look into the log file.']
    : [message.slice(0, end + 1), message.slice(end + 2)]
}

/** Whether there is a network at all, and who else is on this machine. */
function ofPresence(facts: Facts): readonly Finding[] {
  const { networks, obstacles, peers, port } = facts
  const outward = networks.filter(isUsed)
  const canTell = !obstacles.some(({ kind }) => kind !== 'tcp-port-taken')
  const names = outward.map(({ name }) => name).join(', ')
  const virtual = outward.filter(({ kind }) => kind !== 'physical')
  const isVirtual = virtual.length > 0 && virtual.length === outward.length
  return [
    ...(canTell && outward.length === 0 ? [finding('no-network', '', noNetwork)] : []),
    ...(isVirtual ? [finding('only-virtual', names, onlyVirtual(names))] : []),
    ...(isVirtual
      ? []
      : virtual.map(({ name, kind }) => finding('virtual-network', name, virtualOne(name, kind)))),
    ...peers.filter(({ here, id }) => here && id !== '').map((peer) => hereFinding(peer, port)),
  ]
}

const noNetwork = [
  'No network interface of this machine is up, so only programs on this machine can be met.',
  'Plug in the cable or join the wireless network, and try again.',
] as const

const onlyVirtual = (names: string): Text => [
  `The only networks here are of a VPN or of containers (${names}), where nobody near you is.`,
  'Leave the VPN, or give the container the network of the host, and try again.',
]

const virtualOne = (name: string, kind: NetworkKind): Text => [
  `${name} is of ${kind === 'tunnel' ? 'a VPN' : 'containers or virtual machines'}; peers are seldom found there.`,
  'Nothing has to be done; interface-name in the configuration keeps p2p to one interface.',
]

function hereFinding(peer: PeerFacts, port: number): Finding {
  const { kind, address } = peer
  const taken = peer.port === port ? `, and has TCP port ${port}` : ''
  if (kind === 'reference')
    return finding('reference-here', address, [
      `A reference peer runs on this machine${taken}; of what is sent to ${address} alone, only the one that started last hears anything.`,
      'Stop it, or start p2p after it and with --port 0.',
    ])
  return finding('p2p-here', address, [
    `Another p2p runs on this machine${taken}.`,
    'Nothing has to be done; a second one needs its own --data-dir and --port 0.',
  ])
}

function isUsed({ kind }: NetworkFacts): boolean {
  return kind !== 'loopback'
}

function ofElsewhere({ elsewhere }: Facts): readonly Finding[] {
  return elsewhere.map((address) =>
    finding('wrong-subnet', address, [
      `${address} announces itself here and belongs to no network of this machine: one of the two has a wrong address or netmask.`,
      'Let both get their address from the same router (DHCP), or correct address and netmask.',
    ]),
  )
}

function ofSystem({ receiveBufferBytes, inContainer, peers }: Facts): readonly Finding[] {
  const isMet = peers.some(({ via, here }) => via.length > 0 && !here)
  return [
    ...(inContainer && !isMet
      ? [
          finding('in-container', '', [
            'p2p runs in a container; unless it has the network of the host, nobody outside is met.',
            'Start the container with the network of the host, such as "docker run --network host".',
          ]),
        ]
      : []),
    ...(receiveBufferBytes > 0 && receiveBufferBytes < usualBufferBytes
      ? [
          finding('small-buffer', '', [
            `The system keeps ${Math.round(receiveBufferBytes / 1024)} KiB of datagrams for us; in a crowd of hundreds some are lost.`,
            `Where that matters: sysctl -w net.core.rmem_max=${usualBufferBytes}`,
          ]),
        ]
      : []),
  ]
}

function alone(): Finding {
  return finding('nobody', '', [
    'Nobody else was heard, and nothing here is wrong.',
    'Start p2p on another machine of this network, and then "p2p doctor --peer ADDRESS" with its address.',
  ])
}

const usualBufferBytes = 1024 * 1024
