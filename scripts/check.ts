/** Everything that is checked without running the program: format, lint, types, floors, unused code. */
import { spawnSync } from 'node:child_process'

const checks: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['format', 'prettier', '--check', '--log-level=warn', '.'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['types', 'tsc', '-p', '.'],
  ['types of the page', 'tsc', '-b', 'src/web'],
  ['schema', 'buf', 'lint'],
  ['unused code', 'knip', '--no-progress'],
  ['floors', 'node', '--test', '--test-reporter=dot', 'test/architecture.test.ts'],
]

const failed = checks.filter(([name, command, ...args]) => {
  const started = performance.now()
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' })
  console.log(
    `${status === 0 ? 'ok    ' : 'FAILED'}  ${name}  ${((performance.now() - started) / 1000).toFixed(1)} s`,
  )
  return status !== 0
})
process.exitCode = failed.length > 0 ? 1 : 0
