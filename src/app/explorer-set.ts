import { isP2PError, P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'
import type { Endpoint, Explorer, ProbeResult } from '../discovery/explorer.ts'
import type { CallOptions } from './p2p-node.ts'

/** The explorers of a node, and when it makes itself known out of turn. */
export class ExplorerSet {
  readonly #explorers: Explorer[] = []
  #greetAgainAt = 0

  add(explorer: Explorer): void {
    this.#explorers.push(explorer)
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
   * A reference cannot hear our answer, as it does not listen where it announces from; so it would not know us until we
   * announce again. While we know few peers we do so at once, and seldom enough that nobody can make us shout.
   */
  greetReference(knownPeers: number): void {
    const now = monotonicMs()
    if (knownPeers > limits.undelayedPeers || now < this.#greetAgainAt) return
    this.#greetAgainAt = now + limits.answerIntervalMs
    void this.announce()
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
    throw new P2PError('network-unusable', 'this node has no explorer to announce with; give startNode one')
  }
}
