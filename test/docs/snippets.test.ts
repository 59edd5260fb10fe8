/** The TypeScript in README.md runs as it stands, and its shell commands are commands that exist. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const readme = readFileSync('README.md', 'utf8')

function blocks(language: string): readonly string[] {
  const found = readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))
  return [...found].map(([, code = '']) => code)
}

/** The modules that users import, as they stand in this tree. */
function fromSource(code: string): string {
  const root = `${process.cwd()}/src`
  return code
    .replaceAll("'p2p'", `'${root}/index.ts'`)
    .replaceAll("'p2p/testing'", `'${root}/testing/index.ts'`)
    .replaceAll("'p2p/protocol'", `'${root}/protocol/index.ts'`)
}

test('there are snippets to try', () => {
  assert.ok(blocks('ts').length >= 2)
  assert.ok(blocks('sh').length >= 2)
})

for (const [number, code] of blocks('ts').entries()) {
  test(`TypeScript snippet ${number + 1} of the README runs to its end`, () => {
    const folder = mkdtempSync(join(process.cwd(), 'test', '.snippet-'))
    try {
      const file = join(folder, 'snippet.ts')
      writeFileSync(file, fromSource(code))
      const { status, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8', timeout: 30_000 })
      assert.equal(status, 0, stderr)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
}

test('every npm script that the README and CONTRIBUTING name exists', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
  const text = readme + readFileSync('CONTRIBUTING.md', 'utf8')
  const named = [...text.matchAll(/npm (?:run (?:-s )?)?(start|test|[a-z:]+)\b/g)].map(
    ([, name = '']) => name,
  )
  const unknown = named.filter((name) => !(name in scripts) && !['run', 'ci', 'install'].includes(name))
  assert.deepEqual(unknown, [])
})

test('every option of the command that the README uses is in its help', () => {
  const { stdout } = spawnSync(process.execPath, ['src/cli/main.ts', '--help'], { encoding: 'utf8' })
  const used = blocks('sh')
    .join('')
    .matchAll(/ (--[a-z-]{2,})\b/g)
  for (const [, option = ''] of used) assert.ok(stdout.includes(option), `${option} is not in --help`)
})

test('every page that the README links to exists', () => {
  for (const [, target = ''] of readme.matchAll(/\]\(([^)#]+)\)/g)) {
    assert.ok(existsSync(target), target)
  }
})
