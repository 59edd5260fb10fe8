import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { limits } from '../base/limits.ts'
import type { Message, PeerId } from '../index.ts'
import { Composer } from './composer.ts'
import { dropProps } from './dropped.ts'
import { h } from './h.ts'
import { Icon } from './icons.ts'
import { MessageBubble } from './message.ts'
import { attempt, usePage, usePerson, type Page } from './page.ts'
import { withLast, withNewer, withOlder, type TalkWindow } from './talk-window.ts'
import { dayText } from './times.ts'
import { Uploads } from './uploads.ts'
import { WhoIs } from './who.ts'

/** How near to an end of what is loaded the next page is asked for, in CSS pixels. */
const nearPx = 400
/** Who is so near to the last message reads it, and wants to see the next one too. */
const endPx = 80

/** A conversation, and the field to say something in it. */
export function Talk({ peerId }: { readonly peerId: PeerId }): JSX.Element {
  const page = usePage()
  const { talk } = page.state
  useEffect(() => {
    if (talk?.peerId === peerId && talk.loading === 'last') void loadLast(page, peerId)
  }, [peerId, talk?.loading, page.state.tellings])
  return h(
    'div',
    { class: 'talk', ...dropProps((dropped) => page.uploader.send(peerId, dropped)) },
    talk === undefined ? null : h(Messages, { key: peerId, talk }),
    h(Uploads, { peerId }),
    h(Composer, { key: peerId, peerId }),
  )
}

async function loadLast(page: Page, peerId: PeerId): Promise<void> {
  await attempt(page, async () => {
    const messages = await historyOf(page, { peerId })
    page.dispatch({ type: 'talk', peerId, change: (talk) => withLast(talk, messages) })
  })
}

/** Asks for the page next to what is there, unless one is on its way. */
async function loadNext(
  page: Page,
  { peerId, messages, loading }: TalkWindow,
  which: 'older' | 'newer',
): Promise<void> {
  const edge = which === 'older' ? messages.at(0) : messages.at(-1)
  if (loading !== undefined || edge === undefined) return
  page.dispatch({ type: 'talk', peerId, change: (talk) => ({ ...talk, loading: which }) })
  const isThere = await attempt(page, async () => {
    const found = await historyOf(page, { peerId, [which === 'older' ? 'before' : 'after']: edge.id })
    const change = which === 'older' ? withOlder : withNewer
    page.dispatch({
      type: 'talk',
      peerId,
      change: (talk) => (talk.loading === which ? change(talk, found) : talk),
    })
  })
  if (!isThere) page.dispatch({ type: 'talk', peerId, change: (talk) => ({ ...talk, loading: undefined }) })
}

async function historyOf(page: Page, where: object): Promise<readonly Message[]> {
  const input = { ...where, limit: limits.pageMessagesAtOnce }
  return (await page.link.call<{ readonly messages: readonly Message[] }>('history', input)).messages
}

function Messages({ talk }: { readonly talk: TalkWindow }): JSX.Element {
  const page = usePage()
  const { peerId, messages, hasFirst, hasLast, loading } = talk
  const { place, reader } = useReading(talk)
  const look = (): void => {
    const box = place.current
    if (box === null || messages.length === 0) return
    reader.note(box)
    if (box.scrollTop < nearPx && !hasFirst) void loadNext(page, talk, 'older')
    if (box.scrollHeight - box.scrollTop - box.clientHeight < nearPx && !hasLast)
      void loadNext(page, talk, 'newer')
    if (reader.isAtEnd) void markRead(page, peerId)
  }
  useLayoutEffect(look, [messages])
  useMarkedWhenSeen(peerId, reader)
  const isAlone = messages.length === 0 && loading === undefined
  return h(
    'div',
    {
      class: 'messages',
      ref: place,
      onScroll: look,
      tabIndex: 0,
      role: 'log',
      'aria-label': 'Messages',
      'aria-busy': loading === 'last',
    },
    h(
      'p',
      { class: 'quiet edge' },
      loading === 'older' ? 'Loading …' : hasFirst && !isAlone ? 'This is the beginning.' : '',
    ),
    isAlone ? h(NothingSaid, { peerId }) : null,
    messages.map((message, at) => [
      startsDay(message, messages[at - 1])
        ? h('p', { class: 'day', key: `day ${message.id}` }, h('span', null, dayText(message.storedAt)))
        : null,
      h(MessageBubble, { key: message.id, message }),
    ]),
    hasLast || messages.length === 0 ? null : h(ToEnd, { peerId }),
  )
}

/** Keeps what is being read where it is while pages come above it, and follows the last message of who reads that. */
function useReading(talk: TalkWindow): {
  readonly place: { current: HTMLDivElement | null }
  readonly reader: Reader
} {
  const place = useRef<HTMLDivElement>(null)
  const reader = useRef(new Reader()).current
  const { messages } = talk
  useLayoutEffect(() => {
    if (place.current !== null) reader.restore(place.current, messages)
  }, [messages])
  useEffect(() => {
    const box = place.current
    if (box === null) return
    const observer = new ResizeObserver(() => {
      if (reader.isAtEnd) box.scrollTop = box.scrollHeight
    })
    observer.observe(box)
    return () => observer.disconnect()
  }, [])
  return { place, reader }
}

/** Where somebody reads. */
class Reader {
  isAtEnd = true
  #first: string | undefined
  #last: string | undefined
  #height = 0
  #top = 0

  note(box: HTMLElement): void {
    this.#height = box.scrollHeight
    this.#top = box.scrollTop
    this.isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < endPx
  }

  restore(box: HTMLElement, messages: readonly Message[]): void {
    const [first, last] = [messages.at(0)?.id, messages.at(-1)?.id]
    const isAbove = first !== this.#first && last === this.#last && this.#first !== undefined
    if (this.isAtEnd && !isAbove) box.scrollTop = box.scrollHeight
    else if (isAbove || last !== this.#last)
      box.scrollTop = this.#top + (isAbove ? box.scrollHeight - this.#height : 0)
    this.#first = first
    this.#last = last
  }
}

/** Somebody who comes back to the page reads what is on it. */
function useMarkedWhenSeen(peerId: PeerId, reader: Reader): void {
  const page = usePage()
  useEffect(() => {
    const seen = (): void => {
      if (reader.isAtEnd) void markRead(page, peerId)
    }
    window.addEventListener('focus', seen)
    document.addEventListener('visibilitychange', seen)
    return () => {
      window.removeEventListener('focus', seen)
      document.removeEventListener('visibilitychange', seen)
    }
  }, [page, peerId])
}

async function markRead(page: Page, peerId: PeerId): Promise<void> {
  const unread = page.snapshot.conversations.find((one) => one.peerId === peerId)?.unread ?? 0
  if (unread === 0 || document.hidden || !document.hasFocus()) return
  await page.link.call('mark-read', { peerId }).catch(() => {})
}

function startsDay(message: Message, before: Message | undefined): boolean {
  return before === undefined || dayText(before.storedAt) !== dayText(message.storedAt)
}

function ToEnd({ peerId }: { readonly peerId: PeerId }): JSX.Element {
  const page = usePage()
  return h(
    'button',
    { type: 'button', class: 'to-end', onClick: () => void loadLast(page, peerId) },
    h(Icon, { name: 'down' }),
    'Newest messages',
  )
}

function NothingSaid({ peerId }: { readonly peerId: PeerId }): JSX.Element {
  const { protection } = usePerson(peerId)
  return h(
    'div',
    { class: 'empty' },
    h('p', { class: 'lead' }, 'Nothing said yet with ', h(WhoIs, { peerId }), '.'),
    h('p', null, 'Write below, or drop a file here. Who is away gets it later.'),
    protection === 'none'
      ? h('p', null, 'Not protected: others on this network can read along and pretend to be anybody.')
      : null,
    protection === 'encrypted'
      ? h(
          'p',
          null,
          'Encrypted, but not verified: nobody has made sure who this is. “About” does, in ten seconds.',
        )
      : null,
  )
}
