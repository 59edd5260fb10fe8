import { networkInterfaces } from 'node:os'
import { isDeepStrictEqual } from 'node:util'
import type { Interfaces } from './on-link.ts'

type AddressesByName = ReadonlyMap<string, readonly string[]>

/** Notices when one of our addresses is replaced: what is bound to it is dead, and nothing else tells us for long. */
export class OwnAddresses {
  readonly #interfaces: Interfaces
  /** As they were last; an interface that is down keeps the addresses that are in use. */
  #known: AddressesByName

  constructor(interfaces: Interfaces = networkInterfaces) {
    this.#interfaces = interfaces
    this.#known = this.#read()
  }

  /**
   * Looks at the interfaces again.
   *
   * @param used gives the addresses that are bound to; asked for only when something has changed
   * @returns those of them that we had and have no more, although their interface has others. While it has none at all it is
   *   down, or waits for one, and the old one may come back: connections outlast that.
   */
  replaced(used: () => ReadonlySet<string>): readonly string[] {
    const now = this.#read()
    if (isDeepStrictEqual(now, this.#known)) return []
    const [bound, here] = [used(), new Set([...now.values()].flat())]
    const replaced: string[] = []
    const known = new Map(now)
    for (const [name, addresses] of this.#known) {
      const missing = addresses.filter((address) => bound.has(address) && !here.has(address))
      if (now.has(name)) replaced.push(...missing)
      else if (missing.length > 0) known.set(name, missing)
    }
    this.#known = known
    return replaced
  }

  /** IPv4 alone, as the wire: an interface without has no entry. */
  #read(): AddressesByName {
    const read = new Map<string, readonly string[]>()
    for (const [name, infos = []] of Object.entries(this.#interfaces())) {
      const addresses = infos.filter(({ family }) => family === 'IPv4').map(({ address }) => address)
      if (addresses.length > 0) read.set(name, addresses)
    }
    return read
  }
}
