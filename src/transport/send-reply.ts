import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { P2PError } from '../base/errors.ts'
import type { FileRequest, NoFileRequest } from '../protocol/file-request.ts'
import type { ContentSource, FileReply } from './files.ts'
import { Slabs } from './piece-sink.ts'
import type { SlabPool } from './slab-pool.ts'

interface ReplyOptions {
  readonly request: FileRequest | NoFileRequest
  readonly response: ServerResponse
  readonly pool: SlabPool
  /** Called when the last of the answer is given to the socket: another request may come from now on. */
  readonly written: () => void
}

type ContentReply = Extract<FileReply, { kind: 'content' }>

/**
 * Answers a request about files. Every answer says how long it is, and none is encoded in another way (F11).
 *
 * @returns when the last of it was given to the socket, or the connection has ended
 * @throws what the source of a content throws, or `internal` when it ends early: nothing but the end of the connection can tell that
 */
export async function sendReply(reply: FileReply, options: ReplyOptions): Promise<void> {
  const { response, written } = options
  switch (reply.kind) {
    case 'message':
      written()
      writeHead(response, 200, { 'Content-Length': reply.body.length })
      response.end(reply.body)
      return
    case 'refused':
      written()
      refuse(response, reply)
      return
    case 'content':
      await sendContent(reply, options)
  }
}

interface RefusalHead {
  readonly status: number
  readonly sizeBytes?: number
  readonly closes?: boolean
}

/** The same for all that is not there and all that one may not have: no body (F5). */
export function refuse(response: ServerResponse, { status, sizeBytes, closes = false }: RefusalHead): void {
  const range = sizeBytes === undefined ? {} : { 'Content-Range': `bytes */${sizeBytes}` }
  writeHead(response, status, { 'Content-Length': 0, ...range, ...(closes ? { Connection: 'close' } : {}) })
  response.end()
}

async function sendContent(reply: ContentReply, options: ReplyOptions): Promise<void> {
  await using source = reply.body
  const { response, pool, written } = options
  const outgoing = new OutgoingSlabs(response, pool)
  writeHead(response, ...contentHead(reply, options.request))
  let sent = Promise.resolve()
  for (let left = reply.bodyBytes; left > 0;) {
    const slab = await outgoing.take()
    if (slab === undefined) return
    const bytes = await readInto(slab, left, source).catch((error: unknown) => {
      outgoing.give(slab)
      throw error
    })
    left -= bytes
    // Several that wait would be joined in a copy, and encrypted together: four times the memory, and no faster.
    await sent
    if (left === 0) written()
    sent = outgoing.write(slab, bytes)
  }
  response.end()
}

async function readInto(slab: Uint8Array, left: number, source: ContentSource): Promise<number> {
  const bytes = await source.read(left < slab.length ? slab.subarray(0, left) : slab)
  if (bytes > 0 && bytes <= left) return bytes
  throw new P2PError('internal', 'The source of a content has ended too early. Report it.')
}

function contentHead(
  { bodyBytes, sizeBytes }: ContentReply,
  request: ReplyOptions['request'],
): [number, OutgoingHttpHeaders] {
  const length = { 'Content-Length': bodyBytes }
  if (request.kind !== 'content') return [200, length]
  if (sizeBytes === undefined || request.end - request.start !== bodyBytes) {
    throw new P2PError('internal', 'A content is not the part that was asked for. Report it.')
  }
  return [206, { ...length, 'Content-Range': `bytes ${request.start}-${request.end - 1}/${sizeBytes}` }]
}

function writeHead(response: ServerResponse, status: number, headers: OutgoingHttpHeaders): void {
  response.sendDate = false
  response.writeHead(status, headers)
}

/** The few slabs of one answer: while one is read into, others are on their way. */
class OutgoingSlabs {
  readonly #response: ServerResponse
  readonly #slabs: Slabs
  /** What is on its way, and who waits for it. */
  readonly #leaving = new Map<Uint8Array, () => void>()
  #isGone = false
  #wake = (): void => {}

  constructor(response: ServerResponse, pool: SlabPool) {
    this.#response = response
    this.#slabs = new Slabs(pool, () => this.#wake())
    this.#isGone = response.destroyed
    // Node does not call back for what was written to a connection that has ended.
    response.once('close', () => {
      this.#isGone = true
      for (const slab of this.#leaving.keys()) this.#left(slab)
      this.#wake()
    })
  }

  /** Undefined when the connection has ended. */
  async take(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#isGone) return undefined
      const slab = this.#slabs.take()
      if (slab !== undefined) return slab
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Gives back one that was not written. */
  give(slab: Uint8Array): void {
    this.#slabs.give(slab)
  }

  /** @returns when it was given to the system, or the connection has ended */
  async write(slab: Uint8Array, bytes: number): Promise<void> {
    if (this.#isGone) {
      this.#slabs.give(slab)
      return
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#leaving.set(slab, resolve)
    this.#response.write(bytes === slab.length ? slab : slab.subarray(0, bytes), () => this.#left(slab))
    await promise
  }

  #left(slab: Uint8Array): void {
    const tell = this.#leaving.get(slab)
    if (tell === undefined) return
    this.#leaving.delete(slab)
    this.#slabs.give(slab)
    tell()
  }
}
