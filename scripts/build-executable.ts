/**
 * Makes one file that runs without Node: the command, its threads and the page inside the Node that is pinned. It is dist/p2p, or what the
 * first argument names.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
/** Of all that uses this feature of Node; it is how a Node knows that something was put into it. */
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

process.chdir(root)
await import('./build.ts')

const output = process.argv[2] ?? (process.platform === 'win32' ? 'dist/p2p.exe' : 'dist/p2p')
const folder = mkdtempSync(join(tmpdir(), 'p2p-executable-'))
try {
  const blob = join(folder, 'p2p.blob')
  const config = join(folder, 'config.json')
  const main = 'scripts/executable-boot.cjs'
  writeFileSync(
    config,
    JSON.stringify({
      main,
      output: blob,
      disableExperimentalSEAWarning: true,
      assets: { 'boot.cjs': main, ...assets() },
    }),
  )
  run(process.execPath, '--experimental-sea-config', config)
  copyFileSync(process.execPath, join(folder, 'p2p'))
  run('postject', join(folder, 'p2p'), 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse)
  copyFileSync(join(folder, 'p2p'), output)
} finally {
  rmSync(folder, { recursive: true })
}

/** By the path that each has in dist/. */
function assets(): Readonly<Record<string, string>> {
  const names = globSync(['cli.js', 'cli-*.js', 'file-worker.js', 'web/*'], { cwd: 'dist' })
  return Object.fromEntries(names.map((name) => [name.replaceAll('\\', '/'), join('dist', name)]))
}

function run(command: string, ...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stdout}${stderr}`)
}
