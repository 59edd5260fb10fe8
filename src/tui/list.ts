import type { Key } from './key.ts'

/** What is chosen in a list after a key; undefined for a key that moves nothing. */
export function moved(
  chosen: number,
  key: Key,
  list: { readonly count: number; readonly page: number },
): number | undefined {
  const last = Math.max(0, list.count - 1)
  const to = target(Math.min(chosen, last), key, { last, page: list.page })
  return to === undefined ? undefined : Math.max(0, Math.min(last, to))
}

function target(
  at: number,
  key: Key,
  { last, page }: { readonly last: number; readonly page: number },
): number | undefined {
  switch (key.name) {
    case 'up':
      return at - 1
    case 'down':
      return at + 1
    case 'page-up':
      return at - page
    case 'page-down':
      return at + page
    case 'home':
      return 0
    case 'end':
      return last
    case 'left':
    case 'right':
    case 'text':
    case 'ctrl':
    case 'enter':
    case 'newline':
    case 'escape':
    case 'tab':
    case 'back-tab':
    case 'backspace':
    case 'delete':
      return undefined
  }
}

/**
 * Where the part of a list begins that is seen: what is chosen stands in its middle half. It moves by half of its height, so that most
 * keys change two rows and not all.
 */
export function firstSeen(chosen: number, count: number, height: number): number {
  const half = Math.max(1, Math.floor(height / 2))
  const first = Math.floor((chosen - Math.floor(height / 4)) / half) * half
  return Math.max(0, Math.min(count - height, first))
}
