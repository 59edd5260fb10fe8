/** Names of amounts, in bytes: those of a thousand, and those of 1,024 with an i. */
const units: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 1024,
  mi: 1024 ** 2,
  gi: 1024 ** 3,
  ti: 1024 ** 4,
}

const pattern = /^(\d{1,16}(?:\.\d{1,6})?) ?([kmgt]i?)?b?(?:\/s)?$/i

/**
 * Bytes of a text such as `500k`, `20 MB`, `1.5GiB`, and of a rate such as `20MB/s`: the letters in any case, the B and the
 * time may be left out. Undefined for anything else.
 */
export function parseByteCount(text: string): number | undefined {
  const [, amount, unit = ''] = pattern.exec(text.trim()) ?? []
  const bytes = Math.floor(Number(amount) * (units[unit.toLowerCase()] ?? Number.NaN))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
