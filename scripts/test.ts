/**
 * Runs the tests and says at the end how many there were: `npm test` (at most 5 minutes on 2 cores), or with `--long`
 * those in test/long/ (at most 30). Names of files narrow the run: `npm test -- src/protocol`.
 */
import { appendFileSync, globSync } from 'node:fs'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

const args = process.argv.slice(2)
const long = args.includes('--long')
const wanted = args.filter((arg) => !arg.startsWith('-'))
const patterns = long ? ['test/long/**/*.test.ts'] : ['src/**/*.test.ts', 'test/**/*.test.ts']

const files = globSync(patterns, { exclude: long ? [] : ['test/long/**'] })
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()

const counts = { passed: 0, failed: 0, skipped: 0 }
const skips: string[] = []

// Labs measure times between hosts, so few files run at once; a process for each keeps leaks apart.
const stream = run({ files, concurrency: 2, timeout: long ? 1_500_000 : 240_000 })
stream.on('test:pass', (event) => {
  if (event.details.type === 'suite') return
  if (event.skip !== undefined || event.todo !== undefined) {
    counts.skipped++
    skips.push(`${event.name}: ${String(event.skip ?? event.todo)}`)
  } else counts.passed++
})
stream.on('test:fail', (event) => {
  if (event.details.type !== 'suite') counts.failed++
})
stream.on('end', finish)
stream.compose(spec).pipe(process.stdout)

function finish(): void {
  // The reporter still prints its summary; ours comes last.
  setTimeout(() => {
    for (const skip of skips) console.log(`SKIPPED  ${skip}`)
    if (files.length === 0) counts.failed++
    const line = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`
    if (process.env['P2P_TEST_COUNTS'] !== undefined)
      appendFileSync(process.env['P2P_TEST_COUNTS'], `${line}\n`)
    console.log(line)
    const mustNotSkip = process.env['CI'] === 'true' && counts.skipped > 0
    process.exitCode = counts.failed > 0 || mustNotSkip ? 1 : 0
  }, 100)
}
