import { readEffects } from './open-talk.ts'
import { doing, type Effect, type State, type Step } from './state.ts'

/** Back to the conversation; what was asked of others for the panel is given up. */
export function closed(state: State, ...effects: readonly Effect[]): Step {
  const next: State = { ...state, panel: undefined }
  return doing(next, { do: 'give-up' }, ...effects, ...readEffects(next))
}
