import { edit, emptyField } from './field.ts'
import { frameOf } from './frame.ts'
import type { Key } from './key.ts'
import { moved } from './list.ts'
import { opened } from './open-talk.ts'
import { openPanel } from './open-panel.ts'
import { matching, type Person } from './people.ts'
import { only, type State, type Step } from './state.ts'

/** Who is listed: all, or those that fit what is being looked for. */
export function listed({ people, filter }: State): readonly Person[] {
  return filter === undefined ? people : matching(people, filter.text)
}

/** The one that keys are about; the first when nobody was chosen, or the chosen one has gone. */
export function chosenIndex({ chosen }: State, people: readonly Person[]): number {
  return Math.max(
    0,
    people.findIndex(({ id }) => id === chosen),
  )
}

/** A key while the list of people has them. */
export function peopleKey(state: State, key: Key): Step {
  const people = listed(state)
  const at = chosenIndex(state, people)
  const person = people[at]
  const to = moved(at, key, { count: people.length, page: frameOf(state).body - 2 })
  if (to !== undefined) return only({ ...state, chosen: people[to]?.id })
  if (key.name === 'enter') return person === undefined ? only(state) : opened(state, person.id)
  if (key.name === 'escape') return only({ ...state, filter: undefined, notice: undefined })
  if (key.name === 'tab' && state.talk !== undefined)
    return only({ ...state, focus: 'talk', filter: undefined })
  if (state.filter !== undefined) {
    const filter = edit(state.filter, key)
    return only(filter === undefined ? state : { ...state, filter })
  }
  if (key.name === 'text' && key.text === '/') return only({ ...state, filter: emptyField })
  return key.name === 'text' || key.name === 'ctrl' ? command(state, key, person) : only(state)
}

function command(
  state: State,
  key: Extract<Key, { name: 'text' | 'ctrl' }>,
  person: Person | undefined,
): Step {
  const letter = key.name === 'text' ? key.text : `^${key.letter}`
  return openPanel(state, letter, person?.id)
}
