import { finding, type Facts, type Finding, type PeerFacts, type Text } from './findings.ts'

/** What is wrong between us and one other, by the two tests that were made. */
export function peerFindings(peer: PeerFacts, facts: Facts): readonly Finding[] {
  const { udp, tcp, here } = peer
  if (here || udp === 'not-tried') return []
  const isHeard = udp === 'answered'
  if (isHeard && peer.network === '') return [finding('other-network', peer.address, beyond(peer))]
  if (isHeard && tcp === 'answered') return ofReached(peer, facts)
  if (isHeard) return [finding('tcp-blocked', peer.address, tcpBlocked(peer))]
  if (tcp === 'answered') return [udpFailed(peer, facts)]
  return [unreached(peer)]
}

const beyond = (peer: PeerFacts): Text => [
  `${labelOf(peer)} is beyond a router, where announcements do not get to.`,
  peer.tcp === 'answered'
    ? `Say "emit ${peer.address}:${peer.discoveryPort}" to meet it.`
    : 'It takes connections of its own networks only; is-public-ip: true in the configuration there lets others in.',
]

/** Both answers came; but would it have been found by itself? */
function ofReached(peer: PeerFacts, { networks, peers, discoveryPort, ways }: Facts): readonly Finding[] {
  const { address, via, network } = peer
  if (peer.discoveryPort !== discoveryPort)
    return [finding('other-port', address, otherPort(peer, discoveryPort))]
  if (via.some((way) => ways.includes(way))) return []
  const isDeaf = networks.some((one) => one.name === network && one.ways.some((way) => way.echoed === 0))
  const hearsOthers = peers.some(
    (one) => !one.here && one.network === network && one.via.some((way) => ways.includes(way)),
  )
  // Of one that is only told of, a single announcement may have been lost.
  if (isDeaf || (hearsOthers && peer.origin === 'told')) return []
  return [
    finding('other-group', address, [
      `${labelOf(peer)} answers when it is asked, but its announcements and ours do not meet: it has another multicast group, or a switch or access point drops multicast.`,
      'Compare explorer.multicast.address in both configurations; if they are equal, switch on broadcast on both, or look for "IGMP snooping" in the switch.',
    ]),
  ]
}

function udpFailed(peer: PeerFacts, { discoveryPort }: Facts): Finding {
  if (peer.udp === 'refused') return finding('other-port', peer.address, otherPort(peer, discoveryPort))
  return finding('udp-blocked', peer.address, [
    `${labelOf(peer)} answers by TCP, but not by UDP: a firewall there or here drops it.`,
    `Allow UDP port ${peer.discoveryPort} to come in there, and answers from it to come in here.`,
  ])
}

const otherPort = (peer: PeerFacts, port: number): Text => [
  peer.udp === 'refused'
    ? `${labelOf(peer)} runs, but nobody listens there on UDP port ${peer.discoveryPort}: it has another discovery port.`
    : `${labelOf(peer)} has discovery port ${peer.discoveryPort}, and this machine ${port}.`,
  'Give both the same explorer.multicast.port.',
]

const tcpBlocked = (peer: PeerFacts): Text => [
  `${labelOf(peer)} answers by UDP, but not at its TCP port ${peer.port}: a firewall there keeps connections out.`,
  `Allow TCP port ${peer.port} to come in there.`,
]

/** Neither way led to it. */
function unreached(peer: PeerFacts): Finding {
  const { address, udp, tcp, origin, network } = peer
  if (udp === 'refused' || tcp === 'refused' || tcp === 'open' || udp === 'not-a-peer')
    return finding('no-p2p-there', address, [
      `The machine at ${address} is there, but no p2p answers on UDP port ${peer.discoveryPort} and TCP port ${peer.port}.`,
      'Start p2p there, and compare the ports in both configurations.',
    ])
  if (network !== '' && (origin === 'told' || peer.via.length > 0))
    return finding('isolated', address, [
      `${labelOf(peer)} is in the network of ${network}, ${peer.via.length > 0 ? 'and is heard' : 'as other peers say'}, but nothing gets from here to it and back: the access point keeps its clients apart, or a firewall there drops everything.`,
      'Switch off "client isolation" (also "AP isolation", "guest network") in the access point.',
    ])
  return finding('peer-silent', address, [
    tcp === 'no-host' ? `No machine answers at ${address}.` : `${address} answers neither by UDP nor by TCP.`,
    'Check the address, and that the machine is awake and in the same network; "client isolation" of an access point looks the same.',
  ])
}

function labelOf({ name, address }: PeerFacts): string {
  return name === '' ? `The peer at ${address}` : `${name} (${address})`
}
