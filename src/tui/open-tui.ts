import { render, type Instance } from 'ink'
import { createElement } from 'react'
import type { NodeEvent, P2PNode } from '../index.ts'
import { snapshotOf } from '../control/snapshot.ts'
import type { Face } from '../face/face.ts'
import { farewellLines } from '../face/farewell.ts'
import { styleFor } from '../face/style.ts'
import { Actor } from './actor.ts'
import { Screen, SpokenScreen } from './screen.ts'
import { spoken } from './speech.ts'
import type { Size, State } from './state.ts'
import { initialState } from './step.ts'
import { Store } from './store.ts'

/** What the terminal UI is opened with. */
export interface TuiOptions {
  readonly node: P2PNode
  /** Whether the node ends with this process. */
  readonly isOwn: boolean
  readonly version: string
  /** Writes lines in the order in which things happen, instead of drawing a screen. */
  readonly forScreenReader: boolean
  /** Aborts when p2p is to end; the face may wish so too. */
  readonly stop: AbortController
}

/** More frames a second than anybody types: a key is never kept waiting for the next one. */
const framesPerSecond = 120
const tickMs = 1_000
/** Rows that a terminal takes for wider than they are end at its edge, and push nothing down. */
const wrapOff = '\u001B[?7l'
const wrapOn = '\u001B[?7h'

/** The face for people at a terminal: a screen. */
export function openTui(options: TuiOptions): Face {
  return new Tui(options)
}

class Tui implements Face {
  readonly #options: TuiOptions
  readonly #store: Store
  readonly #instance: Instance
  readonly #ended = Promise.withResolvers<void>()
  #spoken: State | undefined

  constructor(options: TuiOptions) {
    const { node, stop, version, forScreenReader } = options
    this.#options = options
    const actor = new Actor({
      node,
      tell: (told) => this.#store.input({ input: 'told', told }),
      quit: () => stop.abort(),
      signal: stop.signal,
    })
    const verifications = node.trust.list().flatMap(({ peerId }) => node.trust.verification(peerId) ?? [])
    const snapshot = snapshotOf(node, { version, verifications })
    this.#store = new Store(initialState(snapshot, sizeOf()), (effect) => actor.do(effect))
    process.on('exit', this.#restore)
    // Before there is a screen: what is typed until the library asks for keys is not to be echoed onto it.
    process.stdin.setRawMode(true)
    if (!forScreenReader) process.stdout.write(wrapOff)
    this.#instance = this.#draw(forScreenReader)
    process.stdout.on('resize', this.#resized)
    process.stdout.on('error', () => stop.abort())
    const ticks = setInterval(() => this.#tick(), tickMs)
    stop.signal.addEventListener(
      'abort',
      () => {
        clearInterval(ticks)
        this.#ended.resolve()
      },
      { once: true },
    )
  }

  show(event: NodeEvent): void {
    this.#store.event(event)
  }

  async run(): Promise<number> {
    const { stop, node, isOwn } = this.#options
    // A mistake while drawing ends the screen: better a message at the prompt than a picture that stands still.
    const drawn = this.#instance.waitUntilExit()
    if (!stop.signal.aborted) await Promise.race([this.#ended.promise, drawn])
    process.stdout.off('resize', this.#resized)
    this.#instance.unmount()
    this.#restore()
    process.off('exit', this.#restore)
    await drawn
    if (isOwn) for (const line of farewellLines(node)) process.stdout.write(`${line}\n`)
    return 0
  }

  flushed(): Promise<void> {
    // A terminal takes everything at once.
    return Promise.resolve()
  }

  /** Also where p2p ends by a mistake; the library gives back the rest. */
  readonly #restore = (): void => {
    process.stdout.write(wrapOn)
  }

  readonly #resized = (): void => {
    this.#store.input({ input: 'resized', size: sizeOf() })
  }

  #tick(): void {
    if (this.#store.state().typing.size > 0) this.#store.input({ input: 'tick', now: Date.now() })
  }

  #draw(forScreenReader: boolean): Instance {
    const options = { exitOnCtrlC: false, maxFps: framesPerSecond, patchConsole: false, interactive: true }
    if (!forScreenReader) {
      const style = styleFor(process.stdout)
      return render(createElement(Screen, { store: this.#store, style }), {
        ...options,
        alternateScreen: true,
        incrementalRendering: true,
        isScreenReaderEnabled: false,
      })
    }
    return render(createElement(SpokenScreen, { store: this.#store, toSay: () => this.#toSay() }), {
      ...options,
      isScreenReaderEnabled: true,
    })
  }

  /** What has happened since it was asked last. */
  #toSay(): readonly string[] {
    const state = this.#store.state()
    const lines = spoken(this.#spoken, state)
    this.#spoken = state
    return lines
  }
}

function sizeOf(): Size {
  const { columns, rows } = process.stdout
  return { columns: columns || 80, rows: rows || 24 }
}
