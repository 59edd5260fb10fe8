/** What the two ends of a conversation are asked to do: the same for ours and for the baseline. */
import type { Ports } from './ports.ts'

export type Request =
  /** Waits for the other end; answers with the `Ports` that this one is found at. */
  | { readonly kind: 'listen' }
  | { readonly kind: 'connect'; readonly to: Ports }
  /** Counts what arrives from now on, until there were so many; answers at once. */
  | { readonly kind: 'expect'; readonly messages: number }
  /** Answers when all that was expected has arrived: how many seconds lay between the first and the last. */
  | { readonly kind: 'arrived' }
  /** Sends so many messages as fast as the other end takes them; answers when all have left. */
  | { readonly kind: 'flood'; readonly messages: number }
  /** The same with frames of these sizes, for an end that sends bytes. */
  | { readonly kind: 'flood-frames'; readonly sizes: readonly number[] }
  /** Answers with the size of each frame that was sent since the last such request. */
  | { readonly kind: 'frames' }
  /** Sends every message that arrives back from now on. */
  | { readonly kind: 'echo' }
  /** Sends one message after the other, each after the last one's echo; answers with the milliseconds of each. */
  | { readonly kind: 'roundTrips'; readonly count: number; readonly pauseMs: number }

/** 64 bytes, as people write: mostly letters and blanks. */
export const text = 'The quick brown fox jumps over the lazy dog, and then once more.'

/** How one end sends and receives; the rest is the same for both. */
export interface End {
  listen(): Promise<Ports>
  connect(to: Ports): Promise<void>
  /** Sends one message, or a frame of so many bytes. A promise asks the sender to wait. */
  send(frameBytes?: number): Promise<unknown> | undefined
  /** The size of each frame that was sent since the last call; empty for an end that does not count. */
  takeFrames(): readonly number[]
  /** Calls `listener` for each message that arrives, in place of the last one. */
  onMessage(listener: () => void): void
}

export function handlerFor(end: End): (request: Request) => unknown {
  let arrived: Promise<number> | undefined
  return (request) => {
    switch (request.kind) {
      case 'listen':
        return end.listen()
      case 'connect':
        return end.connect(request.to)
      case 'expect':
        arrived = count(end, request.messages)
        return undefined
      case 'arrived':
        return arrived
      case 'flood':
        return flood(end, request.messages)
      case 'flood-frames':
        return floodFrames(end, request.sizes)
      case 'frames':
        return end.takeFrames()
      case 'echo':
        return end.onMessage(() => void end.send())
      case 'roundTrips':
        return roundTrips(end, request)
    }
  }
}

function count(end: End, messages: number): Promise<number> {
  return new Promise((resolve) => {
    let left = messages
    let startedAt = 0
    end.onMessage(() => {
      if (left === messages) startedAt = performance.now()
      if (--left === 0) resolve((performance.now() - startedAt) / 1000)
    })
  })
}

async function flood(end: End, messages: number): Promise<void> {
  for (let sent = 0; sent < messages; sent++) {
    const full = end.send()
    if (full !== undefined) await full
  }
}

async function floodFrames(end: End, sizes: readonly number[]): Promise<void> {
  for (const size of sizes) {
    const full = end.send(size)
    if (full !== undefined) await full
  }
}

async function roundTrips(
  end: End,
  { count: times, pauseMs }: { readonly count: number; readonly pauseMs: number },
): Promise<readonly number[]> {
  const took: number[] = []
  for (let trip = 0; trip < times; trip++) {
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    const startedAt = performance.now()
    await new Promise<void>((resolve) => {
      end.onMessage(resolve)
      void end.send()
    })
    took.push(performance.now() - startedAt)
  }
  return took
}
