/**
 * Runs the tests and says at the end how many there were: `npm test` (about 12 minutes on 2 cores), or with `--long`
 * those in test/long/ (about 30). Names of files narrow the run: `npm test -- src/protocol`.
 */
import { appendFileSync, globSync } from 'node:fs'
import { relative } from 'node:path'
import { run, type EventData } from 'node:test'
import { spec } from 'node:test/reporters'

/**
 * Tests with sockets, disks, processes, hosts or a browser share two cores with each other. A few files of them that fail are run
 * again, alone, and what passes then is said to be flaky, loudly. Never files that search at random, nor pure ones: one failure
 * in a thousand is a failure there.
 */
const secondTries =
  /^(?:test\/(?:app|browser|cli|control|hostile|lab|long|node-facts|tui)|src\/(?:discovery|doctor|files|store|transport))\/(?!.*(?:model|property))/
const maxSecondTries = 4

interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** What a run of some files brought. */
interface Outcome {
  readonly byFile: ReadonlyMap<string, Counts>
  /** Of each test that failed, its name and its file. */
  readonly failures: readonly { readonly name: string; readonly file: string }[]
}

const args = process.argv.slice(2)
const long = args.includes('--long')
const wanted = args.filter((arg) => !arg.startsWith('-'))
const patterns = long ? ['test/long/**/*.test.ts'] : ['src/**/*.test.ts', 'test/**/*.test.ts']

const files = globSync(patterns, { exclude: long ? [] : ['test/long/**'] })
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()

const skips: string[] = []
// Labs measure times between hosts, so few files run at once; a process for each keeps leaks apart.
const first = await runFiles(files, 2)
const again = [...new Set(first.failures.map(({ file }) => file))]
const mayTryAgain = again.length <= maxSecondTries && again.every((file) => secondTries.test(file))
if (again.length > 0 && mayTryAgain) {
  console.log(`\nAgain, alone: ${again.join(', ')}`)
  const second = await runFiles(again, 1)
  finish(new Map([...first.byFile, ...second.byFile]))
  for (const { name, file } of first.failures)
    if (!second.failures.some((one) => one.name === name && one.file === file))
      console.log(`FLAKY    ${name} (${file}): failed beside others, passed alone`)
} else finish(first.byFile)

/** Runs files, `concurrency` at a time, and prints what a person wants to read of it. */
async function runFiles(those: readonly string[], concurrency: number): Promise<Outcome> {
  const byFile = new Map<string, Counts>()
  const failures: Outcome['failures'][number][] = []
  const stream = run({ files: [...those], concurrency, timeout: long ? 1_500_000 : 240_000 })
  const countsOf = (file: string): Counts => {
    const counts = byFile.get(file) ?? { passed: 0, failed: 0, skipped: 0 }
    byFile.set(file, counts)
    return counts
  }
  stream.on('test:pass', (event) => {
    if (event.details.type === 'suite') return
    const counts = countsOf(fileOf(event))
    if (event.skip !== undefined || event.todo !== undefined) {
      counts.skipped++
      skips.push(`${event.name}: ${String(event.skip ?? event.todo)}`)
    } else counts.passed++
  })
  stream.on('test:fail', (event) => {
    if (event.details.type === 'suite') return
    countsOf(fileOf(event)).failed++
    failures.push({ name: event.name, file: fileOf(event) })
  })
  const printed = stream.compose(spec)
  printed.pipe(process.stdout)
  await new Promise((resolve) => printed.on('end', resolve))
  return { byFile, failures }
}

function fileOf({ file = '' }: Pick<EventData.TestFail, 'file'>): string {
  return relative(process.cwd(), file)
}

function finish(byFile: ReadonlyMap<string, Counts>): void {
  const sum = (key: keyof Counts): number => [...byFile.values()].reduce((all, one) => all + one[key], 0)
  const counts = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') }
  for (const skip of new Set(skips)) console.log(`SKIPPED  ${skip}`)
  if (files.length === 0) counts.failed++
  const line = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`
  if (process.env['P2P_TEST_COUNTS'] !== undefined)
    appendFileSync(process.env['P2P_TEST_COUNTS'], `${line}\n`)
  console.log(line)
  const mustNotSkip = process.env['CI'] === 'true' && counts.skipped > 0
  process.exitCode = counts.failed > 0 || mustNotSkip ? 1 : 0
}
