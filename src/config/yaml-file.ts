import type { LineCounter, Node, YAMLMap } from 'yaml'
import { limits, nearest } from '../index.ts'
import {
  isKeyPath,
  isSectionPath,
  keyPaths,
  keys,
  sectionPaths,
  type KeyPath,
  type SectionPath,
} from './keys.ts'
import type { Given, Mistakes } from './origins.ts'
import { quote } from './quote.ts'

type Yaml = typeof import('yaml')

/** What a file says. */
export interface FileContent {
  readonly given: readonly Given[]
  /** The sections that are there, empty ones too. */
  readonly sections: ReadonlySet<SectionPath>
}

/** Reads the keys of a YAML text; what is wrong goes into `mistakes`, with line and column. */
export async function readYaml(file: string, text: string, mistakes: Mistakes): Promise<FileContent> {
  const yaml = await import('yaml')
  const reader = new Reader(yaml, file, mistakes)
  if (isTooDeep(yaml, text))
    mistakes.add(file, 'has lists in lists; no key needs brackets or dashes, remove them')
  else reader.read(text)
  return reader
}

/**
 * The library calls itself for each level, and thousands of levels end the whole process (K4). No key holds a list,
 * so a file has hardly a use for brackets and dashes; few of them cannot nest deeply.
 */
function isTooDeep({ Lexer }: Yaml, text: string): boolean {
  let openings = 0
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === '[' || lexeme === '{' || lexeme === '-' || lexeme === '?') openings++
    if (openings > limits.configBrackets) return true
  }
  return false
}

class Reader implements FileContent {
  readonly given: Given[] = []
  readonly sections = new Set<SectionPath>()
  readonly #yaml: Yaml
  readonly #file: string
  readonly #mistakes: Mistakes
  readonly #lines: LineCounter

  constructor(yaml: Yaml, file: string, mistakes: Mistakes) {
    this.#yaml = yaml
    this.#file = file
    this.#mistakes = mistakes
    this.#lines = new yaml.LineCounter()
  }

  read(text: string): void {
    const document = this.#yaml.parseDocument(text, {
      // Every value is a text here; what it means is said in one place, whether it comes from a file or elsewhere.
      schema: 'failsafe',
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: false,
    })
    for (const { pos, message } of document.errors) this.#wrong(pos[0], `is not YAML here: ${message}`)
    if (document.errors.length > 0 || document.contents === null) return
    if (this.#yaml.isMap(document.contents)) this.#readMap(document.contents, '')
    else this.#wrong(document.contents, 'a configuration is lines of the form "key: value"')
  }

  #readMap(map: YAMLMap, parent: string): void {
    const seen = new Set<string>()
    for (const { key, value } of map.items) {
      const node = this.#yaml.isNode(key) ? key : map
      const name = this.#yaml.isScalar(key) && typeof key.value === 'string' ? key.value : ''
      if (seen.has(name)) this.#wrong(node, `${quote(name)} is there twice; remove one of them`)
      else this.#readPair(parent + name, node, this.#yaml.isNode(value) ? value : null)
      seen.add(name)
    }
  }

  #readPair(path: string, key: Node, value: Node | null): void {
    if (!isKeyPath(path) && !isSectionPath(path)) this.#wrong(key, unknownKey(path))
    else if (value === null || this.#isNothing(path, value)) return
    else if (isKeyPath(path)) this.#readValue(path, value)
    else this.#readSection(path, value)
  }

  #readValue(path: KeyPath, value: Node): void {
    const origin = this.#place(value)
    if (this.#yaml.isScalar(value)) this.given.push({ path, text: String(value.value), origin })
    else this.#wrong(value, `${path} must be one value; write for example ${keys[path].example}`)
  }

  #readSection(path: SectionPath, value: Node): void {
    this.sections.add(path)
    if (this.#yaml.isMap(value)) this.#readMap(value, `${path}.`)
    else
      this.#wrong(
        value,
        `${path} holds other keys (${childrenOf(`${path}.`).join(', ')}); write them below it, indented`,
      )
  }

  /** YAML's ways to say that there is no value; also an empty text, where the key cannot have that. */
  #isNothing(path: KeyPath | SectionPath, value: Node): boolean {
    if (!this.#yaml.isScalar(value)) return false
    if (value.type === 'PLAIN') return ['', '~', 'null'].includes(String(value.value))
    return value.value === '' && !(isKeyPath(path) && 'value' in keys[path].parse(''))
  }

  #place(at: Node | number): string {
    const { line, col } = this.#lines.linePos(typeof at === 'number' ? at : (at.range?.[0] ?? 0))
    return `${this.#file}:${line}:${col}`
  }

  #wrong(at: Node | number, text: string): void {
    this.#mistakes.add(this.#place(at), text)
  }
}

function unknownKey(path: string): string {
  const parent = path.slice(0, path.lastIndexOf('.') + 1)
  const name = path.slice(parent.length)
  const siblings = childrenOf(parent)
  const meant = nearest(name, siblings) ?? paths.find((other) => other.endsWith(`.${name}`))
  const advice = meant === undefined ? `the keys here are ${siblings.join(', ')}` : `did you mean ${meant}?`
  return `there is no key ${quote(path)}; ${advice}`
}

const paths = [...keyPaths, ...sectionPaths]

/** The names of the keys and sections right below `parent`, which ends with a dot or is empty. */
function childrenOf(parent: string): readonly string[] {
  return paths
    .filter((path) => path.startsWith(parent) && !path.includes('.', parent.length))
    .map((path) => path.slice(parent.length))
}
