import { parsePeerId, type PeerId } from '../protocol/peer-id.ts'

/** What a person can do with one peer. */
const personTabs = ['talk', 'files', 'about'] as const
export type PersonTab = (typeof personTabs)[number]

/** What the page shows. It stands in the fragment of the address, so that the browser's back and forward lead through it. */
export type Place =
  | { readonly view: 'people' | 'transfers' | 'network' | 'you' }
  | {
      readonly view: 'person'
      readonly peerId: PeerId
      readonly tab: PersonTab
      /** The folder of the peer that is looked into; '' for the top. */
      readonly path: string
    }

/** The place that a fragment names; the list of people for everything else. */
export function placeOf(fragment: string): Place {
  const [view = '', id = '', tab = '', ...names] = fragment.replace(/^#/, '').split('/').map(decoded)
  if (view === 'transfers' || view === 'network' || view === 'you') return { view }
  const peerId = view === 'person' ? parsePeerId(id) : undefined
  if (peerId === undefined) return { view: 'people' }
  return {
    view: 'person',
    peerId,
    tab: personTabs.find((one) => one === tab) ?? 'talk',
    path: names.join('/'),
  }
}

export function fragmentOf(place: Place): string {
  if (place.view !== 'person') return `#${place.view}`
  const names = place.path === '' ? [] : place.path.split('/')
  return `#${[place.view, place.peerId, place.tab, ...names].map(encodeURIComponent).join('/')}`
}

/** A peer at the tab that is looked at first. */
export function personPlace(peerId: PeerId, tab: PersonTab = 'talk', path = ''): Place {
  return { view: 'person', peerId, tab, path }
}

/** Whoever writes an address by hand may write anything. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
