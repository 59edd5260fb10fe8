import { isMap, isNode, isScalar, Lexer, LineCounter, parseDocument, type Node, type YAMLMap } from 'yaml'
import { limits, nearest } from '../index.ts'
import type { Draft } from './draft.ts'
import {
  isKeyPath,
  isSectionPath,
  keyPaths,
  keys,
  sectionPaths,
  type KeyPath,
  type SectionPath,
} from './keys.ts'
import { quote } from './quote.ts'

/** Takes the keys of a YAML text; what is wrong is told with line and column. */
export function readYaml(file: string, text: string, draft: Draft): void {
  if (isTooDeep(text)) draft.wrong(file, 'has too many brackets or dashes; no key needs any, remove them')
  else new Reader(file, draft).read(text)
}

/**
 * The library calls itself for each level, and thousands of levels end the whole process (K4). No key holds a list,
 * so a file has hardly a use for brackets and dashes; few of them cannot nest deeply.
 */
function isTooDeep(text: string): boolean {
  let openings = 0
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === '[' || lexeme === '{' || lexeme === '-' || lexeme === '?') openings++
    if (openings > limits.configBrackets) return true
  }
  return false
}

class Reader {
  readonly #file: string
  readonly #draft: Draft
  readonly #lines = new LineCounter()

  constructor(file: string, draft: Draft) {
    this.#file = file
    this.#draft = draft
  }

  read(text: string): void {
    const document = parseDocument(text, {
      // Every value is a text here; what it means is said in one place, whether it comes from a file or elsewhere.
      schema: 'failsafe',
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: false,
    })
    for (const { pos, message } of document.errors) this.#wrong(pos[0], `is not YAML here: ${message}`)
    const { contents } = document
    if (document.errors.length > 0 || contents === null || this.#isEmpty(contents)) return
    if (isMap(contents)) this.#readMap(contents, '')
    else this.#wrong(contents, 'a configuration is lines of the form "key: value"')
  }

  #readMap(map: YAMLMap, parent: string): void {
    const seen = new Set<string>()
    for (const { key, value } of map.items) {
      const node = isNode(key) ? key : map
      const name = isScalar(key) && typeof key.value === 'string' ? key.value : ''
      const path = parent + name
      if (seen.has(name)) this.#wrong(node, `${quote(path)} is there twice; remove one of them`)
      // A name with a dot is no path: the reference knows no such key either.
      else if (name.includes('.') || !(isKeyPath(path) || isSectionPath(path)))
        this.#wrong(node, unknownKey(parent, name))
      else if (isNode(value)) this.#readPair(path, value)
      seen.add(name)
    }
  }

  #readPair(path: KeyPath | SectionPath, value: Node): void {
    if (this.#isNothing(path, value)) return
    if (isKeyPath(path)) this.#readValue(path, value)
    else this.#readSection(path, value)
  }

  #readValue(path: KeyPath, value: Node): void {
    if (isScalar(value)) this.#draft.give(path, String(value.value), this.#place(value))
    else this.#wrong(value, `${path} must be one value; write for example ${keys[path].example}`)
  }

  #readSection(path: SectionPath, value: Node): void {
    this.#draft.enter(path)
    const parent = `${path}.`
    if (isMap(value)) this.#readMap(value, parent)
    else
      this.#wrong(value, `${path} holds other keys (${childrenOf(parent).join(', ')}); indent them below it`)
  }

  /** An empty text in quotes counts as no value too, where the key cannot have that. */
  #isNothing(path: KeyPath | SectionPath, value: Node): boolean {
    if (this.#isEmpty(value)) return true
    const isEmptyText = isScalar(value) && value.value === ''
    return isEmptyText && !(isKeyPath(path) && 'value' in keys[path].parse(''))
  }

  /** YAML's ways to say that there is no value. */
  #isEmpty(node: Node): boolean {
    if (!isScalar(node) || node.type !== 'PLAIN') return false
    return ['', '~', 'null'].includes(String(node.value))
  }

  #place(at: Node | number): string {
    const { line, col } = this.#lines.linePos(typeof at === 'number' ? at : (at.range?.[0] ?? 0))
    return `${this.#file}:${line}:${col}`
  }

  #wrong(at: Node | number, text: string): void {
    this.#draft.wrong(this.#place(at), text)
  }
}

function unknownKey(parent: string, name: string): string {
  const siblings = childrenOf(parent)
  const meant = nearest(name, siblings) ?? paths.find((other) => other.endsWith(`.${name}`))
  const advice = meant === undefined ? `the keys here are ${siblings.join(', ')}` : `did you mean ${meant}?`
  return `there is no key ${quote(parent + name)}; ${advice}`
}

const paths = [...keyPaths, ...sectionPaths]

/** The names of the keys and sections right below `parent`, which ends with a dot or is empty. */
function childrenOf(parent: string): readonly string[] {
  return paths
    .filter((path) => path.startsWith(parent) && !path.includes('.', parent.length))
    .map((path) => path.slice(parent.length))
}
