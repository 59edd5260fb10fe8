/** The package as its users get it, without a registry. */
import { execFileSync } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')

/**
 * Builds p2p, packs it, and installs the package below `folder`; its dependencies are those of this checkout. A program
 * in `folder` can then import it.
 *
 * @returns the folder of the installed package
 */
export function installPackage(folder: string): string {
  run(process.execPath, 'scripts/build.ts')
  // npm keeps scripts off here, so it does not build by itself.
  run('npm', 'pack', '--ignore-scripts', '--loglevel=error', `--pack-destination=${folder}`)
  const [tarball = ''] = globSync('p2p-*.tgz', { cwd: folder })
  const installed = join(folder, 'node_modules/p2p')
  mkdirSync(installed, { recursive: true })
  run('tar', '-xzf', join(folder, tarball), '-C', installed, '--strip-components=1')
  linkDependencies(installed)
  return installed
}

function run(command: string, ...args: readonly string[]): void {
  const shell = process.platform === 'win32'
  execFileSync(command, args, { cwd: root, shell, stdio: ['ignore', 'ignore', 'inherit'] })
}

function linkDependencies(installed: string): void {
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  for (const name of Object.keys(manifest.dependencies)) {
    const link = join(installed, '..', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), link, 'junction')
  }
}
