import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { limits } from '../base/limits.ts'
import { sizeText } from '../face/amounts.ts'
import { displayText } from '../face/display-text.ts'
import type { SharedFile } from '../index.ts'
import { Dialog } from './dialog.ts'
import { h } from './h.ts'
import { Icon } from './icons.ts'
import { sentenceOf, usePage, type Page } from './page.ts'
import { pictureOf } from './picture.ts'
import { take } from './take.ts'

/** Sides of a thumbnail, in pixels of the screen; and of a preview, at most. */
const thumbnailPx = 88
const previewPx = 1_600

type Drawing = { readonly state: 'loading' | 'there' } | { readonly state: 'failed'; readonly why: string }

/** Which picture is to be drawn, and how large it may be. */
interface Wish {
  readonly file: SharedFile
  readonly maxBytes: number
  readonly sidePx: number
}

/**
 * A small picture of a picture. Its bytes are fetched through the node, looked at, decoded by the browser and drawn: nothing of it has an
 * address, a type that its owner chose, or a script (C7).
 */
export function Thumbnail({ file }: { readonly file: SharedFile }): JSX.Element {
  const { canvas, drawing } = useDrawing({ file, maxBytes: limits.thumbnailBytes, sidePx: thumbnailPx })
  return h(
    'span',
    { class: 'sheet picture', 'aria-hidden': 'true' },
    drawing.state === 'there' ? null : h(Icon, { name: 'picture' }),
    h('canvas', { ref: canvas, hidden: drawing.state !== 'there' }),
  )
}

/** A picture as large as the window. */
export function Preview({
  file,
  onClose,
}: {
  readonly file: SharedFile
  readonly onClose: () => void
}): JSX.Element {
  const page = usePage()
  const { canvas, drawing } = useDrawing({ file, maxBytes: limits.previewBytes, sidePx: previewPx })
  const name = displayText(file.path.split('/').at(-1) ?? '')
  return h(
    Dialog,
    { title: name, onClose, kind: 'preview' },
    drawing.state === 'loading' ? h('p', { class: 'quiet', role: 'status' }, 'Loading …') : null,
    drawing.state === 'failed' ? h('p', { role: 'alert' }, drawing.why) : null,
    h('canvas', {
      ref: canvas,
      role: 'img',
      'aria-label': `Picture ${name}`,
      hidden: drawing.state !== 'there',
    }),
    h(
      'p',
      { class: 'actions' },
      h('span', { class: 'quiet' }, sizeText(file.sizeBytes)),
      h(
        'button',
        { type: 'button', class: 'strong', onClick: () => void take(page, file) },
        'Take this file',
      ),
    ),
  )
}

function useDrawing(wish: Wish): {
  readonly canvas: { current: HTMLCanvasElement | null }
  readonly drawing: Drawing
} {
  const page = usePage()
  const canvas = useRef<HTMLCanvasElement>(null)
  const [drawing, setDrawing] = useState<Drawing>({ state: 'loading' })
  useEffect(() => {
    const stop = new AbortController()
    // Who scrolls by asks for nothing.
    const timer = setTimeout(() => {
      const target = { canvas: canvas.current, signal: stop.signal }
      void page.pictures
        .run(() => draw(page, wish, target), { signal: stop.signal })
        .then(() => setDrawing({ state: 'there' }))
        .catch((error: unknown) => {
          if (!stop.signal.aborted) setDrawing({ state: 'failed', why: sentenceOf(error) })
        })
    }, 150)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [wish.file.id, wish.file.path])
  return { canvas, drawing }
}

interface Target {
  readonly canvas: HTMLCanvasElement | null
  readonly signal: AbortSignal
}

/** @throws P2PError like `files.read`; Error for what is no picture */
async function draw(
  { link }: Page,
  { file, maxBytes, sidePx }: Wish,
  { canvas, signal }: Target,
): Promise<void> {
  if (file.sizeBytes > maxBytes)
    throw new Error('This picture is too large to be shown here. Take it, and look at it.')
  const { peerId, path } = file
  const bytes = await link.read({ peerId, path }, { maxBytes, signal })
  const picture = pictureOf(bytes)
  if (picture === undefined) throw new Error('This is no picture that can be shown safely.')
  const { type, width, height } = picture
  const scale = Math.min(1, sidePx / Math.max(width, height))
  using bitmap = closing(
    await createImageBitmap(new Blob([bytes], { type }), {
      resizeWidth: Math.max(1, Math.round(width * scale)),
      resizeHeight: Math.max(1, Math.round(height * scale)),
      resizeQuality: 'high',
    }),
  )
  signal.throwIfAborted()
  if (canvas === null) return
  canvas.width = bitmap.image.width
  canvas.height = bitmap.image.height
  canvas.getContext('2d')?.drawImage(bitmap.image, 0, 0)
}

function closing(image: ImageBitmap): Disposable & { readonly image: ImageBitmap } {
  return { image, [Symbol.dispose]: () => image.close() }
}
