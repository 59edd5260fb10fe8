/** A text in quotes, with whatever is not plain escaped, and not longer than one wants to read in a message. */
export function quote(text: string): string {
  const longest = 40
  return JSON.stringify(text.length > longest ? `${text.slice(0, longest)}…` : text)
}
