import { isKeyPath, isSectionPath, keyPaths, keys, sections, type KeyPath, type SectionPath } from './keys.ts'

const head = `# Configuration of p2p. Every key may be left out: its default then counts. Environment variables (P2P_ and the key,
# such as P2P_EXPLORER_PERIOD) win over this file, and flags of the command over both.
`
const lineLength = 118

/** The file that is written where there is none: every key with its explanation, the optional ones commented out. */
export function defaultFile(): string {
  const paths = new Set(keyPaths.flatMap(pathsTo))
  let text = head
  let afterHeading = false
  for (const path of paths) {
    if (!afterHeading) text += '\n'
    text += isSectionPath(path) ? headingLines(path) : keyLines(path)
    afterHeading = isSectionPath(path)
  }
  return text
}

/** The sections that a key is in, outermost first, and the key. */
function pathsTo(path: KeyPath): readonly (SectionPath | KeyPath)[] {
  const parts = path.split('.')
  const paths = parts.map((_, index) => parts.slice(0, index + 1).join('.'))
  return paths.filter((one) => isSectionPath(one) || isKeyPath(one))
}

function headingLines(path: SectionPath): string {
  const { about, written } = sections[path]
  const [comment, key] = lines(path, about, '')
  return comment + (written ? key : commentOut(path, key))
}

/** What is commented out has its marks in one column, so that it is right when they are taken away. */
function keyLines(path: KeyPath): string {
  const { about, standard, example, isOurs = false } = keys[path]
  const [comment, key] = lines(path, about, ` ${example}`)
  const off = pathsTo(path).find((one) => isSectionPath(one) && !sections[one].written)
  if (off !== undefined) return commentOut(off, comment + key)
  return comment + (isOurs || standard === undefined ? commentOut(path, key) : key)
}

function lines(path: string, about: string, value: string): readonly [comment: string, key: string] {
  const indent = ' '.repeat(columnOf(path))
  const comment = wrap(about, lineLength - indent.length).map((line) => `${indent}# ${line}\n`)
  return [comment.join(''), `${indent}${path.slice(path.lastIndexOf('.') + 1)}:${value}\n`]
}

function commentOut(outermost: string, text: string): string {
  return text.replaceAll(new RegExp(`^ {${columnOf(outermost)}}(?=.)`, 'gm'), '$&# ')
}

function columnOf(path: string): number {
  return 2 * (path.split('.').length - 1)
}

function wrap(text: string, width: number): readonly string[] {
  const wrapped: string[] = []
  for (const word of text.split(' ')) {
    const longer = `${wrapped.at(-1)} ${word}`
    if (wrapped.length > 0 && longer.length <= width) wrapped[wrapped.length - 1] = longer
    else wrapped.push(word)
  }
  return wrapped
}
