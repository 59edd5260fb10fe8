import { hostname } from 'node:os'
import { nearest, type LogLevel } from '../index.ts'
import { keys, type KeyPath, type ValueOf } from './keys.ts'
import type { Given, Mistakes } from './origins.ts'
import { quote } from './quote.ts'
import { parseName } from './values.ts'
import type { FileContent } from './yaml-file.ts'

/** Where a way of discovery sends and listens. */
export interface DiscoverySettings {
  readonly address: string
  readonly port: number
  readonly interfaceName: string | undefined
}

/** What every key means, whoever gave it. */
export interface Understood {
  readonly name: string
  readonly logLevel: LogLevel
  /** TCP; 0 for a free one. */
  readonly port: number
  readonly ip: string | undefined
  readonly isPublicIp: boolean
  readonly periodMs: number
  /** At least one of the two. */
  readonly multicast: DiscoverySettings | undefined
  readonly broadcast: DiscoverySettings | undefined
  /** Where each value that is not a default comes from: `FILE:LINE:COLUMN`, a variable, or a flag. */
  readonly origins: ReadonlyMap<KeyPath, string>
}

/** The values of all keys; of several given for one key the last counts, but every one must be right. */
export function understand(
  { sections }: FileContent,
  given: readonly Given[],
  mistakes: Mistakes,
): Understood {
  complain(given, mistakes)
  const values = new Values(given)
  const sets = (way: Way): boolean =>
    sections.has(`explorer.${way}`) || given.some(({ path }) => path.startsWith(`explorer.${way}.`))
  const multicast = discovery(values, 'multicast')
  const broadcast = discovery(values, 'broadcast')
  const ip = values.read('ip')
  const isPublicIp = values.read('is-public-ip')
  if (isPublicIp && ip === undefined && !given.some(({ path }) => path === 'ip')) {
    const origin = values.origins.get('is-public-ip') ?? 'is-public-ip'
    mistakes.add(origin, `is-public-ip is true, but there is no ip; write for example ip: ${keys.ip.example}`)
  }
  return {
    name: values.read('name') ?? hostName(),
    logLevel: values.read('log-level'),
    port: values.read('websocket.port'),
    ip,
    isPublicIp,
    periodMs: values.read('explorer.period'),
    // Somebody who only named broadcast wants only that; somebody who named neither gets what the reference does.
    multicast: sets('multicast') || !sections.has('explorer.broadcast') ? multicast : undefined,
    broadcast: sets('broadcast') ? broadcast : undefined,
    origins: values.origins,
  }
}

type Way = 'multicast' | 'broadcast'

function discovery(values: Values, way: Way): DiscoverySettings {
  return {
    address: values.read(`explorer.${way}.address`),
    port: values.read(`explorer.${way}.port`),
    interfaceName: values.read(`explorer.${way}.interface-name`),
  }
}

/** Texts that cannot be understood are passed over: {@link complain} tells of them. */
class Values {
  readonly origins = new Map<KeyPath, string>()
  readonly #given: readonly Given[]

  constructor(given: readonly Given[]) {
    this.#given = given
  }

  read<Path extends KeyPath>(path: Path): ValueOf<Path> {
    let value = keys[path].standard
    for (const { text, origin } of this.#given.filter((one) => one.path === path)) {
      const parsed = keys[path].parse(text)
      if (!('value' in parsed)) continue
      value = parsed.value
      this.origins.set(path, origin)
    }
    return value
  }
}

function complain(given: readonly Given[], mistakes: Mistakes): void {
  for (const { path, text, origin } of given) {
    const parsed = keys[path].parse(text)
    if ('value' in parsed) continue
    const meant = nearest(text, parsed.among ?? [])
    const advice = meant === undefined ? `write for example ${keys[path].example}` : `did you mean ${meant}?`
    mistakes.add(origin, `${path} ${parsed.problem}, not ${quote(text)}; ${advice}`)
  }
}

/** The name of this computer without its domain; none when it is not one to show. */
function hostName(): string {
  const [name = ''] = hostname().split('.')
  const parsed = parseName(name)
  return 'value' in parsed ? (parsed.value ?? '') : ''
}
