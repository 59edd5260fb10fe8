import type { JSX } from 'preact'
import { sizeText } from '../face/amounts.ts'
import { percentText } from '../face/progress.ts'
import type { PeerId } from '../index.ts'
import { isAnswerAwaited } from './drop.ts'
import { h } from './h.ts'
import { IconButton } from './icons.ts'
import { usePage } from './page.ts'

/** Rows that are drawn; the others wait behind them. */
const shownUploads = 20

/** Files that are on their way from this browser to the node; of one person, or of all. */
export function Uploads({ peerId }: { readonly peerId?: PeerId }): JSX.Element | null {
  const { snapshot, state, uploader } = usePage()
  const uploads = state.uploads.filter((one) => peerId === undefined || one.peerId === peerId)
  if (uploads.length === 0) return null
  return h(
    'ul',
    { class: 'uploads', 'aria-label': 'Files that are being read' },
    uploads.slice(0, shownUploads).map((upload) => {
      const { id, name, bytes, totalBytes } = upload
      return h(
        'li',
        { key: id },
        h('bdi', { class: 'name' }, name),
        h('progress', { max: Math.max(1, totalBytes), value: bytes, 'aria-label': `Reading ${name}` }),
        h(
          'span',
          { class: 'quiet' },
          bytes === 0 && isAnswerAwaited(snapshot.offers, upload.peerId)
            ? 'waits until others are answered'
            : `${percentText(upload)} of ${sizeText(totalBytes)}`,
        ),
        h(IconButton, { icon: 'close', label: `Do not send ${name}`, onClick: () => uploader.cancel(id) }),
      )
    }),
    uploads.length > shownUploads
      ? h('li', { class: 'quiet' }, `${(uploads.length - shownUploads).toLocaleString('en')} more`)
      : null,
  )
}
