/** C6: other users of this machine, and whoever opens connections without end, against a real `p2p serve`. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { limits } from '../../src/index.ts'
import { until } from '../app/nodes.ts'
import { homes } from '../cli/homes.ts'

const hasTool = (name: string): boolean => spawnSync(name, ['--version']).status === 0
const needsOther =
  process.getuid?.() === 0 && hasTool('setpriv') ? false : 'needs root and setpriv to be another user'
const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] as const

/** What another user of the machine gets, who tries to read the token and to connect to the socket. */
function asNobody(dataDir: string): readonly string[] {
  const script = `
    const fs = require('node:fs'), net = require('node:net')
    try { fs.readFileSync(process.argv[1] + '/control.json'); console.log('read') } catch (error) { console.log(error.code) }
    const socket = net.connect(process.argv[1] + '/control.sock', () => { console.log('connected'); process.exit() })
    socket.on('error', (error) => console.log(error.code))`
  const { stdout, stderr } = spawnSync(
    nobody[0],
    [...nobody.slice(1), process.execPath, '-e', script, dataDir],
    {
      encoding: 'utf8',
      cwd: '/',
    },
  )
  assert.equal(stderr, '')
  return stdout.trim().split('\n')
}

test(
  'C6: another user reads no token and reaches no socket; twin: with open doors, he does',
  { skip: needsOther, timeout: 120_000 },
  async (t) => {
    const { serve, file } = homes(t)
    await serve('desk')
    const dataDir = file('desk')
    chmodSync(dirname(dataDir), 0o755)
    assert.deepEqual(asNobody(dataDir), ['EACCES', 'EACCES'])
    // The folder alone is not what keeps him out.
    chmodSync(dataDir, 0o755)
    assert.deepEqual(asNobody(dataDir), ['EACCES', 'EACCES'])
    chmodSync(join(dataDir, 'control.json'), 0o644)
    chmodSync(join(dataDir, 'control.sock'), 0o666)
    assert.deepEqual(asNobody(dataDir), ['read', 'connected'])
  },
)

test(
  'C6: a data directory or link that another user has put there is not used',
  { skip: needsOther, timeout: 120_000 },
  async (t) => {
    const { p2p, file } = homes(t)
    chmodSync(dirname(file('desk')), 0o777)
    spawnSync(nobody[0], [...nobody.slice(1), 'mkdir', file('desk')], { cwd: '/' })
    spawnSync(nobody[0], [...nobody.slice(1), 'ln', '-s', '/tmp', join(file('desk'), 'control.sock')], {
      cwd: '/',
    })
    const made = await p2p('desk', '--port', '0', '--timeout', '20', 'serve')
    assert.equal(made.status, 73, made.out + made.err)
    assert.match(made.err, /^p2p: .*desk/)
    // Twin: what our own user has made is used, also when a link stands where the socket will be.
    mkdirSync(file('kitchen'), { mode: 0o700 })
    symlinkSync('/tmp', join(file('kitchen'), 'control.sock'))
    const own = await p2p('kitchen', '--port', '0', '--timeout', '2', 'serve')
    assert.match(own.out, /^p2p serves/)
  },
)

test(
  'with 256 file descriptors it serves again at once after a thousand connections',
  { skip: hasTool('prlimit') ? false : 'needs prlimit', timeout: 120_000 },
  async (t) => {
    const { serveIn, p2p, file } = homes(t)
    const { child } = await serveIn(['prlimit', '--nofile=256'], 'desk')
    const sockets: Socket[] = []
    let closed = 0
    for (let opened = 0; opened < 1_000; opened++) {
      const socket = connect(join(file('desk'), 'control.sock'))
      socket
        .on('error', () => {})
        .on('close', () => closed++)
        .resume()
      sockets.push(socket)
    }
    await until(() => closed >= 1_000 - limits.controlConnections, 'the end of those above the limit', 30_000)
    for (const socket of sockets) socket.destroy()
    await until(() => closed === 1_000, 'the end of all', 30_000)
    const since = performance.now()
    const { status, err } = await p2p('desk', '--json', 'peers')
    assert.equal(status, 0, err)
    t.diagnostic(`${(performance.now() - since).toFixed(0)} ms until the next command was answered`)
    assert.equal(child.exitCode, null)
  },
)
