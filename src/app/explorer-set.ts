import { isP2PError, P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'
import type { Endpoint, Explorer, ProbeResult } from '../discovery/explorer.ts'
import type { CallOptions } from './p2p-node.ts'

/** The explorers of a node, and when it makes itself known out of turn. */
export class ExplorerSet {
  readonly #explorers: Explorer[] = []
  #greetedAt = -Infinity
  /** The next greeting, while it waits for its time. */
  #greeting: NodeJS.Timeout | undefined

  add(explorer: Explorer): void {
    this.#explorers.push(explorer)
  }

  get all(): readonly Explorer[] {
    return this.#explorers
  }

  /** Announces to everybody within reach of any explorer. */
  async announce(): Promise<void> {
    await Promise.all(this.#explorers.map((explorer) => explorer.announce()))
  }

  /** Announces to one address. @throws P2PError `network-unusable`; the abort reason of the signal */
  async probe(to: Endpoint, options: CallOptions): Promise<ProbeResult> {
    return await this.#first().probe(to, options)
  }

  /**
   * Announces to everybody for the sake of one newcomer that no answer reaches in time: a reference, which does not
   * listen where it announces from, or a host that was answered a moment ago (U13). Only while we know few peers, and
   * seldom enough that nobody can make us shout.
   */
  greet(knownPeers: number): void {
    if (knownPeers > limits.undelayedPeers || this.#greeting !== undefined) return
    const waitMs = Math.max(0, this.#greetedAt + limits.greetIntervalMs - monotonicMs())
    this.#greeting = setTimeout(() => {
      this.#greeting = undefined
      this.#greetedAt = monotonicMs()
      void this.announce()
    }, waitMs).unref()
  }

  /**
   * Asks a peer for something. One that refuses may not have heard of us yet; so we announce ourselves to it alone, and
   * ask once more.
   */
  async introduced<T>(address: string, options: CallOptions, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      if (!isP2PError(error, 'peer-refused')) throw error
      const { kind } = await this.probe({ address, port: this.#first().port }, options)
      if (kind !== 'peer') throw error
      return await ask()
    }
  }

  #first(): Explorer {
    const [explorer] = this.#explorers
    if (explorer !== undefined) return explorer
    throw new P2PError('network-unusable', 'This node has no explorer to announce with. Give startNode one.')
  }
}
