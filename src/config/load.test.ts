import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir, hostname, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { limits } from '../index.ts'
import { defaultFile } from './default-file.ts'
import { keyPaths, keys, type Flags } from './keys.ts'
import { loadConfig, writeMissingConfig, type Settings } from './load.ts'
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

const multicast = { address: '235.5.5.11', port: 8001, interfaceName: undefined }
const broadcast = { address: '255.255.255.255', port: 8001, interfaceName: undefined }
const files = {
  folder: join(homedir(), existsSync(join(homedir(), 'Downloads')) ? 'Downloads' : 'p2p'),
  accept: 'ask',
  acceptMaxBytes: Infinity,
  download: Infinity,
  upload: Infinity,
  perPeer: Infinity,
  active: limits.activeTransfers,
}
const defaults = {
  name: hostname().split('.')[0],
  policy: 'open',
  readReceipts: true,
  typing: true,
  keepMessagesDays: undefined,
  files,
  control: { web: false, port: undefined },
  logLevel: 'INFO',
  port: 8001,
  ip: undefined,
  isPublicIp: false,
  periodMs: 20_000,
  multicast,
  broadcast: undefined,
}

/** The settings that come from keys, by their own names. */
function valuesOf(settings: Settings): object {
  const about = new Set(['dataDir', 'file', 'fileExists', 'origins', 'values'])
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !about.has(name)))
}

test('without a file everything has its default', async (t) => {
  const settings = await load(t, {})
  assert.deepEqual(valuesOf(settings), defaults)
  assert.equal(settings.fileExists, false)
  assert.equal(settings.origins.size, 0)
})

test('a file that says nothing leaves every default', async (t) => {
  for (const file of [
    '',
    '\n',
    '# only a comment\n',
    '---\n',
    '\uFEFF',
    'websocket:\nexplorer: ~\nip: null\n',
  ]) {
    assert.deepEqual(valuesOf(await load(t, { file })), defaults, JSON.stringify(file))
  }
})

test('a file of the reference loads, in any order, quoted or not', async (t) => {
  const wanted = {
    ...defaults,
    logLevel: 'DEBUG',
    port: 9001,
    ip: '88.88.88.88',
    isPublicIp: true,
    periodMs: 30_000,
    multicast: { address: '235.5.5.12', port: 8002, interfaceName: 'wlan0' },
    broadcast: { ...broadcast, port: 8003 },
  }
  const plain = `log-level: DEBUG
websocket:
  port: 9001
ip: 88.88.88.88
is-public-ip: true
explorer:
  period: 30s
  multicast:
    address: 235.5.5.12
    port: 8002
    interface-name: wlan0
  broadcast:
    address: 255.255.255.255
    port: 8003
`
  const quoted = `explorer:
    broadcast: {port: '8003', address: "255.255.255.255", interface-name: ""}
    multicast:
        interface-name: "wlan0"
        port: "8002"
        address: '235.5.5.12'
    period: 30000000000
is-public-ip: "true"
ip: "88.88.88.88"
websocket:
    port: '9001'
log-level: "DEBUG"
`
  assert.deepEqual(valuesOf(await load(t, { file: plain })), wanted)
  assert.deepEqual(valuesOf(await load(t, { file: quoted })), wanted)
  assert.deepEqual(valuesOf(await load(t, { file: plain.replaceAll('\n', '\r\n') })), wanted)
})

test('the ways of discovery that are named are used, and multicast when none is', async (t) => {
  const cases: readonly (readonly [file: string, multicast: boolean, broadcast: boolean])[] = [
    ['explorer: {period: 5s}', true, false],
    ['explorer: {multicast: {}}', true, false],
    ['explorer: {broadcast: {}}', false, true],
    ['explorer: {multicast: {}, broadcast: {}}', true, true],
    ['explorer: {multicast: null, broadcast: {port: 8001}}', false, true],
    ['explorer: {multicast: null, broadcast: null}', true, false],
  ]
  for (const [file, byMulticast, byBroadcast] of cases) {
    const settings = await load(t, { file })
    assert.deepEqual(settings.multicast, byMulticast ? multicast : undefined, file)
    assert.deepEqual(settings.broadcast, byBroadcast ? broadcast : undefined, file)
  }
  const env = { P2P_EXPLORER_BROADCAST_PORT: '9000' }
  const both = await load(t, { env })
  assert.deepEqual([both.multicast, both.broadcast?.port], [multicast, 9000])
})

test('the environment wins over the file, and flags win over both', async (t) => {
  const file = 'websocket: {port: 1}\nname: file\nlog-level: WARN\n'
  const env = { P2P_WEBSOCKET_PORT: '2', P2P_NAME: 'environment' }
  const { port, name, logLevel, origins } = await load(t, { file, env, flags: { port: '3' } })
  assert.deepEqual({ port, name, logLevel }, { port: 3, name: 'environment', logLevel: 'WARN' })
  assert.equal(origins.get('websocket.port'), '--port')
  assert.equal(origins.get('name'), 'P2P_NAME')
  assert.match(origins.get('log-level') ?? '', /config\.yaml:3:12$/)
})

test('every key has a variable, and the port a short one', async (t) => {
  const env = {
    P2P_NAME: 'kitchen',
    P2P_POLICY: 'Trusted',
    P2P_READ_RECEIPTS: 'no',
    P2P_TYPING: 'off',
    P2P_HISTORY_KEEP_DAYS: '30',
    P2P_FILES_FOLDER: '/srv/in',
    P2P_FILES_ACCEPT: 'Verified',
    P2P_FILES_ACCEPT_MAX_SIZE: '1 GiB',
    P2P_FILES_DOWNLOAD_LIMIT: '4M',
    P2P_FILES_UPLOAD_LIMIT: '3M',
    P2P_FILES_PEER_LIMIT: '2M/s',
    P2P_FILES_PARALLEL: '1',
    P2P_CONTROL_WEB: 'true',
    P2P_CONTROL_TCP_PORT: '0',
    P2P_LOG_LEVEL: 'error',
    P2P_IP: '10.0.0.1',
    P2P_IS_PUBLIC_IP: 'true',
    P2P_PORT: '0',
    P2P_EXPLORER_PERIOD: '1m30s',
    P2P_EXPLORER_MULTICAST_ADDRESS: '239.0.0.1',
    P2P_EXPLORER_MULTICAST_PORT: '1',
    P2P_EXPLORER_MULTICAST_INTERFACE_NAME: 'eth0',
    P2P_EXPLORER_BROADCAST_ADDRESS: '10.0.0.255',
    P2P_EXPLORER_BROADCAST_PORT: '2',
    P2P_EXPLORER_BROADCAST_INTERFACE_NAME: 'eth1',
  }
  assert.deepEqual(valuesOf(await load(t, { env })), {
    name: 'kitchen',
    policy: 'trusted',
    readReceipts: false,
    typing: false,
    keepMessagesDays: 30,
    files: {
      folder: resolve('/srv/in'),
      accept: 'verified',
      acceptMaxBytes: 1024 ** 3,
      download: 4e6,
      upload: 3e6,
      perPeer: 2e6,
      active: 1,
    },
    control: { web: true, port: 0 },
    logLevel: 'ERROR',
    port: 0,
    ip: '10.0.0.1',
    isPublicIp: true,
    periodMs: 90_000,
    multicast: { address: '239.0.0.1', port: 1, interfaceName: 'eth0' },
    broadcast: { address: '10.0.0.255', port: 2, interfaceName: 'eth1' },
  })
  assert.equal((await load(t, { env: { P2P_WEBSOCKET_PORT: '7' } })).port, 7)
})

test('the written file has what the reference does not know only as comments', () => {
  const ours = keyPaths.filter((path) => keys[path].isOurs === true)
  assert.deepEqual(
    ours.filter((path) => !path.startsWith('files.')),
    ['name', 'policy', 'read-receipts', 'typing', 'history.keep-days', 'control.web', 'control.tcp-port'],
  )
  for (const path of ours) {
    const name = path.slice(path.lastIndexOf('.') + 1)
    assert.match(defaultFile(), new RegExp(`^# +${name}: ${keys[path].example}$`, 'm'))
  }
})

test('a policy comes from the file, a variable or a flag', async (t) => {
  assert.equal((await load(t, { file: 'policy: trusted\n' })).policy, 'trusted')
  const env = { P2P_POLICY: 'encrypted' }
  assert.equal((await load(t, { file: 'policy: trusted\n', env })).policy, 'encrypted')
  assert.equal((await load(t, { env, flags: { policy: 'open' } })).policy, 'open')
})

test('an empty variable and a foreign one count as none', async (t) => {
  const env = { P2P_PORT: '', P2P_CONFIG: '', P2P_TEST_SOMETHING: 'x', P2PFOO: 'x', PATH: '/bin' }
  assert.deepEqual(valuesOf(await load(t, { env })), defaults)
})

test('an empty name in file or flag is no name', async (t) => {
  assert.equal((await load(t, { file: 'name: ""' })).name, '')
  assert.equal((await load(t, { flags: { name: '' } })).name, '')
  assert.equal((await load(t, { file: 'name: 007' })).name, '007')
})

test('the data directory and the file can be named', async (t) => {
  const folder = temporaryFolder(t)
  const other = join(folder, 'other.yaml')
  writeFileSync(other, 'websocket: {port: 5}')
  const byEnv = await loadConfig({ env: { P2P_CONFIG: other, P2P_DATA_DIR: '/a' }, flags: {} })
  assert.deepEqual([byEnv.port, byEnv.file, byEnv.dataDir], [5, other, '/a'])
  const byFlags = await loadConfig({
    env: { P2P_CONFIG: '/none', P2P_DATA_DIR: '/a' },
    flags: { config: other, dataDir: '/b' },
  })
  assert.deepEqual([byFlags.port, byFlags.dataDir], [5, '/b'])
  const relative = await loadConfig({ env: {}, flags: { dataDir: 'somewhere' } })
  assert.equal(relative.file, join(process.cwd(), 'somewhere', 'config.yaml'))
})

test('K4: nothing is made, whatever the configuration says', async (t) => {
  const dataDir = join(temporaryFolder(t), 'not', 'yet')
  await assert.rejects(loadConfig({ env: {}, flags: { dataDir, port: '-1' } }))
  await loadConfig({ env: {}, flags: { dataDir } })
  assert.equal(existsSync(join(dataDir, '..')), false)
})

test('the file that is written says exactly the defaults, and is for its owner only', async (t) => {
  const settings = await load(t, {})
  writeMissingConfig(settings)
  assert.deepEqual(readdirSync(settings.dataDir), ['config.yaml'])
  assert.equal(readFileSync(settings.file, 'utf8'), defaultFile())
  if (process.platform !== 'win32') assert.equal(statSync(settings.file).mode & 0o777, 0o600)

  const again = await loadConfig({ env: {}, flags: { dataDir: settings.dataDir } })
  assert.deepEqual(valuesOf(again), defaults)
  assert.equal(again.fileExists, true)
  // One letter more, and the YAML library reads it: to the same values.
  const read = await load(t, { file: `${defaultFile()}# mine\n` })
  assert.deepEqual(valuesOf(read), defaults)
  assert.equal(read.origins.size, 6)
})

test('what is commented out in the written file is right without its marks', async (t) => {
  const all = defaultFile().replaceAll(/^( *)# ((?: {2})*(?:# .*|[a-z-]+:(?: \S+)?))$/gm, '$1$2')
  assert.deepEqual(valuesOf(await load(t, { file: all })), {
    ...defaults,
    name: 'kitchen',
    keepMessagesDays: 365,
    files: {
      ...files,
      folder: join(homedir(), 'Downloads'),
      acceptMaxBytes: 1e9,
      download: 50e6,
      upload: 10e6,
      perPeer: 5e6,
    },
    control: { web: false, port: 8021 },
    ip: '88.88.88.88',
    multicast: { ...multicast, interfaceName: 'wlan0' },
    broadcast: { ...broadcast, interfaceName: 'wlan0' },
  })
})

test('a file that is there is never written over', async (t) => {
  const settings = await load(t, { file: '# mine\n' })
  writeMissingConfig(settings)
  assert.equal(readFileSync(settings.file, 'utf8'), '# mine\n')
  const missing = await load(t, {})
  writeFileSync(missing.file, '# made meanwhile\n')
  writeMissingConfig(missing)
  assert.equal(readFileSync(missing.file, 'utf8'), '# made meanwhile\n')
})

test('a file that cannot be written is an error of the data directory', async (t) => {
  const settings = await load(t, {})
  rmSync(settings.dataDir, { recursive: true })
  assert.throws(() => writeMissingConfig(settings), { code: 'data-dir-unusable' })
  mkdirSync(settings.dataDir)
})
