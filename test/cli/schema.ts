/** docs/node-event.schema.json, made strict: in a test, a field that is not written down is a mistake. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Line } from '../lab/json-process.ts'

export const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

export const schemaText = readFileSync('docs/node-event.schema.json', 'utf8')

export function strict(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strict)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, inner]) => [key, strict(inner)] as const)
  const isObject = 'type' in value && value.type === 'object'
  return Object.fromEntries(isObject ? [...entries, ['additionalProperties', false]] : entries)
}

const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, strictRequired: false })
ajv.addFormat('date-time', time)
const validate = ajv.compile(strict(JSON.parse(schemaText)) as object)

/** What is wrong with a line of `--json`; empty when nothing is. */
export function complaints(line: Line): readonly string[] {
  if (validate(line)) return []
  // Of the nine alternatives only the one for this type says something about it.
  const own = (validate.errors ?? []).filter(
    ({ schemaPath }) => !/properties\/type\/(const|enum)$/.test(schemaPath),
  )
  return own.map(({ instancePath, message }) => `${instancePath} ${message}`)
}

export function assertValid(lines: readonly Line[]): void {
  for (const line of lines) assert.deepEqual(complaints(line), [], JSON.stringify(line))
}
