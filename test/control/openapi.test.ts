/** docs/openapi.json is what the running node says of itself, and every operation is in the client. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { operations } from '../../src/control/api.ts'
import { openApi } from '../../src/control/openapi.ts'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }

test('docs/openapi.json is the document of the table that checks requests (npm run generate writes it)', () => {
  const committed = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as unknown
  assert.deepEqual(committed, JSON.parse(JSON.stringify(openApi(version))))
})

test('names are given once, and the client uses every operation', () => {
  const names = operations.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  const client = globSync('src/control/{client,remote-*}.ts')
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
  assert.deepEqual(
    names.filter((name) => !client.includes(`'${name}'`)),
    [],
  )
})
