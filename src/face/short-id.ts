/** The shortest beginning of an ID, at least 8 characters, that no other ID shares. */
export function shortId(id: string, others: Iterable<string>): string {
  let length = 8
  for (const other of others) {
    if (other !== id) length = Math.max(length, sharedLength(id, other) + 1)
  }
  return id.slice(0, length)
}

/** How many characters two texts have in common at their beginning. */
function sharedLength(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return length
}
