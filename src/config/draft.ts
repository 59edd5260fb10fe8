import { limits, nearest, P2PError } from '../index.ts'
import { isSectionPath, keys, type KeyPath, type SectionPath, type ValueOf } from './keys.ts'
import { quote } from './quote.ts'

/** The configuration while it is being put together: what was given so far, and everything that is wrong with it. */
export class Draft {
  readonly #given = new Map<KeyPath, { readonly text: string; readonly origin: string }>()
  readonly #sections = new Set<SectionPath>()
  readonly #mistakes: string[] = []

  /**
   * Takes a value, over one that was given before.
   *
   * @param origin for people: `FILE:LINE:COLUMN`, the name of a variable, or a flag
   */
  give(path: KeyPath, text: string, origin: string): void {
    this.#given.set(path, { text, origin })
    const section = path.slice(0, path.lastIndexOf('.'))
    if (isSectionPath(section)) this.enter(section)
    const parsed = keys[path].parse(text)
    if ('value' in parsed) return
    const meant = nearest(text, parsed.among ?? [])
    const advice = meant === undefined ? `write for example ${keys[path].example}` : `did you mean ${meant}?`
    this.wrong(origin, `${path} ${parsed.problem}, not ${quote(text)}; ${advice}`)
  }

  /** Notes that a section is there, if only its heading. */
  enter(section: SectionPath): void {
    this.#sections.add(section)
  }

  wrong(origin: string, text: string): void {
    this.#mistakes.push(`${origin}: ${text}`)
  }

  has(path: KeyPath | SectionPath): boolean {
    return isSectionPath(path) ? this.#sections.has(path) : this.#given.has(path)
  }

  /** The value that counts; the standard one where none, or a wrong one, was given. */
  value<Path extends KeyPath>(path: Path): ValueOf<Path> {
    const { parse, standard } = keys[path]
    const given = this.#given.get(path)
    const parsed = given && parse(given.text)
    return parsed !== undefined && 'value' in parsed ? parsed.value : standard
  }

  /** Where each given value comes from. */
  get origins(): ReadonlyMap<KeyPath, string> {
    return new Map([...this.#given].map(([path, { origin }]) => [path, origin]))
  }

  /** @throws P2PError `config-invalid` when anything is wrong */
  throwIfWrong(): void {
    if (this.#mistakes.length === 0) return
    const told = this.#mistakes.slice(0, limits.configMistakes)
    const more = this.#mistakes.length - told.length
    if (more > 0) told.push(`and ${more} more`)
    throw new P2PError('config-invalid', told.join('\n'))
  }
}
