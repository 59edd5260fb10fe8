import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { About } from './about.ts'
import { Browse } from './browse.ts'
import { Gate } from './gate.ts'
import { h } from './h.ts'
import { Icon, type IconName } from './icons.ts'
import { KeysDialog, pressed, type KeyAction } from './keys.ts'
import { Network } from './network.ts'
import { Notices } from './notices.ts'
import { PageContext, usePage, usePerson, type Page } from './page.ts'
import type { PageState } from './page-state.ts'
import { neighbour, People, PersonHead } from './people.ts'
import { peopleOf } from './people-list.ts'
import { fragmentOf, personPlace, type PersonTab, type Place } from './place.ts'
import { Talk } from './talk.ts'
import { Transfers } from './transfers.ts'
import { Verifications } from './verify.ts'
import { You } from './you.ts'

export interface AppProps extends Omit<Page, 'state' | 'snapshot'> {
  readonly state: PageState
}

/** The whole page. */
export function App(props: AppProps): JSX.Element {
  const { state, link } = props
  const { snapshot } = state
  if (state.link.kind === 'code') return h(Gate, { why: state.link.why, onCode: (code) => link.enter(code) })
  if (snapshot === undefined)
    return h(
      'main',
      { class: 'gate' },
      h('h1', null, 'p2p'),
      h(
        'p',
        { role: 'status' },
        state.link.kind === 'lost' ? 'The node does not answer. Looking for it …' : 'Opening …',
      ),
    )
  return h(PageContext.Provider, { value: { ...props, snapshot } }, h(Frame, null))
}

function Frame(): JSX.Element {
  const page = usePage()
  const [showsKeys, setShowsKeys] = useState(false)
  const { place, link } = page.state
  const actions = useKeys(() => setShowsKeys(true))
  useEffect(() => {
    document.title = titleOf(page)
  })
  return h(
    'div',
    { class: `frame at-${place.view}` },
    h('a', { class: 'skip', href: '#main', onClick: focusMain }, 'To the content'),
    h(Rail, null),
    place.view === 'people' || place.view === 'person'
      ? h('aside', { 'aria-label': 'People', class: 'side' }, h(People, null))
      : null,
    h(
      'main',
      { id: 'main', tabIndex: -1 },
      link.kind === 'lost'
        ? h(
            'p',
            { class: 'banner', role: 'alert' },
            'The node does not answer. This is how it stood; looking for it …',
          )
        : null,
      h(Verifications, null),
      h(Content, { place, onKeys: () => setShowsKeys(true) }),
    ),
    h(Notices, null),
    showsKeys ? h(KeysDialog, { actions, onClose: () => setShowsKeys(false) }) : null,
  )
}

function focusMain(event: Event): void {
  event.preventDefault()
  document.querySelector<HTMLElement>('#main')?.focus()
}

function titleOf({ snapshot }: Page): string {
  const unread = snapshot.conversations.reduce((sum, one) => sum + one.unread, 0)
  return unread === 0 ? 'p2p' : `(${unread}) p2p`
}

function Content({ place, onKeys }: { readonly place: Place; readonly onKeys: () => void }): JSX.Element {
  switch (place.view) {
    case 'people':
      return h(Welcome, null)
    case 'person':
      return h(PersonView, { key: place.peerId, place })
    case 'transfers':
      return h(Transfers, null)
    case 'network':
      return h(Network, null)
    case 'you':
      return h(You, { onKeys })
  }
}

/** What stands beside the list while nobody is chosen. */
function Welcome(): JSX.Element {
  const { snapshot } = usePage()
  const isAlone = snapshot.peers.length === 0 && snapshot.conversations.length === 0
  return h(
    'div',
    { class: 'empty welcome' },
    h('img', { src: '/icon.svg', alt: '', width: 96, height: 96 }),
    h('h1', { class: 'lead' }, isAlone ? 'This is p2p.' : 'Choose somebody.'),
    h('p', null, 'Talk and share files with machines near you. Nothing leaves this network.'),
    h('p', { class: 'quiet' }, 'Press ', h('kbd', null, '?'), ' for keys.'),
  )
}

const tabs: readonly (readonly [tab: PersonTab, title: string])[] = [
  ['talk', 'Messages'],
  ['files', 'Files'],
  ['about', 'About'],
]

function PersonView({ place }: { readonly place: Extract<Place, { view: 'person' }> }): JSX.Element {
  const { peerId, tab, path } = place
  const person = usePerson(peerId)
  return h(
    'div',
    { class: 'person-view' },
    h(
      'header',
      { class: 'person-bar' },
      h(
        'a',
        { class: 'icon-button back', href: '#people', 'aria-label': 'Back to people' },
        h(Icon, { name: 'back' }),
      ),
      h(PersonHead, { person }),
      h(
        'nav',
        { class: 'tabs', 'aria-label': 'This person' },
        tabs.map(([one, title]) =>
          h(
            'a',
            {
              key: one,
              href: fragmentOf(personPlace(peerId, one)),
              'aria-current': one === tab ? 'page' : undefined,
            },
            title,
          ),
        ),
      ),
    ),
    tab === 'talk' ? h(Talk, { peerId }) : null,
    tab === 'files' ? h(Browse, { peerId, path }) : null,
    tab === 'about' ? h('div', { class: 'scroll' }, h(About, { peerId })) : null,
  )
}

const views: readonly (readonly [view: Exclude<Place['view'], 'person'>, title: string, icon: IconName])[] = [
  ['people', 'People', 'people'],
  ['transfers', 'Files', 'transfers'],
  ['network', 'Network', 'network'],
  ['you', 'You', 'you'],
]

/** Leads to the views, with how much waits in each. */
function Rail(): JSX.Element {
  const { snapshot, state } = usePage()
  const { place } = state
  const counts: Partial<Readonly<Record<Place['view'], number>>> = {
    people: snapshot.conversations.reduce((sum, one) => sum + one.unread, 0),
    transfers: snapshot.offers.filter((one) => one.incoming && one.state === 'open').length,
  }
  return h(
    'nav',
    { class: 'rail', 'aria-label': 'Views' },
    views.map(([view, title, icon]) => {
      const count = counts[view] ?? 0
      const isHere = view === place.view || (view === 'people' && place.view === 'person')
      return h(
        'a',
        { key: view, href: `#${view}`, 'aria-current': isHere ? 'page' : undefined },
        h(Icon, { name: icon }),
        h('span', null, title),
        count === 0
          ? null
          : h(
              'span',
              { class: 'unread' },
              count,
              h('span', { class: 'hidden' }, view === 'people' ? ' unread' : ' offers'),
            ),
      )
    }),
  )
}

/** Keys that work everywhere; they are listed where they are made. */
function useKeys(onKeys: () => void): readonly KeyAction[] {
  const page = usePage()
  const latest = useRef(page)
  latest.current = page
  const actions = useMemo(() => keyActions(() => latest.current, onKeys), [])
  useEffect(() => {
    const press = (event: KeyboardEvent): void => pressed(event, actions)
    window.addEventListener('keydown', press)
    return () => window.removeEventListener('keydown', press)
  }, [])
  return actions
}

function keyActions(page: () => Page, onKeys: () => void): readonly KeyAction[] {
  const search = (): void => {
    page().go({ view: 'people' })
    setTimeout(() => document.querySelector<HTMLElement>('#search')?.focus(), 50)
  }
  return [
    { keys: '?', what: 'shows these keys', isPressed: isPlain('?'), act: onKeys },
    { keys: '/', what: 'searches people and messages', isPressed: isPlain('/'), act: search },
    ...views.map(([view, title], at) => ({
      keys: `Alt + ${at + 1}`,
      what: title,
      isPressed: isWithAlt(`Digit${at + 1}`),
      act: () => page().go({ view }),
    })),
    {
      keys: 'Alt + ↓',
      what: 'the next person',
      isPressed: isWithAlt('ArrowDown'),
      act: () => walk(page(), 1),
    },
    {
      keys: 'Alt + ↑',
      what: 'the person before',
      isPressed: isWithAlt('ArrowUp'),
      act: () => walk(page(), -1),
    },
  ]
}

function isPlain(key: string): KeyAction['isPressed'] {
  return (event) => event.key === key && !event.altKey
}

function isWithAlt(code: string): KeyAction['isPressed'] {
  return (event) => event.altKey && event.code === code
}

function walk(page: Page, by: 1 | -1): void {
  const { place, names } = page.state
  const from = place.view === 'person' ? place.peerId : undefined
  const to = neighbour(peopleOf(page.snapshot, names), from, by)
  if (to !== undefined) page.go(personPlace(to))
}
