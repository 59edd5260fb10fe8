/**
 * Makes dist/: the command in one piece with everything it needs, the page, the library with its packages left outside, and
 * the declarations.
 */
import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild'
import { buildPage } from './build-page.ts'

process.chdir(join(import.meta.dirname, '..'))
/** Where everything is made before it takes the place of what is in dist/. */
const stage = mkdtempSync('node_modules/.p2p-build-')

const shared = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24.15',
  outdir: stage,
  logLevel: 'warning',
} as const satisfies BuildOptions

/**
 * An `import` of node:http reads all it exports, and Node then loads a whole second HTTP client for its `WebSocket`:
 * 20 ms, a third of a bare start. Asking for the module itself reads nothing.
 */
const httpAlone: Plugin = {
  name: 'http-alone',
  setup(building) {
    building.onResolve({ filter: /^node:http$/ }, ({ path }) => ({ path, namespace: 'http-alone' }))
    building.onLoad({ filter: /./, namespace: 'http-alone' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule('${path}')`,
    }))
  },
}

/** A command that loads one small file starts in half the time of one that looks for a hundred (docs/benchmarks.md). */
async function buildCommand(): Promise<Metafile> {
  const { metafile } = await build({
    ...shared,
    entryPoints: { 'cli-program': 'src/cli/program.ts' },
    // What the first screen does not need stays in files of its own.
    splitting: true,
    plugins: [httpAlone],
    // Beside the entry: what finds a file beside itself in the source finds it there too.
    chunkNames: 'cli-[name]-[hash]',
    // Its ES modules load in two thirds of the time of the others (docs/decisions/0004).
    alias: { yaml: './node_modules/yaml/browser/dist/index.js' },
    minifyWhitespace: true,
    minifySyntax: true,
    define: {
      'process.env.P2P_VERSION': JSON.stringify(version()),
      // React's own checks for developers make every key three times as slow; Ink asks for its tools in that case only.
      'process.env.NODE_ENV': '"production"',
      "process.env['DEV']": '"false"',
    },
    external: ['react-devtools-core'],
    // Packages in the old module format call require() for Node's own modules.
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    legalComments: 'none',
    metafile: true,
  })
  return metafile
}

const program: Plugin = {
  name: 'program-apart',
  setup(building) {
    building.onResolve({ filter: /^\.\/program\.ts$/ }, () => ({ path: './cli-program.js', external: true }))
  },
}

/** What answers `p2p peers --json` from the running node, in a file of its own: pieces shared with the rest would be as large as it. */
async function buildEntry(): Promise<void> {
  await build({
    ...shared,
    entryPoints: { cli: 'src/cli/main.ts' },
    plugins: [program],
    minifyWhitespace: true,
    minifySyntax: true,
  })
}

/** One build for all three exports, so that each class exists once however a program imports it. */
async function buildLibrary(): Promise<void> {
  await build({
    ...shared,
    entryPoints: {
      index: 'src/index.ts',
      protocol: 'src/protocol/index.ts',
      testing: 'src/testing/index.ts',
    },
    splitting: true,
    chunkNames: 'library-[name]-[hash]',
    packages: 'external',
  })
}

/** The thread that works on files starts from a file of its own (src/files/file-worker.ts), which command and library share. */
async function buildWorker(): Promise<void> {
  await build({ ...shared, entryPoints: { 'file-worker': 'src/files/worker.ts' }, minify: true })
}

/** The licences of the packages inside the command and the page ask to travel with them. */
function writeLicences(metafiles: readonly Metafile[]): void {
  const inputs = metafiles.flatMap((metafile) => Object.keys(metafile.inputs))
  const folders = inputs.map((file) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0])
  const texts = [...new Set(folders)]
    .sort((a = '', b = '') => a.localeCompare(b))
    .flatMap((folder) => {
      if (folder === undefined) return []
      const [file] = globSync('{licen[cs]e,LICEN[CS]E}*', { cwd: folder })
      const text =
        file === undefined ? 'See its package on the registry.' : readFileSync(join(folder, file), 'utf8')
      return [`${folder.replace('node_modules/', '')}\n\n${text.trim()}\n`]
    })
  writeFileSync(join(stage, 'THIRD-PARTY-LICENCES.txt'), texts.join(`\n${'-'.repeat(80)}\n\n`))
}

function version(): string {
  return (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version
}

function writeDeclarations(): void {
  const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json', '--outDir', join(stage, 'types')], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) throw new Error('tsc found mistakes, see above: no declarations were written')
}

/** File by file, so that whoever runs, packs or builds p2p at the same time always finds each of them whole. The page has been replaced already. */
function replaceDist(): void {
  const files = globSync('**', { cwd: stage, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(stage, join(parentPath, name)))
  for (const file of files) {
    mkdirSync(dirname(join('dist', file)), { recursive: true })
    renameSync(join(stage, file), join('dist', file))
  }
  const kept = new Set(files)
  for (const entry of globSync('**', { cwd: 'dist', withFileTypes: true })) {
    const file = relative('dist', join(entry.parentPath, entry.name))
    if (entry.isFile() && !kept.has(file) && !file.startsWith(`web${sep}`))
      rmSync(join('dist', file), { force: true })
  }
}

try {
  const [command, page] = await Promise.all([
    buildCommand(),
    buildPage(),
    buildEntry(),
    buildLibrary(),
    buildWorker(),
  ])
  writeLicences([command, page])
  writeDeclarations()
  replaceDist()
} finally {
  rmSync(stage, { recursive: true })
}
