/** The page of a node: opens the link to it, and draws what it tells. */
import { render } from 'preact'
import type { Frame } from '../control/event-feed.ts'
import type { NodeEvent } from '../index.ts'
import { App } from './app.ts'
import { Uploader } from './drop.ts'
import { h } from './h.ts'
import { Link } from './link.ts'
import { newsOf } from './news.ts'
import { notify } from './notify.ts'
import { initialState, type Action } from './page-state.ts'
import { fragmentOf, placeOf, type Place } from './place.ts'
import { Store } from './store.ts'
import { showTheme } from './theme.ts'
import { Turn } from './turn.ts'

/** How often it is looked whether somebody has stopped writing, in ms. */
const tickMs = 1_000

showTheme()
const code = /^#code=(.*)$/.exec(location.hash)?.[1] ?? ''
// It is good once; nobody who looks at the address or the history later is to find it.
if (code !== '') history.replaceState(null, '', location.pathname)

const store = new Store(initialState(placeOf(location.hash)), draw)
const dispatch = (action: Action): void => store.dispatch(action)
const link = new Link({ frame: hear, changed: (state) => dispatch({ type: 'link', link: state }) })
const uploader = new Uploader(link, store)
const pictures = new Turn()

function draw(): void {
  render(h(App, { state: store.state, link, uploader, pictures, dispatch, go }), document.body)
}

function hear(frame: Frame): void {
  if ('state' in frame) dispatch({ type: 'state', snapshot: frame.state })
  if ('event' in frame) happened(frame.event)
  uploader.advance()
}

function happened(event: NodeEvent): void {
  const news = newsOf(event, store.state)
  if (news?.calls === true) notify(news)
  dispatch({ type: 'event', event })
}

function go(place: Place): void {
  location.hash = fragmentOf(place)
}

window.addEventListener('hashchange', () => dispatch({ type: 'place', place: placeOf(location.hash) }))
// A file that is dropped beside everything must not take the place of the page.
for (const type of ['dragover', 'drop']) window.addEventListener(type, (event) => event.preventDefault())
// Files that were dropped go with the page.
window.addEventListener('beforeunload', (event) => {
  if (store.state.uploads.length > 0) event.preventDefault()
})
setInterval(() => {
  if (store.state.typing.size > 0) dispatch({ type: 'tick', now: Date.now() })
}, tickMs)

draw()
await link.open(decodeURIComponent(code))
