/** docs/security.md has the rows that code, tests and docs name, and a test for each. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const page = readFileSync('docs/security.md', 'utf8')

/**
 * Everything that people read; not the page itself, nor this file, whose examples are no rows, nor hidden folders, which other tests
 * make and remove meanwhile.
 */
const sources = globSync([
  '*.md',
  'docs/**/*.md',
  '{.ci,bench,bin,examples,proto,runtime,scripts,src,test}/**/*.{ts,tsx,cjs,proto,py,sh}',
])
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => !/node_modules|\/\.|^docs\/security\.md$|^test\/docs\/security\.test\.ts$/.test(file))

/** In a file of these, titles and comments name rows. */
const isTest = (file: string): boolean => /^test\/|\.test\.tsx?$/.test(file)

/** The rows of the table, in their order, with what stands in their two cells. */
function rowsOf(text: string): readonly (readonly [row: string, input: string, outcome: string])[] {
  return [...text.matchAll(/^\| ([A-Z]\d+) +\|(.+)\|$/gm)].map(([, row = '', rest = '']) => {
    const [input = '', outcome = '', ...more] = rest.split('|').map((cell) => cell.trim())
    assert.deepEqual(more, [], `${row} has more than two cells`)
    return [row, input, outcome]
  })
}

/**
 * The rows that a text names. A letter and digits are one unless they are part of something longer, such as UTF-8, P2P or
 * H264, or a byte in an address (`%C3%A9`).
 */
function namedIn(text: string): readonly string[] {
  return text.match(/(?<![\w%#])[UHWTFCKL]\d{1,2}(?![\w%])/g) ?? []
}

/** Those that comments and quoted texts name, which is where titles are: not a variable or type that is called like a row. */
function testedIn(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const start = line.search(/^\s*\*|\/[/*]|['"`]/)
    return start < 0 ? [] : namedIn(line.slice(start))
  })
}

/** Rows that `files` name and `table` lacks, with the file; and rows of `table` that no test names. */
function faultsOf(table: string, files: ReadonlyMap<string, string>): readonly string[] {
  const rows = new Set(rowsOf(table).map(([row]) => row))
  const tested = new Set([...files].flatMap(([file, text]) => (isTest(file) ? testedIn(text) : [])))
  const unknown = [...files].flatMap(([file, text]) =>
    namedIn(text)
      .filter((row) => !rows.has(row))
      .map((row) => `${file} names ${row}, which is no row of docs/security.md`),
  )
  const untested = [...rows].filter((row) => !tested.has(row)).map((row) => `no test names ${row}`)
  return [...new Set([...unknown, ...untested])]
}

const texts = new Map(sources.map((file) => [file, readFileSync(file, 'utf8')]))

test('the table has every row that is named, and a test names every row of the table', () => {
  assert.ok(texts.size > 500, `only ${texts.size} files were read`)
  assert.deepEqual(faultsOf(page, texts), [])
})

test('a row stands once, under the heading of its letter and in order, and says what comes and what must happen', () => {
  const groups = page.split(/^### /m).slice(1)
  assert.deepEqual(groups.map(([letter]) => letter).join(''), 'UHWTFCKL')
  for (const group of groups) {
    const rows = rowsOf(group)
    assert.deepEqual(
      rows.map(([row]) => row),
      rows.map((_, index) => `${group[0]}${index + 1}`),
    )
    for (const [row, input, outcome] of rows) assert.ok(input !== '' && outcome !== '', row)
  }
})

test('every page that docs/security.md links to, and every file that it names, exists', () => {
  const links = [...page.matchAll(/\]\(([^)#]+)/g)].map(([, target = '']) => `docs/${target}`)
  const files = [...page.matchAll(/`([\w./-]+\/[\w.-]+\.ts)`/g)].map(([, file = '']) => file)
  assert.ok(links.length > 5 && files.length > 1)
  for (const target of [...links, ...files]) assert.ok(existsSync(target), target)
})

test('the comparison sees a row that is missing, one that no test names, and one in a file', () => {
  const [first = ''] = /^\| U15 .+$/m.exec(page) ?? []
  const missing = faultsOf(page.replace(first, ''), texts)
  assert.ok(missing.includes('src/base/limits.ts names U15, which is no row of docs/security.md'))
  assert.deepEqual(faultsOf(page.replace(first, `${first}\n${first.replace('U15', 'U99')}`), texts), [
    'no test names U99',
  ])
  const more = new Map([...texts, ['src/more.ts', '/** As it must be (W98). */']])
  assert.deepEqual(faultsOf(page, more), ['src/more.ts names W98, which is no row of docs/security.md'])
})

test('a row is told from what only looks like one', () => {
  assert.deepEqual(namedIn('rows U1 to U12, L1-L3 (F4)'), ['U1', 'U12', 'L1', 'L3', 'F4'])
  assert.deepEqual(namedIn('UTF-8 P2P SHA-256 H264 U+202E #F00 %C3%A9 K8s 23T23:44 HTTP/1.1 0xC0'), [])
  assert.deepEqual(testedIn("test('U1: x', f)\n * T2\nf() // W3\nfunction f<T4>(): T4 {}"), [
    'U1',
    'T2',
    'W3',
  ])
})
