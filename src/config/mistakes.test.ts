import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { isP2PError, limits } from '../index.ts'
import type { Flags } from './keys.ts'
import { loadConfig, type Settings } from './load.ts'
import type { Environment } from './origins.ts'

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-config-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

interface Sources {
  readonly file?: string | Uint8Array
  readonly env?: Environment
  readonly flags?: Flags
}

/** Loads with `file` as the content of config.yaml in a data directory of its own. */
async function load(t: TestContext, { file, env, flags }: Sources): Promise<Settings> {
  const dataDir = temporaryFolder(t)
  if (file !== undefined) writeFileSync(join(dataDir, 'config.yaml'), file)
  return await loadConfig({ env: { ...env, P2P_DATA_DIR: dataDir }, flags: flags ?? {} })
}

/** The lines of the complaint; FILE stands for the path. */
async function complaints(t: TestContext, sources: Sources): Promise<readonly string[]> {
  try {
    await load(t, sources)
  } catch (error) {
    assert.ok(isP2PError(error, 'config-invalid'), String(error))
    assert.equal(error.entry.exit, 78)
    return error.message.split('\n').map((line) => line.replace(/^\S*config\.yaml/, 'FILE'))
  }
  throw new assert.AssertionError({ message: 'there was no complaint' })
}

test('an unknown variable is a mistake that names the nearest', async (t) => {
  const env = { P2P_NAM: 'x', P2P_PERIOD: '5s', P2P_FOO: '1', P2P_PORT: '1', P2P_WEBSOCKET_PORT: '2' }
  assert.deepEqual(await complaints(t, { env }), [
    'P2P_WEBSOCKET_PORT and P2P_PORT: both mean the same; set only one of them',
    'P2P_NAM: p2p knows no such variable; did you mean P2P_NAME?',
    'P2P_PERIOD: p2p knows no such variable; did you mean P2P_EXPLORER_PERIOD?',
    'P2P_FOO: p2p knows no such variable; unset it',
  ])
})

test('a file that was named must exist', async (t) => {
  const missing = join(temporaryFolder(t), 'config.yaml')
  const wanted = ['FILE: there is no such file; correct the path, or leave it out']
  assert.deepEqual(await complaints(t, { flags: { config: missing } }), wanted)
  assert.deepEqual(await complaints(t, { env: { P2P_CONFIG: missing } }), wanted)
})

test('an empty path is a mistake', async (t) => {
  assert.deepEqual(await complaints(t, { flags: { dataDir: '', config: '' } }), [
    '--data-dir: the path is empty; name one, or leave the flag out',
    '--config: the path is empty; name one, or leave the flag out',
  ])
})

test('K4: an unknown key is told with line, column and the nearest one', async (t) => {
  const file = `websocket:
  prot: 8001
port: 80
explorer:
  multicast: {adress: 235.5.5.11}
websocket.port: 80
__proto__: {isPublicIp: true}
constructor: 1
? [a]
: 1
`
  const top =
    'the keys here are name, policy, read-receipts, typing, log-level, ip, is-public-ip, history, files, control, websocket, explorer'
  assert.deepEqual(await complaints(t, { file }), [
    'FILE:2:3: there is no key "websocket.prot"; did you mean port?',
    'FILE:3:1: there is no key "port"; did you mean websocket.port?',
    'FILE:5:15: there is no key "explorer.multicast.adress"; did you mean address?',
    `FILE:6:1: there is no key "websocket.port"; ${top}`,
    `FILE:7:1: there is no key "__proto__"; ${top}`,
    `FILE:8:1: there is no key "constructor"; ${top}`,
    `FILE:9:3: there is no key ""; ${top}`,
  ])
  assert.equal(Object.getOwnPropertyNames(Object.prototype).includes('isPublicIp'), false)
})

test('K4: a value that is wrong is told with line, column and what to write', async (t) => {
  for (const port of ['"8001; id"', '-1', '1e9', '65536', '0x1f41', 'eighty']) {
    const [line] = await complaints(t, { file: `websocket:\n  port: ${port}\n` })
    const shown = port.startsWith('"') ? port : `"${port}"`
    assert.equal(
      line,
      `FILE:2:9: websocket.port must be a whole number from 0 to 65535, not ${shown}; write for example 8001`,
    )
  }
  assert.deepEqual(await complaints(t, { file: 'log-level: INFOO\nexplorer: {period: 20}' }), [
    'FILE:1:12: log-level must be DEBUG, INFO, WARN or ERROR, not "INFOO"; did you mean INFO?',
    'FILE:2:20: explorer.period must be from 500ms to 1h; a number without a unit counts nanoseconds, not "20"; write for example 20s',
  ])
})

test('a policy that does not exist is told with the ones that do', async (t) => {
  const lines = await complaints(t, {
    file: 'policy: trustd\n',
    env: { P2P_LOG_LEVEL: 'x' },
    flags: { policy: '' },
  })
  assert.deepEqual(lines, [
    'FILE:1:9: policy must be open, encrypted or trusted, not "trustd"; did you mean trusted?',
    'P2P_LOG_LEVEL: log-level must be DEBUG, INFO, WARN or ERROR, not "x"; write for example INFO',
    '--policy: policy must be open, encrypted or trusted, not ""; write for example open',
  ])
})

test('K4: a value of the wrong shape is a mistake', async (t) => {
  assert.deepEqual(
    await complaints(t, { file: 'ip: [1.2.3.4]\nwebsocket: 8001\nexplorer: {period: {a: 1}}\n' }),
    [
      'FILE:1:5: ip must be one value; write for example 88.88.88.88',
      'FILE:2:12: websocket holds other keys (port); indent them below it',
      'FILE:3:20: explorer.period must be one value; write for example 20s',
    ],
  )
  for (const file of ['just a text', '- a list', '[]']) {
    assert.deepEqual(await complaints(t, { file }), [
      'FILE:1:1: a configuration is lines of the form "key: value"',
    ])
  }
  assert.deepEqual(await complaints(t, { file: 'ip: 1.2.3.4\nip: 1.2.3.5\n' }), [
    'FILE:2:1: "ip" is there twice; remove one of them',
  ])
})

test('K4: what is not YAML is told with line and column', async (t) => {
  for (const [file, place] of [
    ['log-level: "INFO\n', '2:1'],
    ['websocket:\n\tport: 1\n', '2:1'],
    ['ip: 1.2.3.4: 5\n', '1:5'],
    ['name: a\n---\nname: b\n', '2:1'],
  ] as const) {
    const [line = ''] = await complaints(t, { file })
    assert.ok(line.startsWith(`FILE:${place}`) && line.includes('is not YAML here'), line)
  }
})

test('K4: aliases are refused, so that a bomb of them never grows', async (t) => {
  assert.deepEqual(await complaints(t, { file: 'ip: &a 1.2.3.4\nname: *a\n' }), [
    'FILE:2:7: name must be one value; write for example kitchen',
  ])
  const levels = Array.from(
    { length: 9 },
    (_, i) =>
      `  l${i}: &l${i} [${Array(9)
        .fill(`*l${i - 1}`)
        .join(',')}]`,
  )
  const bomb = `a:\n${levels.join('\n')}\n`
  assert.equal((await complaints(t, { file: bomb })).length > 0, true)
})

test('K4: what nests deeply is refused before it is parsed', async (t) => {
  const deep = [
    '['.repeat(limits.configBytes),
    '{a: '.repeat(16_000),
    '- '.repeat(30_000),
    '? '.repeat(30_000),
  ]
  for (const file of deep) {
    assert.deepEqual(await complaints(t, { file }), [
      'FILE: has too many brackets or dashes; no key needs any, remove them',
    ])
  }
  const indented = Array.from({ length: 350 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')
  assert.match((await complaints(t, { file: indented }))[0] ?? '', /^FILE:1:1: there is no key "a"/)
})

test('K4: a file that is too large, a directory, or not a text is told', async (t) => {
  assert.deepEqual(await complaints(t, { file: Buffer.alloc(10 * 1024 * 1024, '#') }), [
    'FILE: is larger than 64 KiB; this cannot be a configuration of p2p',
  ])
  const largest = `${'#'.repeat(limits.configBytes - 1)}\n`
  assert.equal((await load(t, { file: largest })).port, 8001)
  assert.equal((await complaints(t, { file: `${largest}\n` })).length, 1)

  const folder = join(temporaryFolder(t), 'config.yaml')
  mkdirSync(folder)
  assert.deepEqual(await complaints(t, { flags: { config: folder } }), [
    'FILE: this is a directory; name a file in it',
  ])
  assert.deepEqual(await complaints(t, { file: Buffer.from([0x6e, 0x3a, 0xff, 0xfe]) }), [
    'FILE: is not UTF-8 text; save it as UTF-8',
  ])
})

test('K4: a file that may not be read is told', async (t) => {
  const file = join(temporaryFolder(t), 'config.yaml')
  writeFileSync(file, '', { mode: 0 })
  // Root may read everything, so it is nobody for a moment.
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(65_534)
  try {
    await assert.rejects(loadConfig({ env: {}, flags: { config: file, dataDir: '/nonexistent' } }), {
      code: 'config-invalid',
      message: `${file}: permission denied; give your user the right to read it`,
    })
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
})

test('all mistakes are told at once, but no more than ten', async (t) => {
  const file = Array.from({ length: 13 }, (_, i) => `key${i}: 1`).join('\n')
  const lines = await complaints(t, { file, env: { P2P_PORT: 'x' }, flags: { port: 'y', logLevel: 'z' } })
  assert.equal(lines.length, limits.configMistakes + 1)
  assert.equal(lines.at(-1), 'and 6 more')
})

test('a public address needs an address', async (t) => {
  assert.deepEqual(await complaints(t, { file: 'is-public-ip: true' }), [
    'FILE:1:15: is-public-ip is true, but there is no ip; set that too, for example 88.88.88.88',
  ])
  assert.equal((await load(t, { file: 'is-public-ip: true', env: { P2P_IP: '1.2.3.4' } })).isPublicIp, true)
})
