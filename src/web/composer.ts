import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { limits } from '../base/limits.ts'
import type { Message, PeerId } from '../index.ts'
import { h } from './h.ts'
import { IconButton } from './icons.ts'
import { attempt, usePage, usePerson } from './page.ts'
import { namingOf } from './text.ts'

/** Where something is said: Enter sends it, Shift and Enter begin a line. */
export function Composer({ peerId }: { readonly peerId: PeerId }): JSX.Element {
  const person = usePerson(peerId)
  const [showsPath, setShowsPath] = useState(false)
  const field = useRef<HTMLTextAreaElement>(null)
  const { text, write, send } = useDraft(peerId, field)
  const submit = (event: Event): void => {
    event.preventDefault()
    void send()
  }
  const isAway = person.presence.state === 'away'
  return h(
    'form',
    { class: 'composer', onSubmit: submit },
    isAway
      ? h('p', { class: 'quiet note' }, 'Not here: messages wait, and are delivered when both of you are.')
      : null,
    showsPath ? h(PathField, { peerId, onDone: () => setShowsPath(false) }) : null,
    h(
      'div',
      { class: 'row' },
      h(IconButton, { icon: 'clip', label: 'Send files', onClick: () => setShowsPath(!showsPath) }),
      h('textarea', {
        ref: field,
        rows: 1,
        dir: 'auto',
        value: text,
        'aria-label': `Message to ${namingOf(person).name}`,
        placeholder: 'Write a message',
        onInput: ({ currentTarget }) => write(currentTarget.value),
        onKeyDown: (event) => {
          if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) submit(event)
        },
      }),
      h(IconButton, {
        icon: 'send',
        label: 'Send',
        kind: 'strong',
        isOff: text.trim() === '',
        onClick: () => void send(),
      }),
    ),
  )
}

interface Draft {
  readonly text: string
  readonly write: (text: string) => void
  readonly send: () => Promise<void>
}

/** What is written to somebody; it stays until it is stored, also when something else is looked at meanwhile. */
function useDraft(peerId: PeerId, field: { readonly current: HTMLTextAreaElement | null }): Draft {
  const page = usePage()
  const noteTyping = useTyping(peerId)
  const text = page.state.drafts.get(peerId) ?? ''
  useEffect(() => fit(field.current), [text])
  useEffect(() => {
    // On a phone a keyboard would hide half of what is there to be read.
    if (matchMedia('(pointer: fine)').matches) field.current?.focus()
  }, [])
  const write = (written: string): void => {
    page.dispatch({ type: 'draft', peerId, text: written })
    noteTyping(written !== '')
  }
  const send = async (): Promise<void> => {
    // What stands in the field now: the last letters may not be drawn yet.
    const said = field.current?.value ?? ''
    if (said.trim() === '') return
    write('')
    const isStored = await attempt(page, async () => {
      const message = await page.link.call<Message>('send-message', { peerId, text: said })
      page.dispatch({ type: 'said', message })
    })
    // What was not stored is not lost.
    if (!isStored) write(said)
    field.current?.focus()
  }
  return { text, write, send }
}

/** Tells the other side that our user writes, no more often than it is believed. */
function useTyping(peerId: PeerId): (writes: boolean) => void {
  const { link } = usePage()
  const told = useRef({ at: 0, writes: false })
  const tell = (typing: boolean): void => {
    told.current = { at: performance.now(), writes: typing }
    void link.call('typing', { peerId, typing }).catch(() => {})
  }
  useEffect(
    () => () => {
      if (told.current.writes) tell(false)
    },
    [],
  )
  return (writes) => {
    const { at, writes: before } = told.current
    if (writes === before && (!writes || performance.now() - at < limits.typingMs)) return
    tell(writes)
  }
}

/** As high as what is written, up to what the style allows. */
function fit(field: HTMLTextAreaElement | null): void {
  if (field === null) return
  field.style.height = 'auto'
  field.style.height = `${field.scrollHeight}px`
}

/** Files of this machine: chosen in the browser, or by a path, which may be a folder. */
function PathField({
  peerId,
  onDone,
}: {
  readonly peerId: PeerId
  readonly onDone: () => void
}): JSX.Element {
  const page = usePage()
  const [path, setPath] = useState('')
  const offer = async (): Promise<void> => {
    if (path.trim() === '') return
    const isDone = await attempt(page, () => page.link.call('send-files', { peerId, paths: [path.trim()] }))
    if (isDone) onDone()
  }
  return h(
    'div',
    { class: 'path-field' },
    h(
      'label',
      { class: 'button' },
      'Choose files …',
      h('input', {
        type: 'file',
        multiple: true,
        class: 'hidden',
        onChange: ({ currentTarget }) => {
          void page.uploader.send(peerId, [...(currentTarget.files ?? [])])
          onDone()
        },
      }),
    ),
    h('span', { class: 'quiet' }, 'or'),
    h('input', {
      type: 'text',
      value: path,
      placeholder: '/path/of/a/file/or/folder',
      'aria-label': 'Path of a file or folder on this machine',
      spellcheck: false,
      autocomplete: 'off',
      onInput: ({ currentTarget }) => setPath(currentTarget.value),
      onKeyDown: (event) => {
        if (event.key === 'Escape') onDone()
        if (event.key !== 'Enter') return
        event.preventDefault()
        void offer()
      },
    }),
    h('button', { type: 'button', onClick: () => void offer(), disabled: path.trim() === '' }, 'Offer'),
  )
}
