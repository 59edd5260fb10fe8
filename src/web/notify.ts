import type { News } from './news.ts'
import { fragmentOf } from './place.ts'

/** What the browser lets the page do; `denied` also where it has no notifications. */
export function mayNotify(): NotificationPermission {
  return 'Notification' in globalThis ? Notification.permission : 'denied'
}

/** To be asked on a click only: browsers refuse everything else. */
export async function askToNotify(): Promise<NotificationPermission> {
  return mayNotify() === 'default' ? await Notification.requestPermission() : mayNotify()
}

/**
 * Calls our user, who does not look at the page; who does sees it there. A page behind another window is not hidden for every browser, but it
 * has no focus. A later one takes the place of an earlier one.
 */
export function notify({ text, place }: News): void {
  if (document.hasFocus() || mayNotify() !== 'granted') return
  const shown = new Notification('p2p', { body: text, tag: place === undefined ? 'p2p' : fragmentOf(place) })
  shown.addEventListener('click', () => {
    window.focus()
    if (place !== undefined) location.hash = fragmentOf(place)
    shown.close()
  })
}
