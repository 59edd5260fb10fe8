/** What the doctor measures, and what it can find; docs/doctor.md has the same table, and a test compares them. */

/** What a machine says to a knock at a TCP port; `no-host` when no machine has that address, `blocked` when it may not leave. */
export type Knock = 'open' | 'refused' | 'silent' | 'no-host' | 'blocked'

/** `tunnel`: a VPN. `container`: a network between containers or virtual machines of this machine. */
export type NetworkKind = 'physical' | 'tunnel' | 'container' | 'loopback'

/** What one way of finding peers did on one network. */
export interface WayFacts {
  /** Name of the explorer. */
  readonly way: string
  /** Undefined for broadcast, which joins nothing. */
  readonly joined: boolean | undefined
  readonly sent: number
  readonly failed: number
  readonly lastError: string
  readonly heard: number
  /** Announcements of ours that came back to us. */
  readonly echoed: number
  readonly answers: number
}

/** One of our networks. */
export interface NetworkFacts {
  readonly name: string
  readonly address: string
  readonly netmask: string
  readonly kind: NetworkKind
  readonly ways: readonly WayFacts[]
  /** Who gets what we send by UDP to ourselves there. */
  readonly unicast: 'heard' | 'other' | 'silent'
  /** What our own TCP port says there. */
  readonly tcp: Knock
}

/** Somebody else, and the two tests that were made with him. */
export interface PeerFacts {
  /** Empty when nobody answered. */
  readonly id: string
  readonly name: string
  readonly kind: 'p2p' | 'reference' | 'unknown'
  readonly address: string
  /** Its TCP port. */
  readonly port: number
  readonly discoveryPort: number
  /** Whether our user asked for it, it was heard, or another peer told us of it. */
  readonly origin: 'asked' | 'heard' | 'told'
  /** The explorers that heard it before it was asked anything. */
  readonly via: readonly string[]
  /** The interface whose network it is in; '' when in none. */
  readonly network: string
  /** Whether it is another program on this machine. */
  readonly here: boolean
  readonly udp: 'answered' | 'silent' | 'refused' | 'not-a-peer' | 'unsent' | 'not-tried'
  readonly tcp: Knock | 'answered' | 'not-tried'
}

/** What kept a part of the node from starting. */
export interface Obstacle {
  readonly kind: 'tcp-port-taken' | 'udp-port-taken' | 'port-forbidden' | 'interface-unknown' | 'not-started'
  readonly message: string
  /** The program that has the port; '' when unknown. */
  readonly program: string
}

export interface Facts {
  /** The TCP port that was wished for, and the UDP port that peers are found through. */
  readonly port: number
  readonly discoveryPort: number
  /** The explorers in use; those in `networks` may be more, tried for a moment. */
  readonly ways: readonly string[]
  readonly obstacles: readonly Obstacle[]
  readonly networks: readonly NetworkFacts[]
  readonly peers: readonly PeerFacts[]
  /** Addresses that were heard and belong to none of our networks. */
  readonly elsewhere: readonly string[]
  readonly receiveBufferBytes: number
  readonly inContainer: boolean
}

/** What can be found. `problem` makes the doctor fail; `note` is worth knowing. */
export const findingTable = {
  'no-network': { severity: 'problem', sentence: 'This machine has no network.' },
  'interface-unknown': { severity: 'problem', sentence: 'The configured network interface does not exist.' },
  'tcp-port-taken': { severity: 'problem', sentence: 'Another program has the TCP port.' },
  'udp-port-taken': {
    severity: 'problem',
    sentence: 'Another program has the discovery port and does not share it.',
  },
  'port-forbidden': { severity: 'problem', sentence: 'This user may not use the port.' },
  'not-started': { severity: 'problem', sentence: 'The network refused an operation at the start.' },
  'reference-here': { severity: 'problem', sentence: 'A reference peer runs on this machine.' },
  'p2p-here': { severity: 'note', sentence: 'Another p2p runs on this machine.' },
  'sends-blocked': { severity: 'problem', sentence: 'A firewall of this machine keeps announcements in.' },
  'sends-failed': { severity: 'problem', sentence: 'Announcements cannot leave.' },
  'join-failed': { severity: 'problem', sentence: 'The multicast group could not be joined.' },
  'echo-missing': {
    severity: 'problem',
    sentence: 'A firewall of this machine keeps announcements of others out.',
  },
  'unicast-unheard': { severity: 'problem', sentence: 'A firewall of this machine keeps answers out.' },
  'port-shared': { severity: 'note', sentence: 'Another program shares the discovery port.' },
  'tcp-closed': { severity: 'problem', sentence: 'A firewall of this machine keeps connections out.' },
  'only-virtual': { severity: 'problem', sentence: 'There is only a network of a VPN or of containers.' },
  'virtual-network': { severity: 'note', sentence: 'A network is of a VPN or of containers.' },
  'in-container': { severity: 'note', sentence: 'p2p runs in a container.' },
  'wrong-subnet': { severity: 'problem', sentence: 'Somebody announces from a subnet that is not ours.' },
  'udp-blocked': { severity: 'problem', sentence: 'A peer answers by TCP and not by UDP.' },
  'tcp-blocked': { severity: 'problem', sentence: 'A peer answers by UDP and not by TCP.' },
  isolated: { severity: 'problem', sentence: 'The network keeps this machine and a peer apart.' },
  'peer-silent': { severity: 'problem', sentence: 'Nothing answers at the address.' },
  'no-p2p-there': { severity: 'problem', sentence: 'The machine is there, and no p2p on it.' },
  'other-port': { severity: 'problem', sentence: 'A peer has another discovery port.' },
  'other-group': { severity: 'problem', sentence: 'A peer answers, and its announcements do not arrive.' },
  'other-network': { severity: 'problem', sentence: 'A peer is beyond a router.' },
  'small-buffer': { severity: 'note', sentence: 'The system keeps few datagrams for us.' },
  nobody: { severity: 'note', sentence: 'Nobody else was heard.' },
} as const satisfies Record<string, { readonly severity: 'problem' | 'note'; readonly sentence: string }>

export type FindingCode = keyof typeof findingTable

export interface Finding {
  readonly code: FindingCode
  readonly severity: 'problem' | 'note'
  /** The interface or address that it is about; '' when it is about the machine. */
  readonly about: string
  /** What is so, one sentence. */
  readonly sentence: string
  /** What to do next, one sentence. */
  readonly advice: string
}

/** What is so, and what to do next: one sentence each. */
export type Text = readonly [sentence: string, advice: string]

export function finding(code: FindingCode, about: string, [sentence, advice]: Text): Finding {
  return { code, severity: findingTable[code].severity, about, sentence, advice }
}
