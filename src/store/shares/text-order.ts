/** The order of two texts by their bytes in UTF-8, as SQLite compares them; JavaScript compares code units. */
export function compareBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}
