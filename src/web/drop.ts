import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { OfferInfo, PeerId } from '../index.ts'
import { countText } from '../face/amounts.ts'
import { displayText } from '../face/display-text.ts'
import { contentsLine, contentsOf, type Content, type Dropped } from './dropped.ts'
import type { Link } from './link.ts'
import { attempt } from './page.ts'
import type { Store } from './store.ts'

/** How often the progress of one is shown, in ms. */
const progressMs = 100

/** What was dropped or chosen together: one upload, and one offer. */
interface Waiting {
  readonly peerId: PeerId
  readonly line: Uint8Array<ArrayBuffer>
  readonly contents: readonly Content[]
  /** As it is shown. */
  readonly name: string
  readonly totalBytes: number
  readonly id: number
  readonly stop: AbortController
}

/**
 * Takes files of the browser to the node, which offers them to somebody; they are read while they go. What comes together is one offer; others
 * wait here while that person has as many to answer as a node lets wait: one more would be declined (F12).
 */
export class Uploader {
  readonly #link: Pick<Link, 'upload'>
  readonly #store: Pick<Store, 'state' | 'dispatch'>
  readonly #waiting: Waiting[] = []
  readonly #going = new Set<Waiting>()
  /** Offers that the node has made, until the page is told of them as of all others. */
  readonly #made = new Map<string, PeerId>()
  #count = 0

  constructor(link: Pick<Link, 'upload'>, store: Pick<Store, 'state' | 'dispatch'>) {
    this.#link = link
    this.#store = store
  }

  /** Takes all of what was dropped, or nothing, of which our user is told why. */
  async send(peerId: PeerId, dropped: readonly Dropped[]): Promise<void> {
    if (dropped.length === 0) return
    const isTaken = await attempt(this.#store, async () => this.#take(peerId, await contentsOf(dropped)))
    if (isTaken) this.advance()
  }

  #take(peerId: PeerId, contents: readonly Content[]): void {
    const line = contentsLine(contents)
    const taken = [...this.#waiting, ...this.#going].flatMap((upload) => upload.contents).length
    if (taken + contents.length > limits.pageUploads) throw fullError(taken)
    const totalBytes = contents.reduce((bytes, { file }) => bytes + file.size, 0)
    const [name, id, stop] = [uploadText(contents), ++this.#count, new AbortController()]
    const upload = { peerId, line, contents, name, totalBytes, id, stop }
    this.#waiting.push(upload)
    this.#show(upload, 0)
  }

  /** What is not whole at the node is not offered. */
  cancel(id: number): void {
    const going = [...this.#going].find((one) => one.id === id)
    going?.stop.abort(new DOMException('Cancelled.', 'AbortError'))
    const at = this.#waiting.findIndex((one) => one.id === id)
    if (at < 0) return
    this.#waiting.splice(at, 1)
    this.#store.dispatch({ type: 'upload-ended', id })
  }

  /** Goes on with what waits, when the node is there and an answer has made room. */
  advance(): void {
    if (this.#store.state.link.kind !== 'open') return
    while (this.#waiting.length > 0 && this.#going.size < limits.pageUploadsAtOnce) {
      const unanswered = this.#unanswered()
      const at = this.#waiting.findIndex(
        ({ peerId }) => (unanswered.get(peerId) ?? 0) < limits.pendingOffersPerPeer,
      )
      const [next] = at < 0 ? [] : this.#waiting.splice(at, 1)
      if (next === undefined) return
      this.#going.add(next)
      void this.#carry(next)
    }
  }

  /** How many offers of ours each has not answered, with those that are being made. */
  #unanswered(): ReadonlyMap<PeerId, number> {
    const { offers = [] } = this.#store.state.snapshot ?? {}
    for (const { id } of offers) this.#made.delete(id)
    const open = offers.filter((offer) => isUnanswered(offer)).map(({ peerId }) => peerId)
    const going = [...this.#going].map(({ peerId }) => peerId)
    const counts = new Map<PeerId, number>()
    for (const peerId of [...open, ...going, ...this.#made.values()])
      counts.set(peerId, (counts.get(peerId) ?? 0) + 1)
    return counts
  }

  async #carry(upload: Waiting): Promise<void> {
    const { peerId, line, contents, name, id, stop } = upload
    let shownAt = 0
    const onProgress = (bytes: number): void => {
      if (performance.now() - shownAt < progressMs) return
      shownAt = performance.now()
      this.#show(upload, bytes)
    }
    await attempt(this.#store, async () => {
      const offer = await this.#link.upload({ peerId, line, contents, signal: stop.signal, onProgress })
      this.#made.set(offer.id, peerId)
      const text = `${name} ${contents.length === 1 ? 'is' : 'are'} offered.`
      this.#store.dispatch({ type: 'notice', news: { kind: 'news', text } })
    })
    this.#going.delete(upload)
    this.#store.dispatch({ type: 'upload-ended', id })
    this.advance()
  }

  #show({ id, peerId, name, totalBytes }: Waiting, bytes: number): void {
    this.#store.dispatch({ type: 'upload', upload: { id, peerId, name, bytes, totalBytes } })
  }
}

/** Whether it is an offer of ours that its receiver has not answered. */
function isUnanswered({ incoming, state }: OfferInfo): boolean {
  return !incoming && state === 'open'
}

/** Whether somebody has so many offers of ours to answer that the next one waits. */
export function isAnswerAwaited(offers: readonly OfferInfo[], peerId: PeerId): boolean {
  const theirs = offers.filter((offer) => offer.peerId === peerId && isUnanswered(offer))
  return theirs.length >= limits.pendingOffersPerPeer
}

/** What was refused is nowhere: our user has to know, and what to do. */
function fullError(taken: number): P2PError {
  const most = limits.pageUploads.toLocaleString('en')
  return new P2PError(
    'too-many',
    `${countText(taken, 'file')} of at most ${most} are on their way or wait: nothing of this is sent. Send it when others are done.`,
  )
}

/** The one file, `holiday (12 files)`, or what comes first and how much more is beside it; safe to show. */
function uploadText(contents: readonly Content[]): string {
  const paths = contents.map(({ path }) => path.split('/'))
  const tops = new Set(paths.map(([top]) => top))
  const inFirst = paths.filter(([top]) => top === paths[0]?.[0])
  const [[first = '', ...inside] = []] = paths
  const text = displayText(first) + (inside.length > 0 ? ` (${countText(inFirst.length, 'file')})` : '')
  return tops.size > 1 ? `${text} and ${(tops.size - 1).toLocaleString('en')} more` : text
}
