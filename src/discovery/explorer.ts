import type { Log } from '../base/log.ts'
import type { Announcement } from '../protocol/announcement.ts'
import type { AnswerDecision } from '../rules/answer-policy.ts'

/** An IPv4 address and a port. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** One announcement that an explorer heard. Everything in it is a hint until a session proves it. */
export interface Sighting {
  readonly announcement: Announcement
  /** Where the datagram came from. */
  readonly source: Endpoint
  /** Name of the explorer that heard it. */
  readonly via: string
  /** Whether it was an answer to an announcement of ours. */
  readonly answer: boolean
}

/** The few things an explorer may see of its node. */
export interface ExplorerContext {
  /** What to announce now; `ip` is absent when receivers are to use the source address. */
  self(): Announcement
  /**
   * Hands a heard announcement to the node. Never throws.
   *
   * @returns false when the node takes no more newcomers at present; such a one is not answered either
   */
  report(sighting: Sighting): boolean
  /**
   * Asks whether and when to answer an announcement that came to the discovery port. The node owns the answer
   * policy, so that several explorers together still answer at most once.
   *
   * @param announcedAt when this explorer last announced to everybody (monotonic ms): who was there then needs
   *   no answer, which keeps a mass start from costing an answer for each pair
   */
  decideAnswer(sighting: Sighting, discoveryPort: number, announcedAt?: number): AnswerDecision
  /** Tells that another node announces our peer ID (U4, K7); the node warns of it, once for all its explorers. */
  reportDuplicate(source: Endpoint): void
  readonly log: Log
}

/** What a targeted announcement met. */
export type ProbeResult =
  | { readonly kind: 'peer'; readonly sighting: Sighting }
  | { readonly kind: 'no-answer' | 'refused' | 'not-a-peer' }

/** What happened on one network since the explorer announces there, for diagnosis. */
export interface LinkCounters {
  readonly interfaceName: string
  /** Our address there. */
  readonly address: string
  readonly netmask: string
  /** Whether the multicast group is joined there; undefined where there is none. */
  readonly joined: boolean | undefined
  /** Announcements that left, and that could not; the errno name of what failed last, joining included, or ''. */
  readonly sent: number
  readonly failed: number
  readonly lastError: string
  /** Datagrams of others that came from there to the discovery port. */
  readonly heard: number
  /** Announcements of ours that came back, as those of others would come in. */
  readonly echoed: number
  /** Datagrams that came to the port which announces: answers. */
  readonly answers: number
}

/** Counts since the explorer opened, for diagnosis. */
export interface ExplorerCounters {
  readonly links: readonly LinkCounters[]
  /** Addresses that were heard and belong to no network of ours: the first `limits.elsewhereAddresses`. */
  readonly elsewhere: readonly string[]
  /** What the platform holds for us until it is read; 0 when it does not say. */
  readonly receiveBufferBytes: number
  readonly sent: number
  readonly heard: number
  readonly answered: number
  /** Datagrams that were dropped, by reason. */
  readonly dropped: ReadonlyMap<string, number>
}

/** Who gets what is sent to our own discovery port: we, another program that shares it, or nobody. */
export type SelfCallResult = 'heard' | 'other' | 'silent'

/** Finds peers. Open means running: it announces on its own at start, after 1 s, and then every period. */
export interface Explorer extends AsyncDisposable {
  readonly name: string
  /** Its discovery port: where other nodes hear it, and it them. */
  readonly port: number
  readonly counters: ExplorerCounters
  /** Announces now to everybody within reach. Errors of single interfaces are logged, not thrown. */
  announce(): Promise<void>
  /**
   * Announces to one address, or host name, and waits for its answer, at most `limits.probeMs`.
   *
   * @throws P2PError `network-unusable`, `node-stopped`; the abort reason of `signal`
   */
  probe(to: Endpoint, options?: { readonly signal?: AbortSignal }): Promise<ProbeResult>
  /**
   * Announces to the discovery port at one of our own addresses, and waits at most `limits.selfCallMs`. Never rejects, unless
   * with the abort reason of `signal`.
   */
  callSelf(address: string, options?: { readonly signal?: AbortSignal }): Promise<SelfCallResult>
}

/**
 * Opens an explorer.
 *
 * @throws P2PError `interface-unknown`, `port-taken`, `port-forbidden`, `network-unusable`
 */
export type ExplorerFactory = (context: ExplorerContext) => Promise<Explorer>
