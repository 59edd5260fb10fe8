import { limits } from '../index.ts'
import type { EventFeed } from './event-feed.ts'

/** The part of a WebSocket that is needed here. */
interface Socket {
  readonly bufferedAmount: number
  send(data: string, done: () => void): void
  on(event: 'close', listener: () => void): unknown
}

/**
 * Sends the events of a node to one reader. One that does not read keeps nobody waiting and fills no memory: beyond
 * `limits.controlReaderBytes` it misses events, and is told how many, and how everything stands, when it reads again.
 */
export function serveEvents(feed: EventFeed, socket: Socket): void {
  let missed = 0
  const sent = (): void => {
    if (missed === 0 || socket.bufferedAmount > limits.controlReaderBytes / 2) return
    const count = missed
    missed = 0
    socket.send(feed.missedFrame(count), () => {})
    socket.send(feed.stateFrame(), sent)
  }
  const stop = feed.listen((json) => {
    if (missed > 0 || socket.bufferedAmount > limits.controlReaderBytes) missed++
    else socket.send(json, sent)
  })
  socket.on('close', stop)
}
