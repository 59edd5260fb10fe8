/** The time of day where we are, with the date when it is not today's. */
export function clock(at: Date, now = new Date()): string {
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  if (at.toDateString() === now.toDateString()) return time
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`
}

function two(digits: number): string {
  return String(digits).padStart(2, '0')
}
