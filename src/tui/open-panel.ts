import { isProvable, type PeerId } from '../index.ts'
import { keysOf } from '../face/keys-of.ts'
import { emptyField, fieldOf } from './field.ts'
import { entriesPanel } from './panels/entries.ts'
import { nameWithId, whoIs } from './people.ts'
import { asksOf, doing, only, personOf, type Panel, type State, type Step } from './state.ts'

/** What a letter does: pressed alone beside the list of people, with Ctrl also while one writes. */
interface Command {
  /** The letter, and the one that it is with Ctrl, where it has one. */
  readonly keys: readonly string[]
  readonly help: string
}

/** About whoever is chosen, in the order of the help. Ctrl-H, -I, -J and -M are other keys to a terminal. */
const personal = {
  send: { keys: ['s', '^s'], help: 'send a file or folder' },
  browse: { keys: ['b', '^b'], help: 'look at what they share, and take it' },
  verify: { keys: ['v', '^v'], help: 'make sure who it is' },
  alias: { keys: ['a', '^n'], help: 'give a name of your own' },
  info: { keys: ['i', '^g'], help: 'all that is known, with the safety number' },
  block: { keys: ['x', '^x'], help: 'block, or take a block back' },
} as const satisfies Readonly<Record<string, Command>>

/** About nobody in particular. */
const general = {
  answer: { keys: ['o', '^o'], help: 'answer who asks: offers and verifications' },
  find: { keys: ['f', '^f'], help: 'find files of everybody here' },
  search: { keys: ['m', '^r'], help: 'search in all messages' },
  transfers: { keys: ['t', '^t'], help: 'transfers: pause, go on, cancel' },
  outbox: { keys: ['u', '^y'], help: 'messages that wait to be delivered' },
  shares: { keys: ['h', '^p'], help: 'what you share' },
  invite: { keys: ['c', '^d'], help: 'your QR code, and reading one' },
  policy: { keys: ['p', '^l'], help: 'whom you talk with' },
  help: { keys: ['?'], help: 'this help' },
  quit: { keys: ['q', '^q'], help: 'leave p2p' },
} as const satisfies Readonly<Record<string, Command>>

export const commands: readonly Command[] = [...Object.values(personal), ...Object.values(general)]

/** Carries out the command of a key, if it has one. */
export function openPanel(state: State, key: string, peerId: PeerId | undefined): Step {
  const name = keysOf(general).find((one) => general[one].keys.some((other) => other === key))
  if (name !== undefined) return aboutNobody(state, name)
  const about = keysOf(personal).find((one) => personal[one].keys.some((other) => other === key))
  if (about === undefined) return only(state)
  if (peerId === undefined) return noticing(state, 'Nobody is chosen.')
  if (about !== 'info' && !isProvable(peerId))
    return noticing(
      state,
      'It runs the reference client, which can only talk: no files, no proof of who it is.',
    )
  return aboutSomebody(state, about, peerId)
}

function noticing(state: State, text: string): Step {
  return only({ ...state, notice: { text, isAlarm: false } })
}

function showing(state: State, panel: Panel): State {
  return { ...state, panel, filter: undefined, notice: undefined }
}

function aboutNobody(state: State, name: keyof typeof general): Step {
  switch (name) {
    case 'quit':
      return doing(state, { do: 'quit' })
    case 'answer':
      return answering(state)
    case 'find':
      return only(
        showing(state, {
          kind: 'find',
          field: emptyField,
          found: [],
          isLooking: false,
          isTyping: true,
          chosen: 0,
        }),
      )
    case 'search':
      return only(
        showing(state, {
          kind: 'search',
          field: emptyField,
          found: [],
          isLooking: false,
          isTyping: true,
          chosen: 0,
        }),
      )
    case 'outbox':
      return doing(showing(state, { kind: 'outbox', waiting: undefined, chosen: 0, entryId: undefined }), {
        do: 'outbox',
      })
    case 'invite':
      return doing(showing(state, { kind: 'invite', text: '', code: [], field: emptyField }), {
        do: 'invite',
      })
    case 'transfers':
    case 'shares':
      return only(showing(state, entriesPanel(state, name)))
    case 'policy':
    case 'help':
      return only(showing(state, { kind: name, chosen: 0 }))
  }
}

/** The question that has waited for longest; of offers all are shown. */
function answering(state: State): Step {
  const [ask] = asksOf(state)
  if (ask === undefined) return noticing(state, 'Nobody asks for anything now.')
  return ask.kind === 'offer'
    ? only(showing(state, entriesPanel(state, 'offers')))
    : only(comparing(state, ask.peerId))
}

/** The verification that waits for our user. */
function comparing(state: State, peerId: PeerId): State {
  const waiting = state.snapshot.verifications.find((one) => one.peerId === peerId)
  return showing(state, {
    kind: 'verify',
    peerId,
    stage: waiting === undefined ? 'choose' : 'compare',
    code: waiting?.code ?? '',
    method: waiting?.method ?? 'code',
    safetyNumber: '',
    field: emptyField,
  })
}

function aboutSomebody(state: State, name: keyof typeof personal, peerId: PeerId): Step {
  const person = personOf(state, peerId)
  switch (name) {
    case 'send':
      return doing(showing(state, { kind: 'send', peerId, field: emptyField, choices: [] }), {
        do: 'complete',
        path: '',
      })
    case 'browse': {
      const panel = {
        kind: 'browse',
        peerId,
        path: '',
        entries: [],
        next: '',
        isLoading: true,
        chosen: 0,
      } as const
      return doing(showing(state, panel), { do: 'browse', peerId, path: '' })
    }
    case 'verify':
      return only(comparing(state, peerId))
    case 'alias':
      return only(showing(state, { kind: 'alias', peerId, field: fieldOf(person?.alias ?? ''), choices: [] }))
    case 'info':
      return doing(showing(state, { kind: 'info', peerId, safetyNumber: '' }), {
        do: 'safety-number',
        peerId,
      })
    case 'block': {
      const isBlocked = person?.trust === 'blocked'
      const question = isBlocked
        ? `Take the block of ${nameWithId(state, peerId)} back?`
        : `Block ${whoIs(state, peerId)}? What is open with it ends, and it is refused from now on.`
      return only(
        showing(state, { kind: 'sure', question, effect: { do: isBlocked ? 'unblock' : 'block', peerId } }),
      )
    }
  }
}
