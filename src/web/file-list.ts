import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { sizeText } from '../face/amounts.ts'
import { dateText, named } from '../face/file-words.ts'
import type { SharedFile } from '../index.ts'
import { beside, h } from './h.ts'
import { Icon, IconButton } from './icons.ts'
import { usePage } from './page.ts'
import { mayBePicture } from './picture.ts'
import { personPlace } from './place.ts'
import { Preview, Thumbnail } from './preview.ts'
import { take } from './take.ts'
import { VirtualList } from './virtual-list.ts'
import { WhoIs } from './who.ts'

const rowHeight = 56

/** How files are named: as entries of one folder, by their whole paths, or also by who has them. */
type Naming = 'name' | 'path' | 'owner'

interface FileListProps {
  readonly files: readonly SharedFile[]
  readonly naming: Naming
  readonly onEnd?: () => void
}

/** Files of others, to look into and to take. */
export function FileList({ files, naming, onEnd }: FileListProps): JSX.Element {
  const [shown, setShown] = useState<SharedFile | undefined>(undefined)
  return beside(
    h(VirtualList<SharedFile>, {
      rows: files,
      rowHeight,
      label: 'Files',
      keyOf: ({ peerId, path }) => `${peerId}/${path}`,
      draw: (file, row) => h(FileRow, { file, row, naming, onShow: () => setShown(file) }),
      ...(onEnd !== undefined && { onEnd }),
    }),
    shown === undefined ? null : h(Preview, { file: shown, onClose: () => setShown(undefined) }),
  )
}

interface FileRowProps {
  readonly file: SharedFile
  readonly row: { readonly tabIndex: 0 | -1; readonly 'data-row': number }
  readonly naming: Naming
  readonly onShow: () => void
}

function FileRow({ file, row, naming, onShow }: FileRowProps): JSX.Element {
  const page = usePage()
  const { peerId, path, kind, sizeBytes, modifiedAtMs, id } = file
  const name = named(naming === 'name' ? (path.split('/').at(-1) ?? '') : path, kind)
  const isFolder = kind === 'folder'
  const details = isFolder ? 'folder' : `${sizeText(sizeBytes)} · ${dateText(modifiedAtMs)}`
  const act = (): void => {
    if (isFolder) page.go(personPlace(peerId, 'files', path))
    else if (mayBePicture(path)) onShow()
    else void take(page, file)
  }
  return h(
    'div',
    { class: 'file-row' },
    h(
      'button',
      {
        ...row,
        type: 'button',
        class: 'open-row',
        onClick: act,
        title: isFolder || mayBePicture(path) ? '' : 'Take this file',
      },
      isFolder || !mayBePicture(path) || id === undefined
        ? h('span', { class: 'sheet' }, h(Icon, { name: isFolder ? 'folder' : 'file' }))
        : h(Thumbnail, { file }),
      h(
        'span',
        { class: 'lines' },
        h('bdi', { class: 'name' }, name),
        h(
          'span',
          { class: 'quiet one-line' },
          naming === 'owner' ? beside('from ', h(WhoIs, { peerId }), ' · ') : null,
          details,
          !isFolder && id === undefined ? ' · being hashed' : '',
        ),
      ),
    ),
    h(IconButton, { icon: 'download', label: `Take ${name}`, onClick: () => void take(page, file) }),
  )
}
