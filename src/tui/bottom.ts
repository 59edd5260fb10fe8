import { sizeText } from '../face/amounts.ts'
import { offeredText } from '../face/offer-text.ts'
import { frameOf, listHeight } from './frame.ts'
import { panelView } from './panels.ts'
import { whoIs } from './people.ts'
import { asksOf, type State } from './state.ts'

/** Who asks for what, and the key that answers. */
export function askText(state: State): string {
  const [ask, ...others] = asksOf(state)
  if (ask === undefined) return ''
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  const key = state.focus === 'people' ? 'o' : 'Ctrl-O'
  return `${key} answers: ${whoIs(state, ask.peerId)} ${questionOf(state)}${more}`
}

function questionOf({ snapshot }: Pick<State, 'snapshot'>): string {
  const [ask] = asksOf({ snapshot })
  if (ask?.kind === 'verification') {
    const waiting = snapshot.verifications.find(({ peerId }) => peerId === ask.peerId)
    return waiting?.method === 'qr' ? 'has scanned your QR code' : 'wants to verify'
  }
  const offer = snapshot.offers.find(({ id }) => id === ask?.offerId)
  return offer === undefined
    ? 'offers files'
    : `offers ${offeredText(offer.entries)} (${sizeText(offer.totalBytes)})`
}

/** The keys that do something now. */
export function keysText(state: State): string {
  const { panel, focus, talk, filter, size } = state
  if (panel !== undefined) {
    const frame = frameOf(state)
    return panelView(state, panel, { columns: frame.middle, rows: listHeight(frame) }).keys
  }
  if (filter !== undefined) return '↑↓ choose  Enter talk  Esc all'
  if (focus === 'talk' && talk !== undefined)
    return size.columns < 76
      ? 'Enter send  Esc people  PgUp older  ^S file  ^B browse'
      : 'Enter send  Esc people  PgUp older  ^S send file  ^B browse  ^V verify'
  const more = size.columns < 76 ? '' : '  f find  / look for'
  return `Enter talk  s send  b browse  v verify${more}  ? help  q quit`
}
