/**
 * Run on a host of the lab: sends each line of standard input, a datagram in hexadecimal digits, to one address.
 * With a rate, it sends announcements of random peers instead, that many a second.
 *
 *   node send-datagrams.ts FROM-ADDRESS FROM-PORT TO-ADDRESS TO-PORT [PER-SECOND SECONDS]
 */
import { randomFillSync } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setImmediate } from 'node:timers/promises'

const [from = '', fromPort = '', to = '', toPort = '', perSecond, seconds] = process.argv.slice(2)
const socket = createSocket({ type: 'udp4', reuseAddr: true })
socket.on('error', () => {})
socket.bind(Number(fromPort), from)
await once(socket, 'listening')
socket.connect(Number(toPort), to)
await once(socket, 'connect')
const sent = perSecond === undefined ? await sendLines() : await flood(Number(perSecond), Number(seconds))
socket.close()
process.stdout.write(`${sent}\n`)

async function sendLines(): Promise<number> {
  let count = 0
  for await (const line of createInterface({ input: process.stdin })) {
    await new Promise((resolve) => socket.send(Buffer.from(line, 'hex'), resolve))
    count++
  }
  return count
}

async function flood(rate: number, durationS: number): Promise<number> {
  const started = performance.now()
  let count = 0
  for (;;) {
    const elapsedS = (performance.now() - started) / 1000
    if (elapsedS >= durationS) return count
    for (const due = Math.min(elapsedS * rate, count + 500); count < due; count++) {
      const datagram = Buffer.from('0a120a100000000000004000800000000000000010c13e', 'hex')
      randomFillSync(datagram, 4, 6)
      randomFillSync(datagram, 12, 8)
      datagram[12] = (datagram[12]! & 0x3f) | 0x80
      socket.send(datagram, () => {})
    }
    await setImmediate()
  }
}
