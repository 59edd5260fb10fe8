import { limits } from '../base/limits.ts'
import type { Announcement } from '../protocol/announcement.ts'
import { isProvable, type PeerId } from '../protocol/peer-id.ts'
import { RecentMap } from '../rules/admission.ts'

/** Finds out whether our part of an announcement may be believed to belong to the ID that it comes under (U17). */
export class Credibility {
  readonly #idOf: (key: Uint8Array) => PeerId
  /** The last keys that fitted, by ID: most announcements repeat one. */
  readonly #fitting = new RecentMap<PeerId, Uint8Array>(limits.checkedKeys)

  /** @param idOf the ID that is cut from a key */
  constructor(idOf: (key: Uint8Array) => PeerId) {
    this.#idOf = idOf
  }

  /** The announcement without an upgrade that is not the ID's own: without a key, with that of another, or under no ID of ours. */
  read(announcement: Announcement): Announcement {
    const { id, upgrade } = announcement
    if (upgrade === undefined || this.#fits(id, upgrade.key)) return announcement
    return { ...announcement, upgrade: undefined }
  }

  #fits(id: PeerId, key: Uint8Array | undefined): boolean {
    if (key === undefined || !isProvable(id)) return false
    const known = this.#fitting.get(id)
    if (known !== undefined && Buffer.compare(known, key) === 0) return true
    if (this.#idOf(key) !== id) return false
    this.#fitting.set(id, key)
    return true
  }
}
