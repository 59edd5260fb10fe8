/** Processes that give files to each other, and what is on their disks when one of them was killed. */
import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { OfferInfo, PeerId, Share, Transfer } from '../../src/index.ts'
import { countChunks } from '../../src/rules/chunk-map.ts'
import { openTransferStore } from '../../src/store/transfer-store.ts'
import { assertWhole, killAtCall } from './killing.ts'

export type Asked =
  | { readonly kind: 'share' | 'view' | 'clear' }
  | { readonly kind: 'get' | 'send'; readonly peer: PeerId; readonly path: string }

export interface Usage {
  readonly peakBytes: number
  readonly delayP99Ms: number
}

export interface View {
  readonly transfers: readonly Transfer[]
  readonly offers: readonly OfferInfo[]
  readonly shares: readonly Share[]
  readonly usage: Usage
}

export type Answer = View | { readonly id: string }

/** What a killed node knew of a transfer. */
export interface Remains {
  readonly state: string
  /** Verified and noted: what is not fetched again. */
  readonly bytes: number
}

type FromNode =
  { readonly started: PeerId } | { readonly number: number; readonly value?: Answer; readonly error?: string }

const program = fileURLToPath(new URL('sharing-node.ts', import.meta.url))
const mebibyte = 1024 * 1024
const partPattern = /^\.[0-9a-f]{12,16}\.p2p-part$/

/** One node: its folder, and the process that has it now. */
export class SharingSide implements Disposable {
  readonly home = mkdtempSync(join(tmpdir(), 'p2p-sharing-'))
  readonly shared = join(this.home, 'shared')
  readonly down = join(this.home, 'down')
  id!: PeerId
  readonly #count = join(this.home, 'arrived')
  readonly #options: readonly string[]
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>()
  #child: ChildProcess | undefined
  #asked = 0

  constructor(discoveryPort: number, { download = Infinity } = {}) {
    for (const folder of [this.shared, this.down]) mkdirSync(folder)
    writeFileSync(this.#count, Buffer.alloc(8))
    this.#options = [String(discoveryPort), String(download)]
  }

  async start(): Promise<void> {
    // Starts are most of the time that all of it takes.
    const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'p2p-compile-cache') }
    const child = fork(program, [this.home, ...this.#options], { env, execArgv: [] })
    this.#child = child
    const started = Promise.withResolvers<PeerId>()
    child.on('message', (message: FromNode) => {
      if ('started' in message) return started.resolve(message.started)
      const waiting = this.#waiting.get(message.number)
      this.#waiting.delete(message.number)
      if (message.value !== undefined) waiting?.resolve(message.value)
      else waiting?.reject(new Error(message.error))
    })
    child.once('exit', (code, signal) => {
      const error = new Error(`the node has ended: ${code ?? signal}`)
      started.reject(error)
      for (const waiting of this.#waiting.values()) waiting.reject(error)
      this.#waiting.clear()
    })
    this.id = await started.promise
  }

  get pid(): number {
    return this.#running.pid!
  }

  async view(): Promise<View> {
    const answer = await this.#ask({ kind: 'view' })
    assert.ok('transfers' in answer)
    return answer
  }

  async clear(): Promise<void> {
    await this.#ask({ kind: 'clear' })
  }

  /** Shares its folder, and waits until all of it is hashed. */
  async share(): Promise<void> {
    await this.#ask({ kind: 'share' })
    for (;;) {
      const [share] = (await this.view()).shares
      if (share !== undefined && share.files > 0 && share.unhashedFiles === 0) return
      await sleep(100)
    }
  }

  /** Takes something of the other. @returns the ID of the transfer */
  async get(from: SharingSide, path: string): Promise<string> {
    for (let tries = 0; ; tries++) {
      try {
        return idOf(await this.#ask({ kind: 'get', peer: from.id, path }))
      } catch (error) {
        // They may not have met yet.
        if (tries > 600 || !/peer-un/.test(String(error))) throw error
        await sleep(50)
      }
    }
  }

  /** Waits for the end of a transfer. @throws when it fails, or takes longer than `withinMs` */
  async finished(id: string, withinMs = 60_000): Promise<Transfer> {
    const giveUpAt = performance.now() + withinMs
    for (;;) {
      const transfer = (await this.view()).transfers.find((one) => one.id === id)
      if (transfer?.state === 'done') return transfer
      const story = JSON.stringify(transfer)
      assert.ok(transfer !== undefined && transfer.state !== 'failed', `it has failed: ${story}`)
      assert.ok(performance.now() < giveUpAt, `it does not end: ${story}`)
      await sleep(50)
    }
  }

  /** Offers something to the other. @returns the ID of the offer */
  async send(to: SharingSide, path: string): Promise<string> {
    return idOf(await this.#ask({ kind: 'send', peer: to.id, path }))
  }

  /** Bytes of contents that have arrived in all lives of this node. */
  get arrived(): number {
    return readFileSync(this.#count).readDoubleLE()
  }

  async kill(): Promise<void> {
    const child = this.#running
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    assert.equal(child.signalCode, 'SIGKILL', 'the node had ended by itself')
  }

  /** Kills the process before the how manieth of these calls of one of its threads from now on; at the latest after some seconds. */
  async killAtCall(calls: string, count: number): Promise<void> {
    await killAtCall(this.#running, { calls, count, lastMs: 3_000 })
  }

  async stop(): Promise<void> {
    const child = this.#running
    const ended = once(child, 'exit')
    child.disconnect()
    assert.equal((await ended)[0], 0)
  }

  /** Looks at a copy of what a killed node left, so that the node itself has to recover it. */
  async remains(id: string): Promise<Remains | undefined> {
    const copy = mkdtempSync(join(tmpdir(), 'p2p-remains-'))
    try {
      const files = readdirSync(join(this.home, 'data')).filter((name) => name.includes('.db'))
      for (const name of files) cpSync(join(this.home, 'data', name), join(copy, name))
      for (const name of files.filter((file) => file.endsWith('.db'))) assertWhole(join(copy, name))
      await using store = await openTransferStore({ path: join(copy, 'transfers.db') })
      assert.equal(store.damage, undefined)
      const transfer = store.transfer(id) ?? store.transfers().find(({ offer }) => offer === id)
      if (transfer === undefined) return undefined
      const parts = store.parts().filter(({ transferId }) => transferId === transfer.id)
      const chunks = parts.map(({ number }) =>
        countChunks(store.part(transfer.id, number)?.chunks ?? new Uint8Array()),
      )
      return {
        state: transfer.state,
        bytes: transfer.bytes + chunks.reduce((sum, count) => sum + count * mebibyte, 0),
      }
    } finally {
      rmSync(copy, { recursive: true })
    }
  }

  [Symbol.dispose](): void {
    this.#child?.kill('SIGKILL')
    rmSync(this.home, { recursive: true, force: true })
  }

  #ask(asked: Asked): Promise<Answer> {
    const number = ++this.#asked
    const waiting = Promise.withResolvers<Answer>()
    this.#waiting.set(number, waiting)
    this.#running.send({ number, asked })
    return waiting.promise
  }

  get #running(): ChildProcess {
    if (this.#child === undefined) throw new Error('the node does not run')
    return this.#child
  }
}

function idOf(answer: Answer): string {
  assert.ok('id' in answer)
  return answer.id
}

/** Files below a folder by their paths, and their hashes; without what is on its way, which may go at any moment. */
export function hashesBelow(folder: string): Map<string, string> {
  return new Map([...filesBelow(folder)].map((path) => [relative(folder, path), hashOf(path)]))
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (partPattern.test(entry.name)) continue
    if (entry.isDirectory()) yield* filesBelow(path)
    else if (entry.isFile()) yield path
  }
}

/** What is on its way below a folder: parts of files, and folders of small ones. */
export function partsBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    partPattern.test(path.slice(path.lastIndexOf('/') + 1)),
  )
}
