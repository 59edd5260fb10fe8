import { limits } from '../base/limits.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import { RecentMap } from './admission.ts'

/** Whether and when an announcement is answered. */
export type AnswerDecision =
  | { readonly answer: true; readonly delayMs: number }
  | { readonly answer: false; readonly reason: NoAnswerReason }

type NoAnswerReason =
  'itself-an-answer' | 'low-port' | 'self' | 'leaving' | 'known' | 'pending' | 'too-many' | 'off-link'

/** An announcement that came to the discovery port, and what is known around it. Times in monotonic ms. */
export interface AnswerQuestion {
  readonly sourceAddress: string
  readonly sourcePort: number
  readonly discoveryPort: number
  readonly selfId: PeerId
  readonly peerId: PeerId
  /** Absent in announcements of the reference. */
  readonly instance: bigint | undefined
  /** Whether the peer asked us in particular. */
  readonly wantsAnswer: boolean
  readonly leaving: boolean
  /** Whether the source address is in a network that we are in too. */
  readonly onLink: boolean
  readonly knownPeers: number
  /** When the explorer that heard it last announced to everybody, if it did. */
  readonly announcedAt: number | undefined
  readonly now: number
  /** In [0, 1). */
  readonly random: number
}

/** The entries of `limits` that the policy keeps. */
export type AnswerLimits = Readonly<
  Record<
    'answerIntervalMs' | 'answersPerSecond' | 'offLinkAnswerIntervalMs' | 'answerMemory' | 'sources',
    number
  >
>

/** What was heard and answered of one peer. */
interface Heard {
  readonly instance: bigint | undefined
  /** When this instance was heard first. */
  readonly heardAt: number
  answeredAt: number | undefined
}

/**
 * Decides which announcements are answered, and when. One for each node, whatever number of explorers it has.
 *
 * Answers exist so that a newcomer need not wait a period until it hears everybody. So each instance of a peer of our
 * kind is answered once, and not at all when we announced after it appeared; then an announcement costs one datagram
 * and no answers, and traffic grows with the number of peers. A reference peer tells neither restart nor
 * targeted `emit` from its period, so it is answered again, but `limits.referenceAnswers` of them in an interval at most.
 * Rates are counted at the time answers leave (U13, U14).
 */
export class AnswerPolicy {
  readonly #limits: AnswerLimits
  readonly #heard: RecentMap<PeerId, Heard>
  /** When the last answer to a source address leaves. */
  readonly #answerAt: RecentMap<string, number>
  readonly #departures: Departures
  #offLinkAt = -Infinity

  constructor(options: AnswerLimits = limits) {
    this.#limits = options
    this.#heard = new RecentMap(options.answerMemory)
    this.#answerAt = new RecentMap(options.sources)
    this.#departures = new Departures(options.answersPerSecond)
  }

  decide(question: AnswerQuestion): AnswerDecision {
    const reason = neverAnswered(question)
    if (reason !== undefined) return { answer: false, reason }
    const heard = this.#remember(question)
    if (this.#isInformed(question, heard)) return { answer: false, reason: 'known' }
    return this.#schedule(question, heard)
  }

  #remember({ peerId, instance, now }: AnswerQuestion): Heard {
    const known = this.#heard.get(peerId)
    const heard =
      known?.instance === instance && known !== undefined
        ? known
        : { instance, heardAt: now, answeredAt: undefined }
    this.#heard.set(peerId, heard)
    return heard
  }

  #isInformed(question: AnswerQuestion, { heardAt, answeredAt }: Heard): boolean {
    const { instance, wantsAnswer, announcedAt, knownPeers, now } = question
    if (wantsAnswer) return false
    if (instance !== undefined) {
      // One that appeared a while ago gains nothing from an answer now: our own announcement comes soon enough.
      const isNew = now - heardAt <= limits.answerDelayMs
      return !isNew || answeredAt !== undefined || (announcedAt !== undefined && announcedAt > heardAt)
    }
    const share = Math.max(1, knownPeers / limits.referenceAnswers)
    return answeredAt !== undefined && now - answeredAt < this.#limits.answerIntervalMs * share
  }

  #schedule(question: AnswerQuestion, heard: Heard): AnswerDecision {
    const { sourceAddress, onLink, now } = question
    const lastAt = this.#answerAt.get(sourceAddress) ?? -Infinity
    if (lastAt > now) return { answer: false, reason: 'pending' }
    if (!onLink && now - this.#offLinkAt < this.#limits.offLinkAnswerIntervalMs)
      return { answer: false, reason: 'off-link' }
    const at = Math.max(now + spreadMs(question), lastAt + this.#limits.answerIntervalMs)
    if (!this.#departures.reserve(at, now)) return { answer: false, reason: 'too-many' }
    this.#answerAt.set(sourceAddress, at)
    if (!onLink) this.#offLinkAt = at
    heard.answeredAt = at
    return { answer: true, delayMs: at - now }
  }
}

/**
 * Whether an answer that waited for its delay is still to be sent: not when we announced to everybody since, because
 * then the asker has heard us. Times in monotonic ms.
 *
 * @param targeted the asker may have asked us alone: it said that it wants an answer, or is a reference peer
 */
export function stillWanted(askedAt: number, announcedAt: number | undefined, targeted: boolean): boolean {
  return targeted || announcedAt === undefined || announcedAt <= askedAt
}

function neverAnswered(question: AnswerQuestion): NoAnswerReason | undefined {
  const { sourcePort, discoveryPort, peerId, selfId, leaving } = question
  // Whoever answers an answer joins a loop of thousands of datagrams a second (U13, CVE-2024-2169).
  if (sourcePort === discoveryPort) return 'itself-an-answer'
  // Ports of services that would take our answer for a request of their own, such as echo, DNS or chargen (U13).
  if (sourcePort < 1024) return 'low-port'
  if (peerId === selfId) return 'self'
  return leaving ? 'leaving' : undefined
}

/** Many peers that all answer a newcomer at once would drown it. */
function spreadMs({ knownPeers, wantsAnswer, random }: AnswerQuestion): number {
  if (wantsAnswer || knownPeers <= limits.undelayedPeers) return 0
  return random * Math.min(knownPeers * limits.answerDelayPerPeerMs, limits.answerDelayMs)
}

/** Planned departures, at most `perSecond` in any second. Bounded by that, as nothing is planned far ahead. */
class Departures {
  readonly #perSecond: number
  /** Ascending. */
  #times: number[] = []

  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  /** Plans one more departure, if the seconds around it have room. */
  reserve(at: number, now: number): boolean {
    if ((this.#times[0] ?? now) < now - 1_000) this.#times = this.#times.filter((time) => time >= now - 1_000)
    const times = this.#times
    const index = times.findLastIndex((time) => time <= at) + 1
    for (let first = Math.max(0, index - this.#perSecond); first <= index; first++) {
      const last = times[first + this.#perSecond - 1]
      if (last === undefined) break
      if (Math.max(last, at) - Math.min(times[first] ?? at, at) < 1_000) return false
    }
    times.splice(index, 0, at)
    return true
  }
}
