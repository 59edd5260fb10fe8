/** docs/command-output.schema.json: what commands write with --json, each as the schema says. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { standaloneNames } from '../../src/cli/standalone.ts'
import { homes } from './homes.ts'
import { complaintsAboutOutput, outputSchema } from './output-schema.ts'

test('the schema describes every command that runs alone, and a surprise in a line is seen', () => {
  for (const name of standaloneNames) assert.ok(name in outputSchema.$defs, name)
  const line = { v: 1, type: 'command:done', at: new Date().toJSON(), command: 'peers', ok: true }
  const good = { ...line, result: { peers: [] } }
  assert.deepEqual(complaintsAboutOutput(good), [])
  for (const wrong of [
    { ...good, more: 1 },
    { ...line, result: { peers: [], more: 1 } },
    { ...line, result: { sessions: [] } },
    { ...good, command: 'list peers' },
    { ...good, v: 2 },
    { ...good, ok: false },
    { ...good, error: { code: 'usage', message: '' } },
    { ...line, ok: false, error: { code: 'unheard-of', message: '' } },
  ])
    assert.notDeepEqual(complaintsAboutOutput(wrong), [], JSON.stringify(wrong))
})

test('what commands write is as the schema says, also what fails', { timeout: 180_000 }, async (t) => {
  const { serve, p2p, file } = homes(t)
  await serve('desk')
  writeFileSync(file('menu.txt'), 'soup')
  const lines: readonly (readonly string[])[] = [
    ['peers'],
    ['policy'],
    ['limit'],
    ['share', file('menu.txt')],
    ['shares'],
    ['unshare', 'menu.txt'],
    ['verify'],
    ['trust'],
    ['outbox'],
    ['export', file('all.ndjson')],
    ['import', file('all.ndjson')],
    ['import', file('menu.txt')],
    ['tell', '127.0.0.9', 'hello', '--wait', '0.1'],
    ['send', '127.0.0.9', file('menu.txt')],
    ['id'],
    ['config'],
    ['service', 'print'],
  ]
  for (const words of lines) {
    const { out, err } = await p2p('desk', ...words, '--json')
    assert.deepEqual(complaintsAboutOutput(JSON.parse(out)), [], `${words.join(' ')}: ${out}${err}`)
  }
})
