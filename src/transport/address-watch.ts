import type { Limits } from '../base/limits.ts'
import type { Interfaces } from './on-link.ts'
import { OwnAddresses } from './own-addresses.ts'

/** A connection of ours. */
export interface BoundConnection {
  /** Ours, that it is bound to. */
  readonly localAddress: string
  /** That address was replaced: nothing can come any more. */
  strand(): void
}

/** Ends connections whose address of ours was replaced; otherwise they would look alive until something stays unanswered for long. */
export class AddressWatch {
  readonly #connections = new Set<BoundConnection>()
  readonly #addresses: OwnAddresses
  readonly #periodMs: number
  #timer: NodeJS.Timeout | undefined

  constructor({ interfacePollMs }: Pick<Limits, 'interfacePollMs'>, interfaces?: Interfaces) {
    this.#addresses = new OwnAddresses(interfaces)
    this.#periodMs = interfacePollMs
  }

  add(connection: BoundConnection): void {
    this.#connections.add(connection)
    this.#timer ??= setInterval(() => this.#look(), this.#periodMs)
  }

  delete(connection: BoundConnection): void {
    this.#connections.delete(connection)
    if (this.#connections.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    const connections = [...this.#connections]
    const replaced = this.#addresses.replaced(() => new Set(connections.map((one) => one.localAddress)))
    if (replaced.length === 0) return
    for (const one of connections) if (replaced.includes(one.localAddress)) one.strand()
  }
}
