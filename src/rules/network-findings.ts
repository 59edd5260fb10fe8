import { finding, type Facts, type Finding, type NetworkFacts, type Text, type WayFacts } from './findings.ts'

/** What is wrong in one of our networks, as far as this machine can tell alone. */
export function networkFindings(network: NetworkFacts, facts: Facts): readonly Finding[] {
  const { name, kind, ways, unicast, tcp } = network
  // What does not work in a tunnel is no news, and in most of them nobody is to be met.
  if (kind === 'tunnel') return []
  const { port, discoveryPort, peers } = facts
  const byCode = Map.groupBy(ways, faultOf)
  const found = faults.flatMap((code) => {
    const same = byCode.get(code) ?? []
    return same.length === 0
      ? []
      : [finding(code, name, faultText(code, same, { name, port: discoveryPort }))]
  })
  const isExplained = byCode.has('echo-missing') || byCode.has('sends-blocked')
  // Another peer here that has the port may answer later, as it does not answer everything.
  const isShared = unicast === 'other' || (unicast === 'silent' && peers.some(({ here }) => here))
  const isUnheard = unicast === 'silent' && !isShared && !isExplained
  return [
    ...found,
    ...(isUnheard ? [finding('unicast-unheard', name, unheard(name, discoveryPort))] : []),
    ...(isShared ? [finding('port-shared', name, shared(name, discoveryPort))] : []),
    ...(tcp === 'open' ? [] : [finding('tcp-closed', name, closed(name, port))]),
  ]
}

const faults = ['sends-blocked', 'sends-failed', 'join-failed', 'echo-missing'] as const

type Fault = (typeof faults)[number]

function faultOf({ joined, sent, failed, lastError, echoed }: WayFacts): Fault | undefined {
  if (sent === 0 && failed > 0)
    return lastError === 'EPERM' || lastError === 'EACCES' ? 'sends-blocked' : 'sends-failed'
  if (joined === false) return 'join-failed'
  return sent > 0 && echoed === 0 ? 'echo-missing' : undefined
}

/** One text for all ways that have the same fault. */
function faultText(
  code: Fault,
  same: readonly WayFacts[],
  { name, port }: { readonly name: string; readonly port: number },
): Text {
  const ways = same.map(({ way }) => way).join(' and ')
  const why = same[0]?.lastError ?? ''
  switch (code) {
    case 'sends-blocked':
      return [
        `A firewall of this machine lets no ${ways} leave through ${name} (${why}).`,
        `Allow UDP port ${port} to leave, and try again.`,
      ]
    case 'sends-failed':
      return [
        `No ${ways} can leave through ${name} (${why}).`,
        'Check the address and the routes of this interface.',
      ]
    case 'join-failed':
      return [
        `The multicast group could not be joined on ${name} (${why}), so nobody is heard there.`,
        'Check that the interface allows multicast: "ip link set dev NAME multicast on".',
      ]
    case 'echo-missing':
      return [
        `What this machine says by ${ways} on ${name} does not come back to it: a firewall of this machine drops what comes in.`,
        `Allow UDP port ${port} to come in, from the local network.`,
      ]
  }
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
