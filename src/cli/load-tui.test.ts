import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { loadTui } from './load-tui.ts'

test('the screen runs with what React has for users, and the environment stays as it was', async () => {
  delete process.env['NODE_ENV']
  await loadTui()
  assert.equal(process.env['NODE_ENV'], undefined)
  // Node reads both builds for their names, and runs one.
  const run = Object.values(createRequire(import.meta.url).cache).flatMap((module) =>
    module?.loaded === true ? [module.filename] : [],
  )
  const builds = run.filter((path) => /[/\\]react(?:-reconciler)?[/\\]cjs[/\\]/.test(path))
  assert.ok(builds.length > 1)
  assert.deepEqual(
    builds.filter((path) => !path.endsWith('.production.js')),
    [],
  )
})
