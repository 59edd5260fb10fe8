/** The package as its users get it: packed, installed somewhere else, run and imported. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { installPackage } from '../scripts/install-package.ts'

const folder = mkdtempSync(join(tmpdir(), 'p2p-package-'))
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string; name: string }
let installed = ''

before(() => {
  installed = installPackage(folder)
})
after(() => rmSync(folder, { recursive: true, force: true }))

test('the installed command says its version, without a package next to it', () => {
  // Away from node_modules: all that the command needs is inside.
  const alone = join(folder, 'alone')
  cpSync(installed, alone, { recursive: true })
  const output = execFileSync(process.execPath, [join(alone, 'bin/p2p.cjs'), '--version'], {
    encoding: 'utf8',
  })
  assert.equal(output.trim(), manifest.version)
})

test('the installed command runs a node to its end', () => {
  const args = ['--json', '--port', '0', '--data-dir', join(folder, 'data'), '--config', config()]
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(installed, 'bin/p2p.cjs'), ...args], {
    input: 'peers\n',
    encoding: 'utf8',
    timeout: 20_000,
  })
  const types = stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { type: string }).type)
  assert.deepEqual(types, ['node:started', 'identity:made', 'command:done', 'node:stopped'], stderr)
  assert.equal(status, 0)
})

test('a program imports the library, its protocol and its LAN in memory, and one class is one class', () => {
  const program = `
    import { startNode, isP2PError } from 'p2p'
    import { encodeAnnouncement } from 'p2p/protocol'
    import { MemoryNetwork } from 'p2p/testing'
    const lan = new MemoryNetwork()
    await using a = await startNode({ ...lan.host(), name: 'a' })
    await using b = await startNode({ ...lan.host(), name: 'b' })
    const peer = await a.peers.waitFor({ name: 'b' })
    let known = false
    try {
      encodeAnnouncement({ id: 'nobody' })
    } catch (error) {
      known = isP2PError(error)
    }
    console.log(peer.id === b.id, known)
  `
  writeFileSync(join(folder, 'program.mjs'), program)
  const output = execFileSync(process.execPath, ['program.mjs'], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 20_000,
  })
  assert.equal(output.trim(), 'true true')
})

test('a TypeScript program sees the types of every export', () => {
  writeFileSync(
    join(folder, 'program.ts'),
    `import { startNode, type P2PNode } from 'p2p'
     import { decodeAnnouncement, type Announcement } from 'p2p/protocol'
     import { MemoryNetwork } from 'p2p/testing'
     export const node: Promise<P2PNode> = startNode(new MemoryNetwork().host())
     export const heard: Announcement | undefined = decodeAnnouncement(new Uint8Array())
     // @ts-expect-error: it is not any
     export const wrong: number = startNode()
    `,
  )
  const types = ['--types', 'node', '--typeRoots', join(process.cwd(), 'node_modules/@types')]
  const options = ['--ignoreConfig', '--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024']
  const { status, stdout } = spawnSync('tsc', [...options, ...types, join(folder, 'program.ts')], {
    encoding: 'utf8',
  })
  assert.equal(stdout, '')
  assert.equal(status, 0)
})

test('the part for browsers brings nothing of Node', () => {
  const files = [join(installed, 'dist/protocol.js')]
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    assert.doesNotMatch(text, /["']node:|\bBuffer\b|\bprocess\./, file)
    for (const [, name = ''] of text.matchAll(/from "(\.[^"]+)"/g)) files.push(join(file, '..', name))
  }
  assert.ok(files.length > 1, 'it shares code with the others')
})

test('the page comes with it, and its script is at most 60 kB as it would travel', () => {
  for (const name of ['index.html', 'app.css', 'manifest.webmanifest'])
    assert.ok(existsSync(join(installed, 'dist/web', name)), name)
  const script = readFileSync(join(installed, 'dist/web/app.js'))
  assert.ok(gzipSync(script, { level: 9 }).length <= 60_000)
  assert.deepEqual(globSync('**/*.map', { cwd: join(installed, 'dist') }), [])
})

test('the package carries its licence, those of what is inside, and no tests or sources', () => {
  for (const file of ['LICENSE', 'README.md', 'dist/THIRD-PARTY-LICENCES.txt']) {
    assert.ok(existsSync(join(installed, file)), file)
  }
  const licences = readFileSync(join(installed, 'dist/THIRD-PARTY-LICENCES.txt'), 'utf8')
  for (const name of ['ws', 'commander', 'yaml', 'preact', 'ink'])
    assert.match(licences, new RegExp(`^${name}$`, 'm'))
  assert.deepEqual(globSync('**/*.test.*', { cwd: installed }), [])
  assert.ok(!existsSync(join(installed, 'src')))
})

test('the registry and bundlers find everything that package.json names', () => {
  const { status, stdout } = spawnSync('publint', ['run', installed, '--strict', '--pack', 'false'], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  assert.equal(status, 0, stdout)
})

function config(): string {
  const file = join(folder, 'config.yaml')
  writeFileSync(
    file,
    'explorer:\n  multicast:\n    address: 235.5.5.11\n    port: 42811\n    interface-name: lo\n',
  )
  return file
}
