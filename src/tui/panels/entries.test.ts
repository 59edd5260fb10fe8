/** Lists whose entries come and go while somebody looks at them: a key is about the entry that was read. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OfferId, OfferInfo, Share, WaitingMessage } from '../../index.ts'
import type { Snapshot } from '../../control/view-state.ts'
import { alice, messageOf, offerFrom, stateOf, transferOf } from '../../../test/tui/states.ts'
import type { Key } from '../key.ts'
import { panelView, spokenRoom } from '../panels.ts'
import { spoken } from '../speech.ts'
import type { Effect, State } from '../state.ts'
import { step } from '../step.ts'

const down: Key = { name: 'down' }

function press(state: State, ...keys: readonly (Key | string)[]): State {
  return keys.reduce((now, key) => pressed(now, key).state, state)
}

function pressed(
  state: State,
  key: Key | string,
): { readonly state: State; readonly effects: readonly Effect[] } {
  return step(state, { input: 'key', key: typeof key === 'string' ? { name: 'text', text: key } : key })
}

/** The row that keys are about; undefined while the chosen one has gone. */
function chosenRow(state: State): string | undefined {
  assert.ok(state.panel !== undefined)
  return panelView(state, state.panel, spokenRoom).rows.find(({ kind }) => kind === 'chosen')?.text
}

const names = ['one', 'two', 'three'] as const

function offer(name: string): OfferInfo {
  return { ...offerFrom(alice, name), id: name as OfferId }
}

function share(name: string): Share {
  return {
    name,
    path: `/${name}`,
    kind: 'folder',
    visibleTo: 'all',
    files: 0,
    totalBytes: 0,
    unhashedFiles: 0,
    unhashedBytes: 0,
    problem: '',
  }
}

function waiting(name: string): WaitingMessage {
  return { message: messageOf(alice, name, { id: name, incoming: false }), waitsFor: 'peer' }
}

interface List {
  readonly opens: string
  readonly letter: string
  /** The state with these entries and no others. */
  readonly having: (state: State, entries: readonly string[]) => State
  /** What the letter does to the entry. */
  readonly does: (state: State, name: string) => void
}

function known(state: State, more: Partial<Snapshot>): State {
  return { ...state, snapshot: { ...state.snapshot, ...more } }
}

const lists: Readonly<Record<string, List>> = {
  transfers: {
    opens: 't',
    letter: 'x',
    having: (state, entries) =>
      known(state, { transfers: entries.map((id) => transferOf(alice, { id, path: id })) }),
    does: (state, name) =>
      assert.deepEqual(pressed(state, 'x').effects, [{ do: 'cancel', transferId: name }]),
  },
  offers: {
    opens: 'o',
    letter: 'y',
    having: (state, entries) => known(state, { offers: entries.map(offer) }),
    does: (state, name) =>
      assert.deepEqual(pressed(state, 'y').effects.at(-1), { do: 'accept', offerId: name }),
  },
  shares: {
    opens: 'h',
    letter: 'x',
    having: (state, entries) => known(state, { shares: entries.map(share) }),
    does: (state, name) => {
      const { panel } = press(state, 'x')
      assert.ok(panel?.kind === 'sure')
      assert.deepEqual(panel.effect, { do: 'unshare', name })
    },
  },
  outbox: {
    opens: 'u',
    letter: 'x',
    having: (state, entries) =>
      step(state, { input: 'told', told: { told: 'outbox', waiting: entries.map(waiting) } }).state,
    does: (state, name) =>
      assert.deepEqual(pressed(state, 'x').effects, [{ do: 'withdraw', messageId: name }]),
  },
}

for (const [kind, { opens, letter, having, does }] of Object.entries(lists)) {
  /** The list with the second of three chosen. */
  const second = (): State => {
    const open = press(having(stateOf({}), names), opens)
    return press(kind === 'outbox' ? having(open, names) : open, down)
  }

  test(`${kind}: the chosen one stays chosen when one before it goes`, () => {
    const after = having(second(), ['two', 'three'])
    assert.match(chosenRow(after) ?? '', /two/)
    does(after, 'two')
    // Twin: nothing has gone, and one that comes in front of it moves it down.
    does(second(), 'two')
    does(having(second(), ['new', ...names]), 'two')
  })

  test(`${kind}: when the chosen one has gone, a key does nothing but choose another, which is seen`, () => {
    const gone = having(second(), ['one', 'three'])
    assert.equal(chosenRow(gone), undefined)
    const next = pressed(gone, letter)
    assert.deepEqual(next.effects, [])
    assert.equal(next.state.panel?.kind, kind)
    assert.match(chosenRow(next.state) ?? '', /three/)
    assert.ok(spoken(gone, next.state).some((line) => /^› .*three/.test(line)))
    does(next.state, 'three')
    const last = press(having(second(), ['one']), letter)
    assert.match(chosenRow(last) ?? '', /one/)
    does(last, 'one')
  })

  test(`${kind}: in an empty list a key does nothing, and what comes is chosen before it is acted on`, () => {
    const empty = having(second(), [])
    assert.deepEqual(pressed(empty, letter).effects, [])
    const came = press(having(press(empty, letter), ['new']), letter)
    assert.match(chosenRow(came) ?? '', /new/)
    does(came, 'new')
  })
}
