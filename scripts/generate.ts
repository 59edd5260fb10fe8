/** Makes src/protocol/generated from proto/p2p.proto, and docs/openapi.json from the operations of the control API. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { openApi } from '../src/control/openapi.ts'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
writeFileSync('docs/openapi.json', `${JSON.stringify(openApi(version), null, 2)}\n`)
const shell = process.platform === 'win32'
spawnSync('prettier', ['--write', '--log-level=warn', 'docs/openapi.json'], { stdio: 'inherit', shell })
const { status } = spawnSync('buf', ['generate'], { stdio: 'inherit', shell })
process.exitCode = status ?? 1
