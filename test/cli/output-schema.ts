/** docs/command-output.schema.json, made strict as node-event.schema.json is for tests. */
import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { schemaText as eventText, strict, time } from './schema.ts'

interface OutputSchema {
  readonly $defs: Readonly<Record<string, unknown>>
}

export const outputSchema = JSON.parse(
  readFileSync('docs/command-output.schema.json', 'utf8'),
) as OutputSchema

const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false })
ajv.addFormat('date-time', time)
ajv.addSchema(strict(JSON.parse(eventText)) as object, 'node-event.schema.json')
const validate = ajv.compile(strict(outputSchema) as object)

/** What is wrong with a line that a command wrote with --json; empty when nothing is. */
export function complaintsAboutOutput(line: unknown): readonly string[] {
  if (validate(line)) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  )
}
