import { limits, P2PError } from '../index.ts'

const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g

/**
 * Reads JSON that cannot mean two things: no name twice in one object, no `__proto__`, no nesting beyond
 * `limits.controlDepth` (C8).
 *
 * @throws P2PError `usage`
 */
export function parseStrictJson(text: string): unknown {
  requirePlain(text)
  try {
    const parsed: unknown = JSON.parse(text)
    return parsed
  } catch (error) {
    throw new P2PError('usage', 'The body is not JSON.', { cause: error })
  }
}

/** Looks at brackets and names only: `JSON.parse` says whether the rest is JSON, but keeps the last of two names in silence. */
function requirePlain(text: string): void {
  const open: Set<string>[] = []
  let string: string | undefined
  for (const [part] of text.matchAll(token)) {
    if (part === '{' || part === '[') open.push(new Set())
    else if (part === '}' || part === ']') open.pop()
    else if (part === ':' && string !== undefined) requireNewName(string, open.at(-1))
    string = part.startsWith('"') ? part : undefined
    if (open.length > limits.controlDepth)
      throw new P2PError('usage', `The body nests deeper than ${limits.controlDepth} levels.`)
  }
}

function requireNewName(quoted: string, names: Set<string> | undefined): void {
  const name = plainText(quoted)
  if (name === '__proto__') throw new P2PError('usage', 'No field may be called __proto__.')
  if (names?.has(name)) throw new P2PError('usage', `The field ${quoted} stands twice in one object.`)
  names?.add(name)
}

/** However it was escaped. */
function plainText(quoted: string): string {
  try {
    return String(JSON.parse(quoted))
  } catch {
    return quoted
  }
}
