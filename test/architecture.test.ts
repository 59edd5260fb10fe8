/** Imports only go downstairs, and a package belongs to one folder (docs/architecture.md). */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'

/** What each room may import besides itself. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  base: [],
  protocol: ['base'],
  rules: ['protocol', 'base'],
  discovery: ['rules', 'protocol', 'base'],
  transport: ['rules', 'protocol', 'base'],
  identity: ['rules', 'protocol', 'base'],
  doctor: ['rules', 'protocol', 'base'],
  store: ['rules', 'protocol', 'base'],
  files: ['rules', 'protocol', 'base'],
  app: ['discovery', 'doctor', 'transport', 'identity', 'store', 'files', 'rules', 'protocol', 'base'],
  testing: [
    'app',
    'discovery',
    'doctor',
    'transport',
    'identity',
    'store',
    'files',
    'rules',
    'protocol',
    'base',
  ],
  index: ['app', 'discovery', 'transport', 'identity', 'files', 'rules', 'protocol', 'base'],
  config: ['index'],
  control: ['index', 'base'],
  face: ['index', 'protocol', 'base'],
  tui: ['index', 'control', 'face'],
  cli: ['index', 'config', 'control', 'face', 'tui'],
  web: ['index', 'control', 'face', 'protocol', 'base'],
}

/** The rooms that may import a package. */
const packages: Readonly<Record<string, readonly string[]>> = {
  ws: ['transport', 'control'],
  commander: ['cli'],
  pino: ['cli'],
  uqr: ['face', 'web'],
  yaml: ['config'],
}

/** Those that come with the sources and with what is built from them (runtime/package.json): nobody installs them with the package. */
const bundled: Readonly<Record<string, readonly string[]>> = {
  ink: ['tui'],
  preact: ['web'],
  react: ['tui'],
}

/** Rooms that run in a browser too: no `node:`. */
const pure = new Set(['base', 'protocol', 'rules'])

/** Generated code is a second opinion for tests (docs/decisions/0002-hand-written-codecs.md): no source may import it. */
const generated = '/generated/'

const sources = globSync('src/**/*.ts').filter(
  (file) => !file.endsWith('.test.ts') && !file.includes(generated),
)

function roomOf(file: string): string {
  const [, room = ''] = file.split('/')
  return room.replace(/\.ts$/, '')
}

function importsOf(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8')
  const found = text.matchAll(
    /^(?:import\s+|(?:import|export)\b[^'"]*\sfrom\s+|.*\bimport\s*\(\s*)['"]([^'"\n]+)['"]/gm,
  )
  return [...found].map(([, name = '']) => name)
}

function complaint(file: string, name: string): string | undefined {
  const room = roomOf(file)
  if (name.startsWith('node:')) return pure.has(room) ? `${file} is pure and imports ${name}` : undefined
  if (name.startsWith('.')) {
    const target = normalize(join(dirname(file), name))
    const targetRoom = roomOf(target)
    if (target.includes(generated)) return `${file} imports generated code`
    if (targetRoom === room || rooms[room]?.includes(targetRoom)) return undefined
    return `${file} (${room}) imports ${target} (${targetRoom})`
  }
  const owner = name.startsWith('@') ? name.split('/').slice(0, 2).join('/') : name.split('/', 1).join('')
  const allowed = packages[owner] ?? bundled[owner]
  return allowed?.includes(room) ? undefined : `${file} (${room}) imports the package ${owner}`
}

test('every room of src has a floor', () => {
  const unknown = sources.map(roomOf).filter((room) => !(room in rooms))
  assert.deepEqual(unknown, [])
})

test('imports only go downstairs, and packages stay in their folder', () => {
  const complaints = sources.flatMap((file) => importsOf(file).map((name) => complaint(file, name)))
  assert.deepEqual(
    complaints.filter((text) => text !== undefined),
    [],
  )
})

test('the check itself sees an import that climbs, crosses, or brings a package', () => {
  assert.ok(complaint('src/rules/x.ts', '../app/node.ts'))
  assert.ok(complaint('src/discovery/x.ts', '../transport/ws-channel.ts'))
  assert.ok(complaint('src/files/x.ts', '../store/share-store.ts'))
  assert.ok(complaint('src/cli/x.ts', '../app/node.ts'))
  assert.ok(complaint('src/app/x.ts', 'ws'))
  assert.ok(complaint('src/protocol/x.ts', 'node:crypto'))
  assert.ok(complaint('src/protocol/x.ts', './generated/p2p_pb.ts'))
  assert.equal(complaint('src/app/x.ts', '../rules/peer-table.ts'), undefined)
})

test('every runtime dependency is used, and belongs to a room', () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
    dependencies: Record<string, string>
  }
  assert.deepEqual(Object.keys(manifest.dependencies).sort(), Object.keys(packages).sort())
})
