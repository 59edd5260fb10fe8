import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { displayText } from '../face/display-text.ts'
import { endpoint } from '../face/peer-words.ts'
import type { EmitResult, Peer } from '../index.ts'
import { Doctor } from './doctor.ts'
import { h } from './h.ts'
import { drawnPeers, spotsOf, type Spot } from './network-picture.ts'
import { attempt, usePage, usePerson } from './page.ts'
import { fragmentOf, personPlace } from './place.ts'
import { initialOf, hueOf, namingOf } from './text.ts'
import { shortTime } from './times.ts'
import { Protection, protectionOf, WhoIs } from './who.ts'

/** Rows of the table that are shown at first, and more at each wish. */
const tableRows = 100

/** Who is seen, through what, and how talk is protected: as a picture, and as a table that says the same. */
export function Network(): JSX.Element {
  const { snapshot } = usePage()
  const { peers, node } = snapshot
  return h(
    'div',
    { class: 'view wide' },
    h('h1', null, 'Network'),
    h(
      'p',
      { class: 'quiet' },
      node.addresses.length === 0 ? 'No network yet' : `This machine: ${node.addresses.join(', ')}`,
      `, port ${node.port}`,
    ),
    peers.length === 0 ? h(NobodySeen, null) : h(Picture, null),
    peers.length === 0 ? null : h(PeerTable, null),
    h(Sessions, null),
    h(Search, null),
    h(Doctor, null),
  )
}

function NobodySeen(): JSX.Element {
  return h(
    'div',
    { class: 'empty' },
    h('p', { class: 'lead' }, 'Nobody is seen on this network.'),
    h(
      'p',
      null,
      'Run ',
      h('code', null, 'p2p'),
      ' on another machine of it. The doctor below tells what keeps others from being seen.',
    ),
  )
}

function Picture(): JSX.Element {
  const { snapshot } = usePage()
  const { peers, sessions } = snapshot
  const talking = useMemo(() => new Set(sessions.map(({ peerId }) => peerId)), [sessions])
  const spots = useMemo(() => spotsOf(peers, talking), [peers, talking])
  const width = Math.max(280, ...spots.map(({ x }) => Math.abs(x) + 90))
  const height = Math.max(180, ...spots.map(({ y }) => Math.abs(y) + 60))
  const left = peers.length - spots.length
  return h(
    'figure',
    { class: 'picture-of-network' },
    h(
      'svg',
      {
        viewBox: `${-width} ${-height} ${2 * width} ${2 * height}`,
        role: 'img',
        'aria-label': `${peers.length} peers around this node; the table below says the same`,
      },
      spots.map((spot) =>
        h(Line, { key: `line ${spot.peer.id}`, spot, isTalking: talking.has(spot.peer.id) }),
      ),
      h('circle', { class: 'self', r: 30 }),
      h('text', { class: 'self-text', 'text-anchor': 'middle', y: 5 }, 'you'),
      spots.map((spot) => h(Dot, { key: spot.peer.id, spot })),
    ),
    h(
      'figcaption',
      null,
      h('ul', { class: 'legend' }, [
        h('li', { class: 'verified' }, 'verified'),
        h('li', { class: 'encrypted' }, 'encrypted, not verified'),
        h('li', { class: 'none' }, 'not protected'),
        h('li', { class: 'talking' }, 'thick: a session is open'),
      ]),
      left > 0 ? `${drawnPeers} are drawn; ${left.toLocaleString('en')} more are in the table.` : null,
    ),
  )
}

function Line({
  spot: { peer, x, y },
  isTalking,
}: {
  readonly spot: Spot
  readonly isTalking: boolean
}): JSX.Element {
  const { kind } = protectionOf(peer)
  const via = peer.via.join(', ')
  return h(
    'g',
    { class: `way ${kind} ${isTalking ? 'talking' : ''}` },
    h('line', { x1: 0, y1: 0, x2: x, y2: y }),
    // Beside a steep line, and above a flat one.
    Math.abs(x) < Math.abs(y)
      ? h('text', { x: x * 0.5 + 10, y: y * 0.5, 'text-anchor': 'start' }, displayText(via))
      : h('text', { x: x * 0.52, y: y * 0.52 - 8, 'text-anchor': 'middle' }, displayText(via)),
  )
}

function Dot({ spot: { peer, x, y } }: { readonly spot: Spot }): JSX.Element {
  const page = usePage()
  const { name } = namingOf(knownOf(peer))
  const { kind } = protectionOf(peer)
  return h(
    'g',
    {
      class: `dot hue-${hueOf(peer.id)} ${kind}`,
      transform: `translate(${x} ${y})`,
      onClick: () => page.go(personPlace(peer.id)),
    },
    h('circle', { r: 22 }),
    h('text', { class: 'initial', 'text-anchor': 'middle', y: 6 }, initialOf(knownOf(peer))),
    h('text', { class: 'label', 'text-anchor': 'middle', y: 40 }, shortened(name)),
  )
}

function knownOf({ id, alias, name, trust }: Peer): Parameters<typeof namingOf>[0] {
  return { peerId: id, alias, name, trust }
}

/** What fits under a dot; nothing of a letter is cut off. */
function shortened(name: string): string {
  const letters = Array.from(new Intl.Segmenter().segment(name), ({ segment }) => segment)
  return letters.length <= 18 ? name : `${letters.slice(0, 17).join('')}…`
}

function PeerTable(): JSX.Element {
  const { snapshot } = usePage()
  const [rows, setRows] = useState(tableRows)
  const { peers } = snapshot
  return h(
    'section',
    { 'aria-labelledby': 'peers-title' },
    h('h2', { id: 'peers-title' }, 'Peers'),
    h(
      'div',
      { class: 'table', tabIndex: 0, role: 'region', 'aria-labelledby': 'peers-title' },
      h(
        'table',
        null,
        h(
          'thead',
          null,
          h(
            'tr',
            null,
            ['Peer', 'Address', 'Found by', 'Protection', 'Kind', 'Heard'].map((title) =>
              h('th', { scope: 'col' }, title),
            ),
          ),
        ),
        h(
          'tbody',
          null,
          peers.slice(0, rows).map((peer) => h(PeerRow, { key: peer.id, peer })),
        ),
      ),
    ),
    rows < peers.length
      ? h(
          'button',
          { type: 'button', onClick: () => setRows(rows + tableRows) },
          `Show more (${(peers.length - rows).toLocaleString('en')})`,
        )
      : null,
  )
}

/** Every way to a peer with what it was found by, the best first. */
function PeerRow({ peer }: { readonly peer: Peer }): JSX.Element {
  const ways = peer.paths.length === 0 ? [peer] : peer.paths
  return h(
    'tr',
    null,
    h(
      'th',
      { scope: 'row' },
      h('a', { href: fragmentOf(personPlace(peer.id)) }, h(WhoIs, { peerId: peer.id })),
    ),
    h(
      'td',
      null,
      ways.map((way) => h('div', null, endpoint(way))),
    ),
    h(
      'td',
      null,
      ways.map((way) => h('div', null, displayText(way.via.join(', ')))),
    ),
    h('td', null, h(Protection, { person: peer })),
    h('td', null, peer.kind),
    h('td', null, shortTime(peer.seenAt)),
  )
}

function Sessions(): JSX.Element | null {
  const page = usePage()
  const { sessions } = page.snapshot
  if (sessions.length === 0) return null
  return h(
    'section',
    { 'aria-labelledby': 'sessions-title' },
    h('h2', { id: 'sessions-title' }, 'Open sessions'),
    h(
      'ul',
      { class: 'cards' },
      sessions.slice(0, tableRows).map(({ id, peerId, incoming, openedAt, protection }) =>
        h(
          'li',
          { key: id, class: 'card' },
          h(
            'div',
            { class: 'lines' },
            h(WhoIs, { peerId }),
            h(
              'span',
              { class: 'quiet' },
              h(SessionProtection, { peerId, protection }),
              ` · opened ${shortTime(openedAt)} by ${incoming ? 'them' : 'us'}`,
            ),
          ),
          h(
            'button',
            {
              type: 'button',
              onClick: () => void attempt(page, () => page.link.call('close-session', { sessionId: id })),
            },
            'Close',
          ),
        ),
      ),
    ),
  )
}

function SessionProtection({
  peerId,
  protection,
}: {
  readonly peerId: Peer['id']
  readonly protection: Peer['protection']
}): JSX.Element {
  const { trust } = usePerson(peerId)
  return h(Protection, { person: { protection, trust } })
}

const emitWords = {
  'no-answer': 'Nothing answered there.',
  refused: 'The machine is there, and no p2p on it.',
  'not-a-peer': 'Something answered, but not a peer.',
} as const

/** Looks for somebody whom the network does not bring here by itself. */
function Search(): JSX.Element {
  const page = usePage()
  const [address, setAddress] = useState('')
  const [outcome, setOutcome] = useState('')
  const ask = async (): Promise<void> => {
    const { host, port } = addressIn(address)
    setOutcome('Asking …')
    const isDone = await attempt(page, async () => {
      const result = await page.link.call<EmitResult>('emit', { host, port })
      setOutcome(result.kind === 'peer' ? 'Found: it is in the table now.' : emitWords[result.kind])
    })
    if (!isDone) setOutcome('')
  }
  return h(
    'section',
    { 'aria-labelledby': 'search-title' },
    h('h2', { id: 'search-title' }, 'Look for somebody'),
    h(
      'form',
      {
        class: 'form-row',
        onSubmit: (event) => {
          event.preventDefault()
          void ask()
        },
      },
      h('input', {
        type: 'text',
        value: address,
        placeholder: '192.168.1.20, or with its port',
        'aria-label': 'Address of another machine',
        autocomplete: 'off',
        spellcheck: false,
        onInput: ({ currentTarget }) => setAddress(currentTarget.value),
      }),
      h('button', { type: 'submit', disabled: address.trim() === '' }, 'Ask there'),
      h(
        'button',
        { type: 'button', onClick: () => void attempt(page, () => page.link.call('announce')) },
        'Announce now',
      ),
    ),
    h('p', { class: 'quiet', role: 'status' }, outcome),
  )
}

/** The port of discovery that everybody has who has not said another. */
const usualPort = 8001

function addressIn(text: string): { readonly host: string; readonly port: number } {
  const [, host = text.trim(), port = String(usualPort)] =
    /^\[?([^\]]*?)\]?(?::(\d{1,5}))?$/.exec(text.trim()) ?? []
  return { host, port: Number(port) }
}
