/** Records what crosses a network of the lab, and looks into it byte for byte. */
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lab } from './lab.ts'

/** Why nothing can be recorded on this machine; false when it can. */
export function captureUnavailable(): string | false {
  return spawnSync('tcpdump', ['--version']).error === undefined
    ? false
    : 'a capture needs the command tcpdump (Debian package tcpdump)'
}

/** Begins to record the whole of one network; disposing it ends the recording. */
export async function openCapture(lab: Lab, network = 0): Promise<Capture> {
  const args = ['-i', `br${network}`, '-U', '--immediate-mode', '-n', '-s', '0', '-B', '16384', '-w', '-']
  const child = spawn('ip', ['netns', 'exec', lab.hub, 'tcpdump', '-Z', 'root', ...args])
  const capture = new Capture(child)
  await capture.started
  return capture
}

export class Capture implements AsyncDisposable {
  /** Resolves when nothing is missed any more. */
  readonly started: Promise<void>
  readonly #child: ChildProcessWithoutNullStreams
  readonly #pieces: Buffer[] = []
  readonly #ended: Promise<unknown>
  #told = ''

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    child.stdout.on('data', (piece: Buffer) => this.#pieces.push(piece))
    this.#ended = new Promise((resolve) => child.once('close', resolve))
    this.started = new Promise((resolve, reject) => {
      child.stderr.on('data', (text: Buffer) => {
        this.#told += text.toString()
        if (this.#told.includes('listening on')) resolve()
      })
      child.once('error', reject)
      child.once('close', () => reject(new Error(`tcpdump ended: ${this.#told}`)))
    })
  }

  /** Ends the recording. @throws when the kernel could not keep up */
  async stop(): Promise<Recording> {
    // What is on its way through the bridge and tcpdump.
    await sleep(300)
    this.#child.kill('SIGINT')
    await this.#ended
    if (!/\b0 packets dropped by kernel/.test(this.#told))
      throw new Error(`packets are missing: ${this.#told}`)
    return new Recording(Buffer.concat(this.#pieces))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}

export interface Packet {
  readonly protocol: 'tcp' | 'udp'
  readonly from: string
  readonly to: string
  readonly fromPort: number
  readonly toPort: number
  readonly payload: Buffer
  /** Of the first byte of the payload, in its stream. */
  readonly sequence: number
  /** Whether it opens a TCP stream. */
  readonly opens: boolean
}

/** One direction of a TCP connection. */
export interface Stream {
  readonly from: string
  readonly fromPort: number
  readonly toPort: number
  readonly bytes: Buffer
}

/** A finished capture: `bytes` is the file as tcpdump wrote it. */
export class Recording {
  readonly bytes: Buffer
  readonly packets: readonly Packet[]

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.packets = packetsOf(bytes)
  }

  /** UDP payloads that went to or came from a port. */
  datagrams(port: number): readonly Buffer[] {
    return this.packets
      .filter(
        ({ protocol, fromPort, toPort }) => protocol === 'udp' && (fromPort === port || toPort === port),
      )
      .map(({ payload }) => payload)
  }

  /** Both directions of every TCP connection to a port, put together. */
  streams(port: number): readonly Stream[] {
    const streams: Packet[][] = []
    const open = new Map<string, Packet[]>()
    for (const packet of this.packets) {
      if (packet.protocol !== 'tcp' || (packet.fromPort !== port && packet.toPort !== port)) continue
      const key = `${packet.from}:${packet.fromPort}>${packet.to}:${packet.toPort}`
      const known = open.get(key)
      if (known === undefined || (packet.opens && known[0]?.sequence !== packet.sequence)) {
        const packets = [packet]
        open.set(key, packets)
        streams.push(packets)
      } else known.push(packet)
    }
    return streams.map(joined)
  }

  /** How often a text stands in the capture as it is. */
  count(text: string | Uint8Array): number {
    return countIn(this.bytes, Buffer.from(text))
  }

  /** Like {@link count}, and also where it is masked with four bytes as in the frames of a WebSocket client (RFC 6455, 5.3). */
  countMasked(text: string): number {
    return countIn(differences(this.bytes), differences(Buffer.from(text)))
  }
}

/** Each byte XOR the one four further on: a mask of four bytes falls out of it. */
function differences(bytes: Buffer): Buffer {
  const result = Buffer.alloc(Math.max(0, bytes.length - 4))
  for (let i = 0; i < result.length; i++) result[i] = bytes[i]! ^ bytes[i + 4]!
  return result
}

function countIn(bytes: Buffer, wanted: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) count++
  return count
}

/** The packets of a pcap file: IPv4 on Ethernet, the rest is left out. */
function packetsOf(file: Buffer): readonly Packet[] {
  if (file.readUInt32LE(0) !== 0xa1b2c3d4 || file.readUInt32LE(20) !== 1)
    throw new Error('not a pcap file of Ethernet frames')
  const packets: Packet[] = []
  for (let at = 24; at + 16 <= file.length;) {
    const length = file.readUInt32LE(at + 8)
    const packet = packetOf(file.subarray(at + 16, at + 16 + length))
    if (packet !== undefined) packets.push(packet)
    at += 16 + length
  }
  return packets
}

function packetOf(frame: Buffer): Packet | undefined {
  if (frame.length < 34 || frame.readUInt16BE(12) !== 0x0800) return undefined
  const ip = frame.subarray(14, 14 + frame.readUInt16BE(16))
  const segment = ip.subarray((ip[0]! & 15) * 4)
  const ends = {
    from: ip.subarray(12, 16).join('.'),
    to: ip.subarray(16, 20).join('.'),
    fromPort: segment.length < 4 ? 0 : segment.readUInt16BE(0),
    toPort: segment.length < 4 ? 0 : segment.readUInt16BE(2),
  }
  if (ip[9] === 17)
    return { protocol: 'udp', ...ends, payload: segment.subarray(8), sequence: 0, opens: false }
  if (ip[9] !== 6) return undefined
  const opens = (segment[13]! & 2) !== 0
  return {
    protocol: 'tcp',
    ...ends,
    payload: segment.subarray((segment[12]! >> 4) * 4),
    sequence: (segment.readUInt32BE(4) + (opens ? 1 : 0)) >>> 0,
    opens,
  }
}

/** The bytes of one direction in order; what was sent twice stands once. */
function joined(packets: readonly Packet[]): Stream {
  const [first] = packets as readonly [Packet, ...Packet[]]
  const placed = packets
    .map(({ payload, sequence }) => ({ payload, at: (sequence - first.sequence) | 0 }))
    .filter(({ at, payload }) => at >= 0 && payload.length > 0)
  const bytes = Buffer.alloc(Math.max(0, ...placed.map(({ at, payload }) => at + payload.length)))
  for (const { payload, at } of placed) payload.copy(bytes, at)
  return { from: first.from, fromPort: first.fromPort, toPort: first.toPort, bytes }
}
