/** Makes src/protocol/generated from proto/p2p.proto. */
import { spawnSync } from 'node:child_process'

const { status } = spawnSync('buf', ['generate'], { stdio: 'inherit', shell: process.platform === 'win32' })
process.exitCode = status ?? 1
