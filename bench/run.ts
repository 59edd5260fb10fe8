/**
 * Takes the figures: `npm run bench` prints a table, `-- --json` one JSON object per figure and line, `-- --list` what
 * there is, `-- --only NAME` takes one. A missed target is a result; only a figure that breaks ends with status 1.
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { summarize, type Figure, type Line, type Measurement } from './figure.ts'
import { figures } from './figures/index.ts'
import { heading, rows } from './table.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
  },
})

const machine = {
  node: process.version,
  cpu: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores`,
}

function chosen(): readonly Figure[] {
  const unknown = options.only?.filter((name) => !figures.some((figure) => figure.name === name)) ?? []
  if (unknown.length > 0) {
    console.error(
      `bench: no figure ${unknown.join(', ')}; there are ${figures.map(({ name }) => name).join(', ')}`,
    )
    process.exit(64)
  }
  return figures.filter(({ name }) => options.only === undefined || options.only.includes(name))
}

function print(measurement: Measurement): void {
  const line: Line = summarize(measurement, machine)
  if (options.json) console.log(JSON.stringify(line))
  else console.log(rows(line, measurement))
}

async function take(figure: Figure): Promise<void> {
  try {
    for (const measurement of await figure.measure()) print(measurement)
  } catch (error) {
    console.error(`bench: ${figure.name} broke:`, error)
    process.exitCode = 1
  }
}

const wanted = chosen()
if (options.list) {
  for (const { name, about } of wanted) console.log(`${name.padEnd(24)}${about}`)
} else {
  if (!options.json) console.log(heading(machine))
  for (const figure of wanted) await take(figure)
}
