/** Our codecs next to the protobuf library (docs/decisions/0002-hand-written-codecs.md). */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { TimestampSchema } from '@bufbuild/protobuf/wkt'
import {
  decodeAnnouncement,
  encodeAnnouncement,
  type Announcement,
  type Upgrade,
} from '../../src/protocol/announcement.ts'
import {
  MessageSchema,
  PeerSchema,
  type Upgrade as LibraryUpgrade,
} from '../../src/protocol/generated/p2p_pb.ts'
import { messageIdFromBytes, messageIdToBytes } from '../../src/protocol/message-id.ts'
import { decodeMessage, encodeMessage, wireTimeFromMs, type WireMessage } from '../../src/protocol/message.ts'
import { peerIdFromBytes } from '../../src/protocol/peer-id.ts'
import { referencePeerId } from '../../test/reference/peer-id.ts'
import { inTurn, type Figure, type Measurement, type Target } from '../figure.ts'

const runs = 7
const measureMs = 250
/** Different inputs, so that nothing is remembered from one call to the next. */
const inputs = 1_000

/** About 64 bytes each, with a number of four digits. */
const texts = [
  'lunch at noon, in the kitchen or in the garden? bring chairs',
  'Обед в полдень, в саду или дома?',
]
const messages: readonly WireMessage[] = Array.from({ length: inputs }, (_, i) => ({
  text: `${texts[i % 2] ?? ''} ${String(i).padStart(4, '0')}`,
  sentAt: wireTimeFromMs(1_795_334_643_204 + i),
}))

/** As they are between our peers. */
const delivered: readonly WireMessage[] = messages.map(({ text, sentAt }, i) => {
  const id = messageIdFromBytes(Uint8Array.from({ length: 16 }, (_byte, at) => i * (at + 7)))
  if (id === undefined) throw new Error('16 bytes are an ID')
  return { text, sentAt, delivery: { id, place: 10_000 + i, after: 300, part: 0, parts: 1 } }
})

/** As the reference announces itself: 30 bytes. */
const plain: readonly Announcement[] = Array.from({ length: inputs }, (_, i) => ({
  id: referencePeerId(Uint8Array.from({ length: 16 }, (_byte, at) => i * (at + 7))),
  port: 8001,
  files: new Map(),
  ip: undefined,
  isPublicIp: false,
  upgrade: undefined,
}))

/** As ours do, and with two files. */
const rich: readonly Announcement[] = plain.map((announcement, i) => ({
  id: announcement.id,
  port: 8001,
  files: new Map([
    ['notes.txt', 'aa'],
    ['holiday.mp4', 'b'.repeat(16)],
  ]),
  ip: `192.168.1.${i % 250}`,
  isPublicIp: false,
  upgrade: {
    protocol: 1,
    key: new Uint8Array(32).fill(i),
    instance: 123_456_789_012_345n + BigInt(i),
    capabilities: 1,
    name: 'kitchen machine',
    leaving: false,
    wantsAnswer: true,
  },
}))

interface Comparison<Input> {
  readonly name: string
  readonly inputs: readonly Input[]
  readonly ours: (input: Input) => unknown
  readonly library: (input: Input) => unknown
  readonly perSecond: number
}

export const codecs: Figure = {
  name: 'codecs',
  about: 'messages and announcements encoded and decoded a second, next to the protobuf library',
  async measure() {
    const announcement = { ours: decodeAnnouncement, library: libraryAnnouncement, perSecond: 350_000 }
    return [
      await compare({
        name: 'message-encode',
        inputs: messages,
        ours: encodeMessage,
        library: libraryFrame,
        perSecond: 900_000,
      }),
      await compare({
        name: 'message-decode',
        inputs: messages.map(encodeMessage),
        ours: decodeMessage,
        library: libraryMessage,
        perSecond: 900_000,
      }),
      await compare({
        name: 'message-encode-ours',
        inputs: delivered,
        ours: encodeMessage,
        library: libraryFrame,
        perSecond: 600_000,
      }),
      await compare({
        name: 'message-decode-ours',
        inputs: delivered.map(encodeMessage),
        ours: decodeMessage,
        library: libraryMessage,
        perSecond: 600_000,
      }),
      await compare({
        name: 'announcement-decode',
        inputs: plain.map(encodeAnnouncement),
        ...announcement,
      }),
      await compare({
        name: 'announcement-decode-ours',
        inputs: rich.map(encodeAnnouncement),
        ...announcement,
      }),
    ]
  },
}

async function compare<Input>(comparison: Comparison<Input>): Promise<Measurement> {
  const { name, inputs: given, perSecond } = comparison
  const taken = await inTurn(
    runs,
    async () => callsPerSecond(given, comparison.ours),
    async () => callsPerSecond(given, comparison.library),
  )
  const targets: readonly Target[] = [{ of: 'value', is: 'at least', bound: perSecond }]
  return { name, unit: '1/s', ...taken, targets }
}

/** Whatever was computed last stays reachable, so that no call can be left out as useless. */
let last: unknown

function callsPerSecond<Input>(given: readonly Input[], call: (input: Input) => unknown): number {
  const started = performance.now()
  let calls = 0
  let passedMs = 0
  while (passedMs < measureMs) {
    for (const input of given) last = call(input)
    calls += given.length
    passedMs = performance.now() - started
  }
  if (last === undefined) throw new Error('the codec refused an input of its own bench')
  return (calls / passedMs) * 1000
}

function libraryFrame({ text, sentAt, delivery }: WireMessage): Uint8Array {
  const sendTime = sentAt && create(TimestampSchema, { seconds: BigInt(sentAt.seconds), nanos: sentAt.nanos })
  const told = delivery && {
    id: Uint8Array.from(messageIdToBytes(delivery.id)),
    place: BigInt(delivery.place),
    after: BigInt(delivery.after),
  }
  return toBinary(
    MessageSchema,
    create(MessageSchema, { message: text, ...(sendTime && { sendTime }), ...told }),
  )
}

/** What the library gives, as our own types: the work that we would have with it. */
function libraryMessage(frame: Uint8Array): WireMessage {
  const { message, sendTime, id, place, after } = fromBinary(MessageSchema, frame)
  const sentAt = sendTime && { seconds: Number(sendTime.seconds), nanos: sendTime.nanos }
  const named = id.length === 0 ? undefined : messageIdFromBytes(id)
  if (named === undefined) return { text: message, sentAt }
  const delivery = { id: named, place: Number(place), after: Number(after), part: 0, parts: 1 }
  return { text: message, sentAt, delivery }
}

function ourUpgrade({ publicKey, ...rest }: LibraryUpgrade): Upgrade {
  const { protocol, instance, capabilities, name, leaving, wantsAnswer } = rest
  return { protocol, key: publicKey, instance, capabilities, name, leaving, wantsAnswer }
}

function libraryAnnouncement(bytes: Uint8Array): Announcement | undefined {
  const { ID, port, files, IP, isPublicIp, upgrade } = fromBinary(PeerSchema, bytes)
  const id = ID && peerIdFromBytes(ID.value)
  if (id === undefined) return undefined
  const entries = new Map(Object.entries(files))
  const ip = IP === '<nil>' ? undefined : IP
  return { id, port, files: entries, ip, isPublicIp, upgrade: upgrade && ourUpgrade(upgrade) }
}
