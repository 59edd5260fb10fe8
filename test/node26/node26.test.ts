/** Much of the security rests on what Node does and nowhere promises: so it is tested on the next Node too. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { assertAllPass, runNode26, skip } from './run.ts'

test('this is Node 26', { skip }, async () => {
  assert.match(await runNode26(['--version']), /^v26\./)
})

test(
  'a run in which nothing is tested, or something fails, is not taken for a good one',
  { skip },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'p2p-node26-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'one.test.mjs')
    await assert.rejects(assertAllPass(file), /there is no such test/)
    writeFileSync(
      file,
      `import { test } from 'node:test'; test('one', () => { throw new Error('on purpose') })`,
    )
    await assert.rejects(assertAllPass(file), /on purpose/)
    writeFileSync(file, `import { test } from 'node:test'; test('one', { skip: true }, () => {})`)
    await assert.rejects(assertAllPass(file))
    writeFileSync(file, `import { test } from 'node:test'; test('one', () => {})`)
    await assertAllPass(file)
  },
)

test('what p2p relies on in Node holds on Node 26', { skip }, () =>
  assertAllPass('test/node-facts/*.test.ts'),
)

test('keys and certificates work on Node 26', { skip }, () => assertAllPass('src/identity/*.test.ts'))

test('TLS between peers works on Node 26', { skip }, () => assertAllPass('src/transport/tls.test.ts'))

test('what is known of keys is kept on Node 26', { skip }, () => assertAllPass('src/store/*.test.ts'))
