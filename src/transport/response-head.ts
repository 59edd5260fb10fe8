/** The head of an answer about files. Pure, and strict: it comes from our own program, or from an attacker (F10, F11). */

export interface ResponseHead {
  readonly status: number
  /** Bytes of the body, as declared. */
  readonly bodyBytes: number
  /** The bytes of the file that the body is: from `start` up to, not including, `end`. */
  readonly range: { readonly start: number; readonly end: number; readonly sizeBytes: number } | undefined
  /** Whether the connection ends with the body. */
  readonly closes: boolean
}

const statusLine = /^HTTP\/1\.1 ([2-5]\d\d)(?: [\x20-\x7e]*)?$/
const fieldLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\x20-\x7e]*)$/
const contentRange = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/
/** Each once at most: two of them can be read in two ways. */
const known = new Set(['content-length', 'content-range', 'connection'])
/** Would make the body something else than so many bytes of content, or are never asked for. */
const refused = new Set(['transfer-encoding', 'content-encoding', 'upgrade'])

/** @param text up to, not including, the empty line. @returns undefined unless all of it is as it has to be. Never throws. */
export function parseResponseHead(text: string): ResponseHead | undefined {
  const [first = '', ...lines] = text.split('\r\n')
  const status = statusLine.exec(first)?.[1]
  const fields = parseFields(lines)
  const length = fields?.get('content-length') ?? ''
  if (status === undefined || fields === undefined || !/^\d{1,15}$/.test(length)) return undefined
  // Of no other status does it say what the body is.
  const range = status === '206' ? parseContentRange(fields.get('content-range') ?? '') : undefined
  if (status === '206' && range === undefined) return undefined
  const closes = fields.get('connection')?.toLowerCase() === 'close'
  return { status: Number(status), bodyBytes: Number(length), range, closes }
}

function parseFields(lines: readonly string[]): ReadonlyMap<string, string> | undefined {
  const fields = new Map<string, string>()
  for (const line of lines) {
    const [, name = '', value = ''] = fieldLine.exec(line) ?? []
    const key = name.toLowerCase()
    if (key === '' || refused.has(key) || (known.has(key) && fields.has(key))) return undefined
    fields.set(key, value.trimEnd())
  }
  return fields
}

function parseContentRange(value: string): ResponseHead['range'] {
  const match = contentRange.exec(value)
  const [start, last, sizeBytes] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3])]
  // NaN compares as false.
  return start <= last && last < sizeBytes ? { start, end: last + 1, sizeBytes } : undefined
}
