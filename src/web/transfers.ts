import type { JSX } from 'preact'
import { sizeText } from '../face/amounts.ts'
import { displayText } from '../face/display-text.ts'
import { transferState } from '../face/file-words.ts'
import { percentText } from '../face/progress.ts'
import type { Transfer } from '../index.ts'
import { Finding } from './finding.ts'
import { h } from './h.ts'
import { Icon, IconButton } from './icons.ts'
import { Offers } from './offers.ts'
import { attempt, usePage } from './page.ts'
import { Shares } from './shares.ts'
import { plotPoints } from './speed.ts'
import { Uploads } from './uploads.ts'
import { WhoIs } from './who.ts'

const plot = { width: 120, height: 28 } as const
/** Transfers that are drawn; the node keeps as many as it has. */
const shownTransfers = 200

/** Everything that is on its way, was offered, or is shared. */
export function Transfers(): JSX.Element {
  return h(
    'div',
    { class: 'view' },
    h('h1', null, 'Files'),
    h(Uploads, {}),
    h(Offers, null),
    h(Underway, null),
    h(Finding, null),
    h(Shares, null),
  )
}

function Underway(): JSX.Element {
  const page = usePage()
  const { transfers } = page.snapshot
  const hasEnded = transfers.some((one) => isEnded(one))
  return h(
    'section',
    { 'aria-labelledby': 'transfers-title' },
    h(
      'div',
      { class: 'section-head' },
      h('h2', { id: 'transfers-title' }, 'Transfers'),
      hasEnded
        ? h(
            'button',
            { type: 'button', onClick: () => void attempt(page, () => page.link.call('clear')) },
            'Clear ended',
          )
        : null,
    ),
    transfers.length === 0
      ? h(
          'div',
          { class: 'empty' },
          h('p', { class: 'lead' }, 'Nothing is on its way.'),
          h(
            'p',
            null,
            'Open a person and look into “Files” to take something, or drop a file on somebody to send it.',
          ),
        )
      : h(
          'ul',
          { class: 'cards' },
          transfers
            .slice(0, shownTransfers)
            .map((transfer) => h('li', { key: transfer.id, class: 'card' }, h(TransferCard, { transfer }))),
        ),
  )
}

function TransferCard({ transfer }: { readonly transfer: Transfer }): JSX.Element {
  const { path, peerId, direction, state, bytes, totalBytes } = transfer
  const name = displayText(path)
  const isIn = direction === 'in'
  return h(
    'div',
    { class: `transfer ${state}` },
    h('span', { class: 'sheet' }, h(Icon, { name: isIn ? 'download' : 'send' })),
    h(
      'div',
      { class: 'lines' },
      h('div', { class: 'line' }, h('bdi', { class: 'name' }, name), h(Controls, { transfer, name })),
      h('span', { class: 'quiet' }, isIn ? 'from ' : 'to ', h(WhoIs, { peerId })),
      isEnded(transfer)
        ? null
        : h('progress', {
            max: Math.max(1, totalBytes),
            value: bytes,
            'aria-label': `${name}: ${percentText(transfer)}`,
          }),
      h(
        'div',
        { class: 'line' },
        h(
          'span',
          { class: `quiet standing ${state}` },
          isEnded(transfer) ? '' : `${percentText(transfer)} of `,
          sizeText(totalBytes),
          ' · ',
          transferState(transfer),
        ),
        state === 'active' ? h(SpeedPlot, { id: transfer.id }) : null,
      ),
    ),
  )
}

/** Speed over the last seconds; the number beside it says the same. */
function SpeedPlot({ id }: { readonly id: string }): JSX.Element | null {
  const samples = usePage().state.speeds.get(id)
  if (samples === undefined || samples.length < 2) return null
  const points = plotPoints(samples, plot)
  const [start] = points.split(',', 1)
  return h(
    'svg',
    {
      class: 'plot',
      viewBox: `0 -2 ${plot.width} ${plot.height + 2}`,
      width: plot.width,
      height: plot.height,
      'aria-hidden': 'true',
    },
    h('polygon', { points: `${start},${plot.height} ${points} ${plot.width},${plot.height}` }),
    h('polyline', { points }),
  )
}

/** What can be done about a transfer now. */
function Controls({
  transfer,
  name,
}: {
  readonly transfer: Transfer
  readonly name: string
}): JSX.Element | null {
  const page = usePage()
  const { id, state, direction } = transfer
  const act = (operation: 'pause' | 'resume' | 'cancel') => () =>
    void attempt(page, () => page.link.call(operation, { id }))
  if (isEnded(transfer) || direction === 'out') return null
  return h(
    'span',
    { class: 'controls' },
    state === 'paused'
      ? h(IconButton, { icon: 'play', label: `Go on with ${name}`, onClick: act('resume') })
      : h(IconButton, { icon: 'pause', label: `Pause ${name}`, onClick: act('pause') }),
    h(IconButton, { icon: 'close', label: `Cancel ${name}`, onClick: act('cancel') }),
  )
}

function isEnded({ state }: Transfer): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled'
}
