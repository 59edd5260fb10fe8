/** `14:05` today, else `2026-11-28`: what fits at the end of a line. */
export function shortTime(at: Date, now = new Date()): string {
  return at.toDateString() === now.toDateString() ? timeOfDay(at) : dayText(at)
}

export function timeOfDay(at: Date): string {
  return `${two(at.getHours())}:${two(at.getMinutes())}`
}

/** `2026-11-28`, where we are. */
export function dayText(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

function two(digits: number): string {
  return String(digits).padStart(2, '0')
}
