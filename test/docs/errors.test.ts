/** docs/errors.md and the error table say the same, both ways. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { errorTable } from '../../src/base/errors.ts'

interface Row {
  readonly sentence: string
  readonly exit: number
  readonly http?: number
  readonly close?: number
  readonly retry: boolean
}

const page = readFileSync('docs/errors.md', 'utf8')

/** The rows of the table on the page, by code. */
function rowsOf(text: string): Readonly<Record<string, Row>> {
  const rows = [...text.matchAll(/^\| `([\w-]+)` +\|(.+)\|$/gm)].map(([, code = '', rest = '']) => {
    const [sentence = '', exit, http, close, retry] = rest.split('|').map((cell) => cell.trim())
    const row = {
      sentence,
      exit: Number(exit),
      ...(http !== '-' && { http: Number(http) }),
      ...(close !== '-' && { close: Number(close) }),
      retry: retry === 'yes',
    }
    return [code, row] as const
  })
  return Object.fromEntries(rows)
}

test('docs/errors.md has exactly the errors of the table, and says the same of each', () => {
  assert.deepEqual(rowsOf(page), { ...errorTable })
})

test('the comparison sees a row that is missing, or differs in one number', () => {
  const [first = ''] = /^\| `.+$/m.exec(page) ?? []
  assert.notDeepEqual(rowsOf(page.replace(first, '')), { ...errorTable })
  assert.notDeepEqual(rowsOf(page.replace(first, first.replace(/\d+/, '99'))), { ...errorTable })
})
