/** Two commands that write to each other all the time, and when each message arrived. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerProcess } from '../lab/peer.ts'

/** How long, or how many messages from either side, and with which pauses. */
type Pace =
  | { readonly forMs: number; readonly everyMs?: number }
  | { readonly messages: number; readonly everyMs?: number }

const usualPauseMs = 500
const byNumber = (a: number, b: number): number => a - b

export class Dialogue {
  readonly #voices: readonly [Voice, Voice]

  /** Both attach to the other, so that every line is a message. */
  static async open(one: PeerProcess, two: PeerProcess): Promise<Dialogue> {
    await Promise.all([one.command(`open ${two.id}`), two.command(`open ${one.id}`)])
    return new Dialogue([new Voice('one', one, two), new Voice('two', two, one)])
  }

  private constructor(voices: readonly [Voice, Voice]) {
    this.#voices = voices
  }

  async talk(pace: Pace): Promise<void> {
    const { everyMs = usualPauseMs } = pace
    const times = 'messages' in pace ? pace.messages : Math.ceil(pace.forMs / everyMs)
    for (let time = 0; time < times; time++) {
      for (const voice of this.#voices) voice.say()
      await sleep(everyMs)
    }
  }

  /** Waits until everything has arrived; each once, and in its order. */
  async settled(options: { readonly timeoutMs: number }): Promise<void> {
    await Promise.all(this.#voices.map((voice) => voice.settled(options)))
  }

  /** How long after `moment` that was there which was said before, in ms, growing; only what was not there by then. */
  lateness(moment: number): readonly number[] {
    const late = this.#voices.flatMap(({ said }) =>
      said.filter((one) => one.saidAt < moment && one.heardAt > moment),
    )
    return late.map(({ heardAt }) => heardAt - moment).toSorted(byNumber)
  }

  /** How long the slowest message took. */
  slowestMs(): number {
    return Math.max(
      ...this.#voices.flatMap(({ said }) => said.map(({ saidAt, heardAt }) => heardAt - saidAt)),
    )
  }
}

interface Said {
  readonly text: string
  readonly saidAt: number
  heardAt: number
}

class Voice {
  readonly said: Said[] = []
  readonly #name: string
  readonly #from: PeerProcess
  readonly #to: PeerProcess

  constructor(name: string, from: PeerProcess, to: PeerProcess) {
    this.#name = name
    this.#from = from
    this.#to = to
  }

  say(): void {
    const one: Said = {
      text: `${this.#name} says ${this.said.length}`,
      saidAt: performance.now(),
      heardAt: Infinity,
    }
    this.said.push(one)
    this.#from.write(one.text)
    // Failures are told when everything is to have settled.
    this.#to.received(one.text, { timeoutMs: 200_000 }).then(
      () => (one.heardAt = performance.now()),
      () => {},
    )
  }

  async settled(options: { readonly timeoutMs: number }): Promise<void> {
    const last = this.said.at(-1)
    if (last !== undefined) await this.#to.received(last.text, options)
    // What is there twice may come a moment later.
    await sleep(500)
    const heard = this.#to.lines
      .filter(({ type }) => type === 'message:received')
      .map(({ message }) => (message as { text: string }).text)
    assert.deepEqual(
      heard,
      this.said.map(({ text }) => text),
    )
  }
}
