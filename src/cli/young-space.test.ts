import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

/** Keeps so many objects for a while that the space for new ones would grow, and says how many bytes that has in the end. */
const program = `
import { getHeapSpaceStatistics } from 'node:v8'
const { keepYoungSpaceSmall, letYoungSpaceGrow } = await import(process.argv[1])
if (process.argv[2] !== 'as it is') keepYoungSpaceSmall()
if (process.argv[2] === 'grows') letYoungSpaceGrow()
let kept = []
for (let round = 0; round < 60; round++)
  kept = [...kept.slice(-2), Array.from({ length: 30_000 }, (_, number) => ({ number }))]
const space = getHeapSpaceStatistics().find((one) => one.space_name === 'new_space')
console.log(space.space_size)
`

function youngBytes(how: 'small' | 'grows' | 'as it is'): number {
  const module = join(import.meta.dirname, 'young-space.ts')
  const args = ['--input-type=module', '-e', program, module, how]
  return Number(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout)
}

test('the space for new objects stays small', () => {
  const bytes = youngBytes('small')
  assert.ok(bytes > 0 && bytes <= 4 * 1024 * 1024, `${bytes} bytes`)
  assert.ok(youngBytes('as it is') > 2 * bytes)
  assert.ok(youngBytes('grows') > 2 * bytes)
})
