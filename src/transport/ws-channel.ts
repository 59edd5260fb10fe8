import type { Socket } from 'node:net'
import type { RawData, WebSocket } from 'ws'
import type { Limits } from '../base/limits.ts'
import { monotonicMs } from '../base/time.ts'
import type { PeerId } from '../protocol/peer-id.ts'
import type { Rate } from '../rules/admission.ts'
import type { Channel, ChannelEnd, Proof } from './channel.ts'
import type { ChannelSweep } from './channel-sweep.ts'
import { closeCodeOf } from './errno.ts'
import { FrameWatch } from './frame-watch.ts'
import { MessageRate } from './message-rate.ts'
import { plainAddress } from './on-link.ts'

type Frames = readonly Uint8Array[]
type Step = IteratorResult<Frames, undefined>

/** What all channels of a transport share. */
export interface ChannelSettings {
  readonly limits: Limits
  /** What a peer may send here (W9). */
  messageRateOf(id: PeerId): Rate
  readonly sweep: ChannelSweep
  /** Messages that may come in the whole life of a channel. */
  readonly totalMessages: number
}

/** One open WebSocket, and the socket below it. */
export interface OpenSocket {
  readonly ws: WebSocket
  readonly socket: Socket
  /** The TCP socket: that below `socket` inside TLS, else `socket` itself. */
  readonly raw: Socket
  readonly peerId: PeerId
  readonly incoming: boolean
  /** Absent in plain. */
  readonly proof: Proof | undefined
}

/** Options that `ws` takes on both sides; never compression (W3), few fragments and pieces (W6, W7). */
export function webSocketOptions(limits: Limits) {
  return {
    perMessageDeflate: false,
    maxPayload: limits.messageBytes,
    maxFragments: limits.messageFragments,
    maxBufferedChunks: limits.messageChunks,
    closeTimeout: limits.closeMs,
  } as const
}

const sendOptions = { binary: true, compress: false, fin: true } as const
/** RFC 6455, 5.5: a control frame carries 125 bytes, two of which are the code. */
const reasonBytes = 123
/** Header, type and tag of a TLS record (RFC 8446, 5.2), which hands over its data in one piece. */
const recordBytes = 5 + 1 + 16
const done: Step = { value: undefined, done: true }

/** A channel over WebSocket. Must be made in the same tick in which the WebSocket opened, or frames are lost. */
export class WsChannel implements Channel, AsyncIterator<Frames, undefined> {
  readonly peerId: PeerId
  readonly incoming: boolean
  readonly proof: Proof | undefined
  readonly address: string
  readonly closed: Promise<ChannelEnd>

  readonly #ws: WebSocket
  readonly #socket: Socket
  readonly #raw: Socket
  readonly #settings: ChannelSettings
  readonly #resolveClosed: (end: ChannelEnd) => void
  readonly #watch = new FrameWatch()
  readonly #rate: MessageRate | undefined

  /** How it ends, once we know. */
  #end: ChannelEnd | undefined
  #ended = false
  /** After a violation, or when the reader left, nothing that still comes is handed on. */
  #discarding = false

  #received: Uint8Array[] = []
  #receivedBytes = 0
  #waiting: ((step: Step) => void) | undefined
  /** Why reading stopped: nobody takes what comes, or it comes too fast. */
  #readerBusy = true
  #tooFast = false

  #sentInTick = false
  #corked = false
  #room: PromiseWithResolvers<void> | undefined

  #heard = false
  #quietSince: number
  #pingedAt: number | undefined
  #unfinishedSince: number | undefined
  #messagesThen = 0
  /** What came as data, with the frame of each TLS record that carried it. */
  #dataBytes = 0

  constructor({ ws, socket, raw, peerId, incoming, proof }: OpenSocket, settings: ChannelSettings) {
    const now = monotonicMs()
    this.peerId = peerId
    this.incoming = incoming
    this.proof = proof
    this.address = plainAddress(socket.remoteAddress)
    this.#ws = ws
    this.#socket = socket
    this.#raw = raw
    this.#settings = settings
    const rate = settings.messageRateOf(peerId)
    this.#rate = rate.perSecond === Infinity ? undefined : new MessageRate(rate, now)
    this.#quietSince = now
    const { promise, resolve } = Promise.withResolvers<ChannelEnd>()
    this.closed = promise
    this.#resolveClosed = resolve
    this.#listen()
    this.#steerReading()
    settings.sweep.add(this)
  }

  get isOpen(): boolean {
    return this.#ws.readyState === 1
  }

  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  /** Address of our side. */
  get localAddress(): string {
    return plainAddress(this.#socket.localAddress)
  }

  send(frame: Uint8Array): Promise<void> | undefined {
    if (!this.isOpen) return undefined
    // A frame that is alone leaves at once; those that follow in the same tick share one system call.
    if (this.#sentInTick && !this.#corked) {
      this.#corked = true
      this.#socket.cork()
    }
    this.#ws.send(frame, sendOptions)
    if (!this.#sentInTick) {
      this.#sentInTick = true
      process.nextTick(endTick, this)
    }
    return this.#socket.writableLength < this.#settings.limits.gatheredBytes ? undefined : this.#flush()
  }

  charge(messages: number): void {
    if (this.#rate === undefined || messages === 0) return
    this.#tooFast = !this.#rate.count(messages, monotonicMs())
    this.#steerReading()
  }

  close(code: number, reason: string): Promise<void> {
    if (this.#end === undefined) {
      this.#end = { code, reason }
      this.#uncork()
      this.#ws.close(code, clipReason(reason))
      this.#readerBusy = false
      this.#steerReading()
    }
    return this.closed.then(ignore)
  }

  /** Ends the channel at once, with code 1006 unless it was closing. */
  terminate(): void {
    this.#ws.terminate()
  }

  /** Ends the channel at once, because the address that it is bound to is ours no more. */
  strand(): void {
    this.#end ??= { code: 1006, reason: 'our address has changed', stranded: true }
    this.terminate()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Step> {
    if (this.#readerBusy) {
      this.#readerBusy = false
      this.#steerReading()
    }
    if (this.#received.length > 0) return Promise.resolve({ value: this.#take(), done: false })
    if (this.#ended) return Promise.resolve(done)
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  return(): Promise<Step> {
    // Nobody will come back for the rest, but the end must still be seen.
    this.#discarding = true
    this.#take()
    this.#readerBusy = false
    this.#steerReading()
    return Promise.resolve(done)
  }

  /** Looks at the time limits; called every `limits.sweepMs`. */
  sweep(now: number): void {
    if (this.#end !== undefined) return
    this.#sweepRecords()
    if (this.#tooFast) this.#sweepRate(now)
    if (this.#tooFast || this.#readerBusy) {
      // What we do not read says nothing about the peer.
      this.#quietSince = now
      this.#pingedAt = undefined
      this.#unfinishedSince = undefined
      return
    }
    this.#sweepUnfinished(now)
    this.#sweepLife(now)
  }

  #listen(): void {
    this.#ws.on('message', (data, isBinary) => this.#onMessage(data, isBinary))
    this.#ws.on('error', (error) => {
      this.#end ??= { code: closeCodeOf(error), reason: '' }
    })
    this.#ws.on('close', (code, reason) => this.#onClose(code, reason))
    // Runs after the listener of ws, so after the messages of the same read.
    this.#socket.on('data', (chunk: Uint8Array) => this.#afterRead(chunk))
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (!isBinary || !(data instanceof Uint8Array)) this.#violate(1011, 'text frame')
    // While it closes nothing stops the reading, so what nobody takes is dropped.
    else if (!this.#discarding && (this.#end === undefined || !this.#isFull())) {
      this.#received.push(data)
      this.#receivedBytes += data.length
    }
  }

  #afterRead(chunk: Uint8Array): void {
    this.#heard = true
    this.#dataBytes += chunk.length + recordBytes
    if (this.#end === undefined) this.#watchFrames(chunk)
    if (this.#received.length === 0) return
    const waiting = this.#waiting
    if (waiting !== undefined) {
      this.#waiting = undefined
      waiting({ value: this.#take(), done: false })
    } else if (this.#end === undefined && this.#isFull()) {
      this.#readerBusy = true
      this.#steerReading()
    }
  }

  #watchFrames(chunk: Uint8Array): void {
    const watch = this.#watch
    if (!watch.scan(chunk)) {
      this.#violate(1002, 'length not in its shortest form')
    } else if (watch.messages > this.#settings.totalMessages) {
      this.#violate(1008, 'too many messages')
    } else if (this.#rate !== undefined && watch.counted > 0) {
      this.#tooFast = !this.#rate.count(watch.counted, monotonicMs())
      watch.counted = 0
      if (this.#tooFast) this.#steerReading()
    }
  }

  #onClose(code: number, reason: Buffer): void {
    this.#ended = true
    this.#end ??= { code, reason: reason.toString('utf8') }
    this.#settings.sweep.delete(this)
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.(this.#received.length > 0 ? { value: this.#take(), done: false } : done)
    this.#room?.resolve()
    this.#resolveClosed(this.#end)
  }

  #violate(code: number, reason: string): void {
    this.#discarding = true
    this.#take()
    void this.close(code, reason)
  }

  #take(): Frames {
    const frames = this.#received
    this.#received = []
    this.#receivedBytes = 0
    return frames
  }

  #isFull(): boolean {
    const { receivedFrames, receivedBytes } = this.#settings.limits
    return this.#received.length >= receivedFrames || this.#receivedBytes >= receivedBytes
  }

  #steerReading(): void {
    if (this.#tooFast || this.#readerBusy) this.#ws.pause()
    else this.#ws.resume()
  }

  /** Ends the gathering of one tick. */
  endTick(): void {
    this.#sentInTick = false
    this.#uncork()
  }

  #uncork(): void {
    if (!this.#corked) return
    this.#corked = false
    this.#socket.uncork()
  }

  #flush(): Promise<void> | undefined {
    this.#uncork()
    if (this.#socket.writableLength < this.#settings.limits.sendHighWaterBytes) return undefined
    if (this.#room === undefined) {
      const room = Promise.withResolvers<void>()
      this.#room = room
      this.#socket.once('drain', () => {
        this.#room = undefined
        room.resolve()
      })
    }
    return this.#room.promise
  }

  #sweepRate(now: number): void {
    const rate = this.#rate
    if (rate === undefined) return
    if (rate.pressingMs(now) >= this.#settings.limits.pressingMs) {
      this.#violate(1008, 'too many messages')
    } else if (rate.mayGoOn(now)) {
      this.#tooFast = false
      this.#steerReading()
    }
  }

  #sweepUnfinished(now: number): void {
    const { unfinished, messages } = this.#watch
    if (!unfinished || messages !== this.#messagesThen) {
      this.#unfinishedSince = unfinished ? now : undefined
      this.#messagesThen = messages
    } else if (now - (this.#unfinishedSince ??= now) >= this.#settings.limits.messageMs) {
      this.#violate(1008, 'message took too long')
    }
  }

  /** A peer that says much in TLS itself, as new keys over and over, costs much and is seen by nobody else (T10). */
  #sweepRecords(): void {
    if (this.#raw === this.#socket) return
    const extraBytes = this.#raw.bytesRead - this.#dataBytes - this.#socket.readableLength
    if (extraBytes <= this.#settings.limits.tlsExtraBytes) return
    this.#end ??= { code: 1008, reason: 'too much beside data' }
    this.terminate()
  }

  #sweepLife(now: number): void {
    if (this.#end !== undefined) return
    const { keepAliveMs, pongMs } = this.#settings.limits
    if (this.#heard) {
      this.#heard = false
      this.#quietSince = now
      this.#pingedAt = undefined
    } else if (this.#pingedAt !== undefined) {
      if (now - this.#pingedAt >= pongMs) this.terminate()
    } else if (now - this.#quietSince >= keepAliveMs) {
      this.#pingedAt = now
      this.#ws.ping()
    }
  }
}

function endTick(channel: WsChannel): void {
  channel.endTick()
}

function ignore(): void {}

/** Cuts a reason to what a close frame can carry, between characters. */
function clipReason(reason: string): string {
  const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(reasonBytes))
  return reason.slice(0, read)
}
