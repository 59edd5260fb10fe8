/** Two nodes that keep what they say on the disk. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PeerId } from '../src/index.ts'
import { freeUdpPort } from './ports.ts'
import { openWorker, type Worker } from './worker.ts'

/** What one end is asked to do. */
export type DeliveryRequest =
  /** Answers with its ID. */
  | { readonly kind: 'start'; readonly udp: number }
  /** Waits until it knows the other end, and counts it as verified. */
  | { readonly kind: 'meet'; readonly id: PeerId }
  /** Says so many; answers with the seconds until the other end has confirmed all of them. */
  | { readonly kind: 'say-all'; readonly messages: number }
  /** Says so many and answers when they are on its own disk. */
  | { readonly kind: 'store'; readonly messages: number }
  /** Answers when everything is confirmed: the time, in ms since 1970. */
  | { readonly kind: 'arrived' }
  /** Says one after the other, each when the last is confirmed; answers with the milliseconds of each. */
  | { readonly kind: 'round-trips'; readonly count: number }
  | { readonly kind: 'stop' }

/** A folder that is gone with its scope. */
export function temporaryFolder(): Disposable & { readonly path: string; file(name: string): string } {
  const path = mkdtempSync(join(tmpdir(), 'p2p-bench-'))
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

/** One end, which can end and start again with what it has on the disk. */
export class DurableEnd implements AsyncDisposable {
  readonly #folder = temporaryFolder()
  readonly #args: readonly string[]
  readonly #enter: readonly string[]
  #worker: Worker | undefined

  /** @param enter words before the program */
  constructor(options: { readonly unlimited?: boolean; readonly enter?: readonly string[] } = {}) {
    this.#args = [this.#folder.path, ...(options.unlimited === true ? ['unlimited'] : [])]
    this.#enter = options.enter ?? []
  }

  async start(udp: number): Promise<PeerId> {
    this.#worker = await openWorker('ours/durable-end.ts', this.#args, { enter: this.#enter })
    return await this.ask<PeerId>({ kind: 'start', udp })
  }

  async ask<Answer = null>(request: DeliveryRequest): Promise<Answer> {
    if (this.#worker === undefined) throw new Error('this end does not run')
    return await this.#worker.ask<Answer>(request)
  }

  async stop(): Promise<void> {
    await this.ask({ kind: 'stop' })
    await this.#worker?.[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.[Symbol.asyncDispose]()
    this.#folder[Symbol.dispose]()
  }
}

/** Two ends that know each other. @returns the port at which they find each other */
export async function introduce(one: DurableEnd, other: DurableEnd): Promise<Introduced> {
  const udp = await freeUdpPort()
  const ids = [await one.start(udp), await other.start(udp)] as const
  await Promise.all([one.ask({ kind: 'meet', id: ids[1] }), other.ask({ kind: 'meet', id: ids[0] })])
  return { udp, ids }
}

export interface Introduced {
  readonly udp: number
  readonly ids: readonly [PeerId, PeerId]
}
