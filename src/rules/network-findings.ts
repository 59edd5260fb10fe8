import { finding, type Facts, type Finding, type NetworkFacts, type Text, type WayFacts } from './findings.ts'

/** What is wrong in one of our networks, as far as this machine can tell alone. */
export function networkFindings(network: NetworkFacts, { port, discoveryPort }: Facts): readonly Finding[] {
  const { name, kind, unicast, tcp } = network
  // What does not work in a tunnel is no news, and in most of them nobody is to be met.
  const ways = kind === 'tunnel' ? [] : network.ways
  const found = ways.flatMap((way) => ofWay(way, network, discoveryPort))
  const isDeaf = found.some(({ code }) => code === 'echo-missing')
  return [
    ...found,
    ...(unicast === 'silent' && !isDeaf
      ? [finding('unicast-unheard', name, unheard(name, discoveryPort))]
      : []),
    ...(unicast === 'other' ? [finding('port-shared', name, shared(name, discoveryPort))] : []),
    ...(tcp === 'open' ? [] : [finding('tcp-closed', name, closed(name, port))]),
  ]
}

function ofWay(way: WayFacts, { name }: NetworkFacts, port: number): readonly Finding[] {
  const { joined, sent, failed, lastError, echoed } = way
  if (sent === 0 && failed > 0) {
    const isBlocked = lastError === 'EPERM' || lastError === 'EACCES'
    return [
      isBlocked
        ? finding('sends-blocked', name, [
            `A firewall of this machine lets no ${way.way} leave through ${name} (${lastError}).`,
            `Allow UDP port ${port} to leave, and try again.`,
          ])
        : finding('sends-failed', name, [
            `No ${way.way} can leave through ${name} (${lastError}).`,
            'Check the address and the routes of this interface.',
          ]),
    ]
  }
  if (joined === false)
    return [
      finding('join-failed', name, [
        `The multicast group could not be joined on ${name} (${lastError}), so nobody is heard there.`,
        'Check that the interface allows multicast: "ip link set dev NAME multicast on".',
      ]),
    ]
  if (sent > 0 && echoed === 0)
    return [
      finding('echo-missing', name, [
        `What this machine says by ${way.way} on ${name} does not come back to it: a firewall of this machine drops what comes in.`,
        `Allow UDP port ${port} to come in, from the local network.`,
      ]),
    ]
  return []
}

const unheard = (name: string, port: number): Text => [
  `UDP that is sent to the address of ${name} alone does not come in: a firewall of this machine drops it.`,
  `Allow UDP port ${port} to come in, from the local network.`,
]
const shared = (name: string, port: number): Text => [
  `Another program on this machine gets what is sent to UDP port ${port} at ${name} alone.`,
  'Stop it when others do not find this machine; the one that started last gets it.',
]
const closed = (name: string, port: number): Text => [
  `The TCP port of p2p does not answer at the address of ${name}: a firewall of this machine drops it.`,
  `Allow TCP port ${port} to come in, from the local network.`,
]
