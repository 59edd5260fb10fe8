import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { limits } from '../index.ts'
import { displayText } from './display-text.ts'

/** A path as a person types it, absolute. */
export function pathOf(text: string): string {
  return resolve(expandHome(text))
}

/** `~` is the home folder. */
function expandHome(text: string): string {
  return text === '~' || text.startsWith('~/') ? join(homedir(), text.slice(1)) : text
}

/** A path of this machine as it is shown. */
export function shownPath(path: string): string {
  return displayText(path, { maxBytes: limits.shownMessageBytes })
}
