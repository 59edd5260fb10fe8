/**
 * What a search looks for: a pattern when it has a `*` (any text) or a `?` (one character), for the last name of a path, or for all of the path
 * when there is a `/` in it, which `*` then takes too; otherwise a text somewhere in a path. Case does not matter, nor how accents are
 * written. At worst its time grows with the length of the pattern times that of the path.
 */
export function pathMatcher(pattern: string): (path: string) => boolean {
  const wanted = folded(pattern)
  if (!/[*?]/.test(wanted)) return (path) => folded(path).includes(wanted)
  if (wanted.includes('/')) return (path) => fits(folded(path), wanted)
  return (path) => fits(folded(path.slice(path.lastIndexOf('/') + 1)), wanted)
}

/** The same for texts that people take for the same. */
function folded(text: string): string {
  // eslint-disable-next-line no-control-regex -- all of ASCII
  return (/^[\0-\x7f]*$/.test(text) ? text : text.normalize('NFC')).toLowerCase()
}

const star = 42
const question = 63

/** Takes each `*` for as little as possible, and more only when what follows does not fit: never back beyond the last one. */
function fits(path: string, pattern: string): boolean {
  let [at, wanted] = [0, 0]
  let [lastStar, tried] = [-1, 0]
  while (at < path.length) {
    const unit = pattern.charCodeAt(wanted)
    if (unit === star) {
      lastStar = wanted++
      tried = at
    } else if (unit === question || unit === path.charCodeAt(at)) {
      at += unit === question ? unitsAt(path, at) : 1
      wanted++
    } else if (lastStar >= 0) {
      wanted = lastStar + 1
      tried += unitsAt(path, tried)
      at = tried
    } else return false
  }
  while (pattern.charCodeAt(wanted) === star) wanted++
  return wanted === pattern.length
}

/** How many UTF-16 units the character at a place has. */
function unitsAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
}
