/**
 * Whether `text` is an address that a stranger may make us dial (U10): canonical text of a global unicast IPv4 or
 * IPv6 address. Private networks count; names, ports, zones, loopback, link-local, multicast and reserved ranges
 * do not, nor does any other notation of an allowed address.
 */
export function isDialableIp(text: string): boolean {
  if (text.length > longestText) return false
  return text.includes(':') ? isDialableV6(text) : isDialableV4(text)
}

/** Eight groups of four digits and seven colons. */
const longestText = 39
const v4Form = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/

function isDialableV4(text: string): boolean {
  const parts = v4Form.exec(text)?.slice(1).map(Number)
  if (parts === undefined || parts.some((part) => part > 255)) return false
  const [first = 0, second = 0] = parts
  const linkLocal = first === 169 && second === 254
  // 224/4 is multicast, 240/4 reserved, and its last address the broadcast.
  return first !== 0 && first !== 127 && first < 224 && !linkLocal
}

function isDialableV6(text: string): boolean {
  const groups = parseV6(text)
  if (groups === undefined || formatV6(groups) !== text) return false
  const [first = 0] = groups
  // 0000::/8 holds the unspecified address, loopback, and every form that hides an IPv4 address behind a prefix.
  const reserved = first < 0x0100
  const linkLocal = (first & 0xffc0) === 0xfe80
  const multicast = first >= 0xff00
  return !reserved && !linkLocal && !multicast
}

/** The eight groups of an IPv6 address in hexadecimal notation. */
function parseV6(text: string): readonly number[] | undefined {
  const [head = '', tail, ...more] = text.split('::')
  if (more.length > 0) return undefined
  const before = parseGroups(head)
  const after = tail === undefined ? [] : parseGroups(tail)
  if (before === undefined || after === undefined) return undefined
  const missing = 8 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  return [...before, ...Array.from({ length: missing }, () => 0), ...after]
}

function parseGroups(text: string): readonly number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  return parts.every((part) => /^[0-9a-f]{1,4}$/.test(part))
    ? parts.map((part) => Number.parseInt(part, 16))
    : undefined
}

/** The canonical text (RFC 5952, 4): lower case, no leading zeros, the first longest run of zeros as `::`. */
function formatV6(groups: readonly number[]): string {
  const { start, length } = longestZeros(groups)
  const digits = groups.map((group) => group.toString(16))
  if (length < 2) return digits.join(':')
  return `${digits.slice(0, start).join(':')}::${digits.slice(start + length).join(':')}`
}

function longestZeros(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let longest = { start: 0, length: 0 }
  let length = 0
  groups.forEach((group, i) => {
    length = group === 0 ? length + 1 : 0
    if (length > longest.length) longest = { start: i + 1 - length, length }
  })
  return longest
}
