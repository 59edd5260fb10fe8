import { P2PError, parsePeerId, type PeerId } from '../index.ts'

/** A piece of JSON Schema, as it stands in the OpenAPI document. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** What a value has to be: one declaration that checks, types and documents it. */
export interface Schema<Value> {
  readonly json: JsonSchema
  /**
   * @param at where the value stands, for people
   * @throws P2PError `usage`
   */
  read(value: unknown, at: string): Value
}

interface Optional<Value> extends Schema<Value> {
  readonly isOptional: true
}

type Fields = Readonly<Record<string, Schema<unknown> | Optional<unknown>>>
type OptionalName<Of extends Fields> = {
  [Name in keyof Of]: Of[Name] extends Optional<unknown> ? Name : never
}[keyof Of]

/** The type that an object with such fields has. */
export type ObjectOf<Of extends Fields> = {
  readonly [Name in Exclude<keyof Of, OptionalName<Of>>]: ValueOf<Of[Name]>
} & { readonly [Name in OptionalName<Of>]?: ValueOf<Of[Name]> }
type ValueOf<Of> = Of extends Schema<infer Value> ? Value : never

/** @param maxLength in UTF-16 units */
export function text(maxLength: number, description?: string): Schema<string> {
  return {
    json: { type: 'string', maxLength, ...(description !== undefined && { description }) },
    read: (value, at) =>
      typeof value === 'string' && value.length <= maxLength
        ? value
        : wrong(at, `a text of at most ${maxLength} characters`),
  }
}

export function integer(minimum: number, maximum: number): Schema<number> {
  return {
    json: { type: 'integer', minimum, maximum },
    read: (value, at) =>
      typeof value === 'number' && Number.isSafeInteger(value) && value >= minimum && value <= maximum
        ? value
        : wrong(at, `a whole number from ${minimum} to ${maximum}`),
  }
}

export const truth: Schema<boolean> = {
  json: { type: 'boolean' },
  read: (value, at) => (typeof value === 'boolean' ? value : wrong(at, 'true or false')),
}

/** Bytes per second; null for no limit, which JSON has no number for. */
export const rate: Schema<number> = {
  json: { type: ['number', 'null'], exclusiveMinimum: 0, description: 'bytes per second; null: no limit' },
  read: (value, at) => {
    if (value === null) return Infinity
    return typeof value === 'number' && value > 0 ? value : wrong(at, 'bytes per second above 0, or null')
  },
}

export function oneOf<const Value extends string>(values: readonly Value[]): Schema<Value> {
  return {
    json: { type: 'string', enum: values },
    read: (value, at) => values.find((one) => one === value) ?? wrong(at, `one of ${values.join(', ')}`),
  }
}

export const peerId: Schema<PeerId> = {
  json: { type: 'string', format: 'uuid' },
  read: (value, at) =>
    (typeof value === 'string' ? parsePeerId(value) : undefined) ?? wrong(at, 'the ID of a peer'),
}

export function list<Value>(of: Schema<Value>, maxItems: number): Schema<readonly Value[]> {
  return {
    json: { type: 'array', items: of.json, maxItems },
    read: (value, at) =>
      Array.isArray(value) && value.length <= maxItems
        ? value.map((item: unknown, index) => of.read(item, `${at}[${index}]`))
        : wrong(at, `a list of at most ${maxItems}`),
  }
}

export function either<A, B>(a: Schema<A>, b: Schema<B>): Schema<A | B> {
  return {
    json: { oneOf: [a.json, b.json] },
    read: (value, at) => (Array.isArray(value) ? b.read(value, at) : a.read(value, at)),
  }
}

export function optional<Value>(of: Schema<Value>): Optional<Value> {
  return { ...of, isOptional: true }
}

/** An object with these fields and no other. */
export function object<const Of extends Fields>(fields: Of): Schema<ObjectOf<Of>> {
  const names = Object.keys(fields)
  const required = names.filter((name) => !isOptional(fields[name]))
  const properties = Object.fromEntries(Object.entries(fields).map(([name, { json }]) => [name, json]))
  return {
    json: {
      type: 'object',
      properties,
      ...(required.length > 0 && { required }),
      additionalProperties: false,
    },
    read(value, at) {
      if (!isRecord(value)) return wrong(at, 'an object')
      const extra = Object.keys(value).find((name) => !Object.hasOwn(fields, name))
      if (extra !== undefined) return wrong(at, `an object without "${extra}"`)
      const entries = Object.entries(fields)
        .filter(([name, field]) => Object.hasOwn(value, name) || !isOptional(field))
        .map(([name, field]) => [name, field.read(value[name], at === '' ? name : `${at}.${name}`)])
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each field was read by the schema that types it
      return Object.fromEntries(entries) as ObjectOf<Of>
    },
  }
}

function isOptional(schema: Schema<unknown> | undefined): boolean {
  return schema !== undefined && 'isOptional' in schema
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(at: string, what: string): never {
  throw new P2PError('usage', `${at === '' ? 'The body' : at} has to be ${what}.`)
}
