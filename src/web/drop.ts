import { limits } from '../base/limits.ts'
import type { OfferInfo, PeerId } from '../index.ts'
import { countText } from '../face/amounts.ts'
import { displayText } from '../face/display-text.ts'
import type { Link } from './link.ts'
import { attempt } from './page.ts'
import type { Store } from './store.ts'

/** How often the progress of one is shown, in ms. */
const progressMs = 100

interface Waiting {
  readonly peerId: PeerId
  readonly file: File
  readonly id: number
  readonly stop: AbortController
}

/**
 * Takes files of the browser to the node, which offers them to somebody; they are read while they go. Each is an offer of its own, so that they
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

  send(peerId: PeerId, files: readonly File[]): void {
    const room = limits.pageUploads - this.#waiting.length - this.#going.size
    if (files.length === 0)
      this.#alarm('Folders cannot be dropped here: say the path of one with the clip beside the message.')
    if (files.length > room) this.#alarm(tooManyText(files.length - room))
    for (const file of files.slice(0, room)) {
      const upload = { peerId, file, id: ++this.#count, stop: new AbortController() }
      this.#waiting.push(upload)
      this.#show(upload, 0)
    }
    this.advance()
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
    const { peerId, file, id, stop } = upload
    let shownAt = 0
    const onProgress = (bytes: number): void => {
      if (performance.now() - shownAt < progressMs) return
      shownAt = performance.now()
      this.#show(upload, bytes)
    }
    await attempt(this.#store, async () => {
      const offer = await this.#link.upload({ peerId, file, signal: stop.signal, onProgress })
      this.#made.set(offer.id, peerId)
      const text = `${displayText(file.name)} is offered.`
      this.#store.dispatch({ type: 'notice', news: { kind: 'news', text } })
    })
    this.#going.delete(upload)
    this.#store.dispatch({ type: 'upload-ended', id })
    this.advance()
  }

  #alarm(text: string): void {
    this.#store.dispatch({ type: 'notice', news: { kind: 'alarm', text } })
  }

  #show({ peerId, file, id }: Waiting, bytes: number): void {
    this.#store.dispatch({
      type: 'upload',
      upload: { id, peerId, name: file.name, bytes, totalBytes: file.size },
    })
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

/** What was refused is nowhere: our user has to know how many, and what to do. */
function tooManyText(refused: number): string {
  const most = limits.pageUploads.toLocaleString('en')
  return (
    `Only ${most} files can be sent at once: the last ${countText(refused, 'file')} of these were not taken. ` +
    'Send them when others are done, or the path of their folder with the clip beside the message.'
  )
}

/** What makes an element take files that are dropped on it. */
export function dropProps(take: (files: readonly File[]) => void): {
  readonly onDragOver: (event: DragEvent) => void
  readonly onDragLeave: (event: DragEvent) => void
  readonly onDrop: (event: DragEvent) => void
} {
  return {
    onDragOver: (event) => {
      if (event.dataTransfer === null || !event.dataTransfer.types.includes('Files')) return
      event.preventDefault()
      event.stopPropagation()
      event.dataTransfer.dropEffect = 'copy'
      mark(event, true)
    },
    onDragLeave: (event) => mark(event, false),
    onDrop: (event) => {
      mark(event, false)
      if (event.dataTransfer === null || !event.dataTransfer.types.includes('Files')) return
      event.preventDefault()
      event.stopPropagation()
      take(filesIn(event.dataTransfer))
    },
  }
}

function mark({ currentTarget }: DragEvent, isOver: boolean): void {
  if (currentTarget instanceof HTMLElement) currentTarget.classList.toggle('dropping', isOver)
}

/** A folder looks like a file of no type, and cannot be read. */
function filesIn({ items, files }: DataTransfer): readonly File[] {
  const folders = [...items].map((item) => item.webkitGetAsEntry()?.isDirectory === true)
  return [...files].filter((_, at) => folders[at] !== true)
}
