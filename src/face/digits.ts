const groupsInRow = 6

/** Groups of five digits, six of them in a row: what two people can read aloud to each other. */
export function digitRows(digits: string): readonly string[] {
  const groups = digits.match(/\d{5}/g) ?? []
  const rows = Math.ceil(groups.length / groupsInRow)
  return Array.from({ length: rows }, (_, row) =>
    groups.slice(row * groupsInRow, (row + 1) * groupsInRow).join(' '),
  )
}
