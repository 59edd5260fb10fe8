/**
 * One end of a conversation over one encrypted channel of our transport, without a node or a store: messages are encoded,
 * gathered into frames and taken apart as between our nodes, and nothing is kept.
 */
import { randomBytes } from 'node:crypto'
import { limits } from '../../src/base/limits.ts'
import { silentLog } from '../../src/base/log.ts'
import { KeyPair } from '../../src/identity/key-pair.ts'
import { decodeFrame, encodeFrame } from '../../src/protocol/frame.ts'
import { messageIdFromBytes } from '../../src/protocol/message-id.ts'
import { encodeMessage, wireTimeFromMs } from '../../src/protocol/message.ts'
import { parsePeerId } from '../../src/protocol/peer-id.ts'
import type { Channel } from '../../src/transport/channel.ts'
import { tcpTransport } from '../../src/transport/tcp-transport.ts'
import { handlerFor, text } from '../conversation.ts'
import { serve } from '../worker.ts'

/** Messages that may wait before the sender does. */
const waitingMessages = 1024
/** Made before, as by who stores them. */
const ids = Array.from({ length: 1024 }, () => messageIdFromBytes(randomBytes(16)))
const credentials = KeyPair.make()
const opening = tcpTransport({ port: 0, host: '127.0.0.1' })({
  selfId: credentials.id,
  credentials,
  permits: () => true,
  isKnown: () => true,
  peersFor: () => [],
  admitsSession: () => true,
  messageRateOf: () => ({ perSecond: Infinity, burst: Infinity }),
  accept: use,
  admitsPairing: () => false,
  acceptPairing: () => {},
  files: { serve: () => Promise.resolve({ kind: 'refused', status: 404 }) },
  isStopping: () => false,
  log: silentLog,
})

let sender: Sender | undefined
let onMessage = (): void => {}

/** Sends what was said in one tick together, as a node does, and waits when the network does. */
class Sender {
  frameSizes: number[] = []
  readonly #channel: Channel
  /** Messages that were said, and that have left. */
  #said = 0
  #left = 0
  #sending: Promise<void> | undefined

  constructor(channel: Channel) {
    this.#channel = channel
  }

  say(): Promise<void> | undefined {
    this.#said++
    this.#sending ??= new Promise<void>((resolve) => process.nextTick(resolve)).then(() => this.#send())
    return this.#said - this.#left < waitingMessages ? undefined : this.#sending
  }

  async #send(): Promise<void> {
    while (this.#left < this.#said) {
      const frame = this.#frame()
      this.frameSizes.push(frame.length)
      const room = this.#channel.send(frame)
      if (room !== undefined) await room
    }
    this.#sending = undefined
  }

  #frame(): Uint8Array {
    const messages: Uint8Array[] = []
    let bytes = 0
    while (this.#left < this.#said && messages.length < limits.batchedMessages) {
      const message = encoded(this.#left + 1)
      if (messages.length > 0 && bytes + message.length > limits.batchedBytes) break
      messages.push(message)
      bytes += message.length
      this.#left++
    }
    const [first] = messages
    return messages.length > 1 || first === undefined ? encodeFrame({ messages }) : first
  }
}

function encoded(place: number): Uint8Array {
  const id = ids[place % ids.length]
  if (id === undefined) throw new Error('no ID')
  const delivery = { id, place, after: 0, part: 0, parts: 1 }
  return encodeMessage({ text, sentAt: wireTimeFromMs(Date.now()), delivery })
}

function use(channel: Channel): void {
  sender = new Sender(channel)
  void receive(channel)
}

async function receive(channel: Channel): Promise<void> {
  for await (const frames of channel) {
    for (const bytes of frames) {
      const { messages } = decodeFrame(bytes) ?? {}
      if (messages?.every(({ delivery }) => delivery) !== true) throw new Error('a frame is broken')
      channel.charge(messages.length - 1)
      for (let left = messages.length; left > 0; left--) onMessage()
    }
  }
}

serve(
  handlerFor({
    async listen() {
      return { tcp: (await opening).port, udp: 0, id: credentials.id }
    },
    async connect({ tcp, id = '' }) {
      const peer = parsePeerId(id)
      if (peer === undefined) throw new Error(`"${id}" is no peer ID`)
      use(await (await opening).dial(peer, [{ address: '127.0.0.1', port: tcp }]))
    },
    send() {
      if (sender === undefined) throw new Error('no channel')
      return sender.say()
    },
    takeFrames: () => sender?.frameSizes.splice(0) ?? [],
    onMessage(listener) {
      onMessage = listener
    },
  }),
)
