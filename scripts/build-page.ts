/** Makes dist/web: the page, as `p2p serve --web` serves it. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { extname, join } from 'node:path'
import { build, type BuildResult, type Metafile } from 'esbuild'

const root = join(import.meta.dirname, '..')
const sources = join(root, 'src/web')
/** What is served as it stands in the sources. */
const still = new Set(['.html', '.webmanifest', '.svg', '.png'])

/** @param folder is made when it is missing; what else lies there is removed */
export async function buildPage(folder: string = join(root, 'dist/web')): Promise<Metafile> {
  const { outputFiles, metafile } = await bundle()
  const built = outputFiles.map(({ path, contents }) => [path.replace(/^.*[\\/]/, ''), contents] as const)
  const copied = readdirSync(sources)
    .filter((name) => still.has(extname(name)))
    .map((name) => [name, readFileSync(join(sources, name))] as const)
  const files = new Map([...built, ...copied])
  writeWhole(folder, files)
  return metafile
}

/** Whoever reads one of the files meanwhile, or builds too, sees it whole. */
function writeWhole(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  mkdirSync(folder, { recursive: true })
  const stage = mkdtempSync(`${folder}-`)
  for (const [name, contents] of files) {
    writeFileSync(join(stage, name), contents)
    renameSync(join(stage, name), join(folder, name))
  }
  rmdirSync(stage)
  for (const name of readdirSync(folder)) if (!files.has(name)) rmSync(join(folder, name), { force: true })
}

async function bundle(): Promise<
  BuildResult<{ write: false; metafile: true }> & { readonly metafile: Metafile }
> {
  const workers = readdirSync(sources).includes('sw.ts') ? [{ in: 'src/web/sw.ts', out: 'sw' }] : []
  return await build({
    absWorkingDir: root,
    entryPoints: [{ in: 'src/web/main.ts', out: 'app' }, { in: 'src/web/style.css', out: 'app' }, ...workers],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome120', 'firefox121', 'safari17.4'],
    outdir: 'dist/web',
    logLevel: 'warning',
    legalComments: 'none',
    metafile: true,
    write: false,
  })
}

if (import.meta.main) await buildPage()
