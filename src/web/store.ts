import { next, type Action, type PageState } from './page-state.ts'

/** The state of the page, and who draws it: at most once for each frame of the screen, however much happens. */
export class Store {
  state: PageState
  readonly #draw: () => void
  #isDue = false

  constructor(state: PageState, draw: () => void) {
    this.state = state
    this.#draw = draw
  }

  dispatch(action: Action): void {
    const state = next(this.state, action)
    if (state === this.state) return
    this.state = state
    if (this.#isDue) return
    this.#isDue = true
    const draw = (): void => {
      this.#isDue = false
      this.#draw()
    }
    // Nobody sees a hidden page, and its frames stand still; its title is still to be right.
    if (document.hidden) setTimeout(draw, 100)
    else requestAnimationFrame(draw)
  }
}
