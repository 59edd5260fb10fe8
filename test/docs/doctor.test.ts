/** docs/doctor.md and docs/diagnosis.schema.json have the findings of the code, and no others. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { findingTable } from '../../src/rules/findings.ts'

const page = readFileSync('docs/doctor.md', 'utf8')

function rowsOf(text: string): object {
  const rows = [...text.matchAll(/^\| `([\w-]+)` +\|(.+)\|$/gm)].map(([, code = '', rest = '']) => {
    const [severity, sentence, advice] = rest.split('|').map((cell) => cell.trim())
    assert.notEqual(advice, '', code)
    return [code, { severity, sentence }] as const
  })
  return Object.fromEntries(rows)
}

test('docs/doctor.md has exactly the findings of the table, and says the same of each', () => {
  assert.deepEqual(rowsOf(page), { ...findingTable })
})

test('the comparison sees a row that is missing, or differs in one word', () => {
  const [first = ''] = /^\| `no-network`.+$/m.exec(page) ?? []
  assert.notDeepEqual(rowsOf(page.replace(first, '')), { ...findingTable })
  assert.notDeepEqual(rowsOf(page.replace(first, first.replace('problem', 'note'))), { ...findingTable })
})

test('the schema knows every code', () => {
  const schema = JSON.parse(readFileSync('docs/diagnosis.schema.json', 'utf8')) as {
    $defs: { finding: { properties: { code: { enum: readonly string[] } } } }
  }
  assert.deepEqual(schema.$defs.finding.properties.code.enum, Object.keys(findingTable))
})
