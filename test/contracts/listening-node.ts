import type { Log, LogFields } from '../../src/base/log.ts'
import type { Endpoint, ExplorerContext, Sighting } from '../../src/discovery/explorer.ts'
import type { Announcement } from '../../src/protocol/announcement.ts'
import { peerIdFromDigest } from '../../src/protocol/peer-id.ts'
import type { AnswerDecision } from '../../src/rules/answer-policy.ts'

/** How a {@link ListeningNode} is asked whether to answer. */
export type Decide = (sighting: Sighting, discoveryPort: number) => AnswerDecision

export const answerAtOnce: Decide = () => ({ answer: true, delayMs: 0 })
export const answerNothing: Decide = () => ({ answer: false, reason: 'known' })
/** What an explorer's node does at the least: it never answers an answer. */
const answerQuestions: Decide = (sighting, discoveryPort) =>
  sighting.source.port === discoveryPort
    ? { answer: false, reason: 'itself-an-answer' }
    : answerAtOnce(sighting, 0)

/** A node that only listens: it keeps what its explorer reports, asks and logs. */
export class ListeningNode implements ExplorerContext {
  announcement: Announcement = announcementOf()
  decide: Decide = answerQuestions
  readonly sightings: Sighting[] = []
  readonly questions: { readonly source: Endpoint; readonly discoveryPort: number }[] = []
  readonly duplicates: Endpoint[] = []
  readonly warnings: { readonly message: string; readonly fields: LogFields | undefined }[] = []
  readonly log: Log = {
    debug: () => {},
    info: () => {},
    warn: (message, fields) => this.warnings.push({ message, fields }),
    error: (message, fields) => this.warnings.push({ message, fields }),
  }
  #onSighting: (() => void)[] = []

  self(): Announcement {
    return this.announcement
  }

  report(sighting: Sighting): boolean {
    this.sightings.push(sighting)
    for (const wake of this.#onSighting.splice(0)) wake()
    return true
  }

  decideAnswer(sighting: Sighting, discoveryPort: number): AnswerDecision {
    this.questions.push({ source: sighting.source, discoveryPort })
    return this.decide(sighting, discoveryPort)
  }

  reportDuplicate(source: Endpoint): void {
    this.duplicates.push(source)
  }

  /** Resolves to the first sighting that fits, heard already or soon. Rejects after 5 s. */
  async sighting(fits: (sighting: Sighting) => boolean): Promise<Sighting> {
    const deadline = AbortSignal.timeout(5_000)
    for (;;) {
      const found = this.sightings.find(fits)
      if (found !== undefined) return found
      const woken = new Promise<void>((resolve) => this.#onSighting.push(resolve))
      const late = Promise.withResolvers<never>()
      const giveUp = (): void =>
        late.reject(new Error(`not heard; heard were ${this.sightings.length} others`))
      deadline.addEventListener('abort', giveUp, { once: true })
      await Promise.race([woken, late.promise]).finally(() => deadline.removeEventListener('abort', giveUp))
    }
  }

  /** How often `peer` was heard, in answers or not. */
  count(peer: ListeningNode, answer?: boolean): number {
    const { id } = peer.announcement
    return this.sightings.filter(
      (one) => one.announcement.id === id && (answer === undefined || one.answer === answer),
    ).length
  }
}

/** A valid announcement of a peer of our kind that nobody has heard of. */
export function announcementOf(changes: Partial<Announcement> = {}): Announcement {
  const random = crypto.getRandomValues(new BigUint64Array(1))
  return {
    id: peerIdFromDigest(crypto.getRandomValues(new Uint8Array(16))),
    port: 8001,
    files: new Map(),
    ip: undefined,
    isPublicIp: false,
    upgrade: {
      protocol: 1,
      key: undefined,
      instance: random[0] ?? 0n,
      capabilities: 0,
      name: 'test',
      leaving: false,
      wantsAnswer: false,
    },
    ...changes,
  }
}
