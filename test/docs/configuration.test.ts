/** docs/configuration.md says what src/config does. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { defaultFile } from '../../src/config/default-file.ts'
import { flagText, keyPaths, keys, variableOf, type KeyPath } from '../../src/config/keys.ts'
import { loadConfig } from '../../src/config/load.ts'

const page = readFileSync('docs/configuration.md', 'utf8')

function rowOf(path: KeyPath): readonly string[] {
  const { standard, example, flag, shortVariable, about } = keys[path]
  const variables = [variableOf(path), ...(shortVariable === undefined ? [] : [shortVariable])]
  return [
    code(path),
    standard === undefined ? '' : code(example),
    variables.map(code).join(', '),
    flag === undefined ? '' : code(flagText(flag)),
    about,
  ]
}

function code(text: string): string {
  return `\`${text}\``
}

test('the page has one row for each key, and no other', () => {
  const [, section = ''] = page.split('\n## Keys\n')
  const [, , ...rows] = section
    .split('\n## ', 1)
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('|'))
  const cells = rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
  assert.deepEqual(cells, keyPaths.map(rowOf))
})

test('the page shows the file as it is written', () => {
  const [, shown] = /```yaml\n(.*?)```/s.exec(page) ?? []
  assert.equal(shown, defaultFile())
})

test('the page shows mistakes as they are told', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-page-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'config.yaml')
  writeFileSync(file, 'log-level: INFO\nwebsocket:\n  port: "8001; id"\nexplorer:\n  peroid: 20s\n')
  const [, shown = ''] = /```text\n(.*?)\n```/s.exec(page) ?? []
  await assert.rejects(loadConfig({ env: { P2P_LOG_LEVEL: 'INF' }, flags: { config: file } }), {
    code: 'config-invalid',
    message: shown.replaceAll('config.yaml:', `${file}:`),
  })
})
