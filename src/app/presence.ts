import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Log } from '../base/log.ts'
import { monotonicMs } from '../base/time.ts'
import type { Endpoint, ExplorerContext, Sighting } from '../discovery/explorer.ts'
import { peerIdOfKey } from '../identity/public-key.ts'
import { filesCapability, pairingCapability, type Announcement } from '../protocol/announcement.ts'
import { protocolVersion } from '../protocol/handshake.ts'
import { AnswerPolicy, type AnswerDecision, type AnswerQuestion } from '../rules/answer-policy.ts'
import type { ProvedPeer } from '../transport/transport.ts'
import { Credibility } from './credible.ts'
import { ExplorerSet } from './explorer-set.ts'

/** What the presence of a node needs of it. */
export interface PresenceContext {
  readonly self: ProvedPeer
  readonly name: string
  readonly ip: string | undefined
  readonly isPublicIp: boolean
  /** Drawn at random for this run. */
  readonly instance: bigint
  /** The TCP port that listens. */
  port(): number
  isOnLink(address: string): boolean
  knownPeers(): number
  /** Takes what was heard. @returns false when there are too many newcomers to take it */
  see(sighting: Sighting): boolean
  warn(error: P2PError): void
  readonly log: Log
}

/** How a node makes itself known, what it believes of what it hears, and whom it answers. */
export class Presence {
  readonly explorers = new ExplorerSet()
  readonly explorerContext: ExplorerContext

  readonly #context: PresenceContext
  readonly #answers = new AnswerPolicy()
  readonly #credibility = new Credibility(peerIdOfKey)
  /** What was heard last, and what of it may be believed: it is asked for twice. */
  #heard: { readonly sighting: Sighting; readonly credible: Sighting } | undefined
  #self: Announcement | undefined
  #leaving = false

  constructor(context: PresenceContext) {
    this.#context = context
    this.explorerContext = {
      self: () => this.#announcement(),
      report: (sighting) => this.#context.see(this.#credible(sighting)),
      decideAnswer: (sighting, discoveryPort, announcedAt) =>
        this.#decideAnswer(this.#credible(sighting), { discoveryPort, announcedAt }),
      reportDuplicate: (source) => this.#warnOfDuplicate(source),
      log: context.log,
    }
  }

  /** From now on, what is announced says that this node leaves. */
  leave(): void {
    this.#leaving = true
    this.#self = undefined
  }

  #announcement(): Announcement {
    const { self, name, ip, isPublicIp, instance } = this.#context
    this.#self ??= {
      id: self.id,
      port: this.#context.port(),
      files: new Map(),
      ip,
      isPublicIp,
      upgrade: {
        protocol: protocolVersion,
        key: self.key,
        instance,
        capabilities: pairingCapability | filesCapability,
        name,
        leaving: this.#leaving,
        wantsAnswer: false,
      },
    }
    return this.#self
  }

  #credible(sighting: Sighting): Sighting {
    if (this.#heard?.sighting === sighting) return this.#heard.credible
    const announcement = this.#credibility.read(sighting.announcement)
    const credible = announcement === sighting.announcement ? sighting : { ...sighting, announcement }
    this.#heard = { sighting, credible }
    return credible
  }

  #decideAnswer(
    sighting: Sighting,
    heardBy: Pick<AnswerQuestion, 'discoveryPort' | 'announcedAt'>,
  ): AnswerDecision {
    const decision = this.#answers.decide(this.#questionOf(sighting, heardBy))
    if (isLate(decision)) this.explorers.greet(this.#context.knownPeers())
    return decision
  }

  #questionOf(
    { announcement, source }: Sighting,
    heardBy: Pick<AnswerQuestion, 'discoveryPort' | 'announcedAt'>,
  ): AnswerQuestion {
    const { upgrade } = announcement
    return {
      ...heardBy,
      sourceAddress: source.address,
      sourcePort: source.port,
      peerId: announcement.id,
      selfId: this.#context.self.id,
      instance: upgrade?.instance,
      wantsAnswer: upgrade?.wantsAnswer ?? false,
      leaving: upgrade?.leaving ?? false,
      onLink: this.#context.isOnLink(source.address),
      knownPeers: this.#context.knownPeers(),
      now: monotonicMs(),
      random: Math.random(),
    }
  }

  #warnOfDuplicate({ address }: Endpoint): void {
    this.#context.warn(
      new P2PError(
        'identity-duplicate',
        `A node at ${address} announces the ID of this one. If that is a copy of this machine, delete identity.pem there and start it anew; if not, somebody is trying to confuse others.`,
      ),
    )
  }
}

/** Whether whoever asked will hear no answer for a while: its host was answered a moment ago. */
function isLate(decision: AnswerDecision): boolean {
  return decision.answer ? decision.delayMs > limits.lateAnswerMs : decision.reason === 'pending'
}
