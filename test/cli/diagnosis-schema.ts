/** docs/diagnosis.schema.json, as a test asks it. */
import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'

const schema = JSON.parse(readFileSync('docs/diagnosis.schema.json', 'utf8')) as object
const validate = new Ajv2020({ allErrors: true, strict: true }).compile(schema)

/** What is wrong with what `p2p doctor --json` printed; empty when nothing is. */
export function complaintsAboutDiagnosis(value: unknown): readonly string[] {
  if (validate(value)) return []
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}
