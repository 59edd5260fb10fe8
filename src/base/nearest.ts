/** The candidate that `text` was probably meant to be: at most two letters (a third of a short word) away. */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  const farthest = Math.min(2, Math.ceil(text.length / 3))
  const near = candidates
    .map((candidate) => ({ candidate, distance: editDistance(text.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= farthest)
  near.sort((a, b) => a.distance - b.distance)
  return near[0]?.candidate
}

/** Letters to add, drop or change to make `b` of `a` (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1]
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (letter === b[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
