import { limits } from '../../base/limits.ts'
import type { FileId } from '../../protocol/file-id.ts'
import type { PeerId } from '../../protocol/peer-id.ts'

/** Contents of which it is remembered who has fetched them. */
const contents = 256

/** Who has fetched what from us lately, so that others can be sent to them: one image to thirty machines leaves us a few times only. */
export class Fellows {
  /** The content that was fetched last is the last; of a content, the peer that has fetched last. Monotonic ms. */
  readonly #fetched = new Map<FileId, Map<PeerId, number>>()

  /** A peer has taken a part of a content. */
  note(id: FileId, peerId: PeerId, now: number): void {
    const peers = this.#fetched.get(id) ?? new Map<PeerId, number>()
    this.#fetched.delete(id)
    this.#fetched.set(id, peers)
    peers.delete(peerId)
    peers.set(peerId, now)
    dropFirst(peers, limits.fellows + 1)
    dropFirst(this.#fetched, contents)
  }

  /** Others who may be asked for a content, the last first; at most `limits.fellows`. */
  of(id: FileId, asker: PeerId, now: number): readonly PeerId[] {
    const peers = [...(this.#fetched.get(id) ?? [])].reverse()
    return peers
      .filter(([peerId, at]) => peerId !== asker && now - at < limits.fellowMs)
      .slice(0, limits.fellows)
      .map(([peerId]) => peerId)
  }
}

function dropFirst<Key>(map: Map<Key, unknown>, most: number): void {
  const [first] = map.keys()
  if (map.size > most && first !== undefined) map.delete(first)
}
