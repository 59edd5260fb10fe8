/** What helps to use p2p: completion, hooks, the manual page, the service, the configuration. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { serviceFile } from '../../src/cli/service.ts'
import { commands } from '../../src/cli/commands.ts'
import { Hooks } from '../../src/cli/hooks.ts'
import { limits } from '../../src/index.ts'
import { until } from '../app/nodes.ts'
import { temporaryDir } from '../control/open.ts'
import { homes } from './homes.ts'

const hasShell = (name: string): boolean => spawnSync(name, ['--version']).status === 0

for (const shell of ['bash', 'zsh', 'fish'])
  test(
    `the completion for ${shell} is a script that ${shell} understands`,
    { skip: !hasShell(shell) },
    async (t) => {
      const { p2p, file } = homes(t)
      const { out, status } = await p2p('desk', 'completion', shell)
      assert.equal(status, 0)
      writeFileSync(file('script'), out)
      assert.equal(spawnSync(shell, ['-n', file('script')], { encoding: 'utf8' }).stderr, '')
    },
  )

test('without a running node Tab completes commands and starts nothing', async (t) => {
  const { p2p, file } = homes(t)
  assert.equal((await p2p('desk', '__complete', '--', 'tel')).out, 'tell\n')
  assert.equal((await p2p('desk', '__complete', '--', 'tell', '')).out, '')
  assert.equal(existsSync(file('desk')), false)
  assert.equal((await p2p('desk', 'completion', 'tcsh')).status, 64)
})

test('a hook reads each event, which is no part of its command', { timeout: 120_000 }, async (t) => {
  const { serve, start, p2p, file } = homes(t)
  const [desk] = await Promise.all([serve('desk'), serve('kitchen')])
  start('desk', 'events', '--exec', `cat >> '${file('heard')}'`)
  const evil = `'; touch ${file('owned')}; $(touch ${file('owned')})`
  const heard = (): readonly { type: string; message?: { text: string } }[] =>
    existsSync(file('heard'))
      ? readFileSync(file('heard'), 'utf8')
          .trimEnd()
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as { type: string })
      : []
  // It is not told what was before it listened.
  await until(
    async () => {
      await p2p('kitchen', 'tell', desk.id, evil)
      return heard().some(({ type }) => type === 'message:received')
    },
    'the hook',
    60_000,
  )
  assert.equal(heard().find(({ type }) => type === 'message:received')?.message?.text, evil)
  assert.equal(existsSync(file('owned')), false)
})

test('the manual page names every command, and troff finds no mistake in it', async (t) => {
  const { p2p, file } = homes(t)
  const { out } = await p2p('desk', 'man')
  for (const { name } of commands) assert.ok(out.includes(`.B ${name.replaceAll('-', String.raw`\-`)}`), name)
  if (!hasShell('groff')) return
  writeFileSync(file('p2p.1'), out)
  const { stderr, status } = spawnSync('groff', ['-man', '-ww', '-Tutf8', '-z', file('p2p.1')], {
    encoding: 'utf8',
  })
  assert.deepEqual([status, stderr], [0, ''])
})

test('the service starts exactly the command, whatever is in its path', () => {
  const start = ['/usr/bin/node', String.raw`/home/a b/"q"\100%$x/p2p`, 'serve']
  const unit = serviceFile('linux', start).text
  assert.ok(unit.includes(String.raw`ExecStart=/usr/bin/node "/home/a b/\"q\"\\100%%$$x/p2p" serve`), unit)
  assert.match(serviceFile('darwin', ['/a&b', 'serve']).text, /<string>\/a&amp;b<\/string>/)
  assert.throws(() => serviceFile('win32', start), { code: 'usage' })
})

test('the service is installed and shown as one is told to, and its system understands it', async (t) => {
  const { p2p, file } = homes(t)
  const unit = file('p2p.service')
  const shown = await p2p('desk', 'service', 'install', '--print')
  assert.equal(shown.status, 0, shown.err)
  assert.equal((await p2p('desk', 'service', 'print')).out, shown.out)
  writeFileSync(unit, shown.out)
  if (hasShell('systemd-analyze')) {
    const env = { ...process.env, XDG_RUNTIME_DIR: dirname(unit) }
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--user', unit], {
      encoding: 'utf8',
      env,
    })
    assert.deepEqual(
      [status, stderr.split('\n').filter((line) => line.includes('p2p.service'))],
      [0, []],
      stderr,
    )
  }
  assert.equal((await p2p('desk', 'service', 'remove')).status, 64)
  const { text } = serviceFile('darwin', ['/usr/bin/a & b', '"<serve>"'])
  writeFileSync(file('p2p.plist'), text)
  const read =
    'import plistlib, json, sys; print(json.dumps(plistlib.load(open(sys.argv[1], "rb"))["ProgramArguments"]))'
  const { stdout } = spawnSync('python3', ['-c', read, file('p2p.plist')], { encoding: 'utf8' })
  assert.deepEqual(JSON.parse(stdout), ['/usr/bin/a & b', '"<serve>"'])
})

test('slow and failing hooks keep nobody waiting: few run at once, the rest waits or is left out, and it is said', async (t) => {
  const folder = temporaryDir(t)
  const told: string[] = []
  const event = { type: 'node:stopped', at: new Date() } as const
  const count = (name: string): number => readFileSync(join(folder, name), 'utf8').split('\n').length - 1
  // Each notes that it began, and goes on only when it is let.
  const hooks = new Hooks(
    `cd '${folder}' && echo x >> began && while [ ! -e go ]; do sleep 0.05; done; exit 3`,
    (line) => told.push(line),
  )
  const extra = 10
  const all = limits.hooksAtOnce + limits.hooksWaiting + extra
  for (let sent = 0; sent < all; sent++) hooks.run(event)
  await until(
    () => existsSync(join(folder, 'began')) && count('began') === limits.hooksAtOnce,
    'the first hooks',
    30_000,
  )
  assert.deepEqual(told, [])
  writeFileSync(join(folder, 'go'), '')
  await until(() => count('began') === all - extra, 'the end of those that waited', 60_000)
  assert.deepEqual(told, [`${extra} events were left out: the command is too slow for them.`])
})

test('the configuration is shown with where each value comes from', async (t) => {
  const { p2p } = homes(t)
  const { out } = await p2p('desk', '--name', 'kitchen', 'config')
  assert.match(out, /^name +kitchen +\(--name\)$/m)
  assert.match(out, /^explorer\.period +1000 +\(.*config\.yaml:2:\d+\)$/m)
  assert.match(out, /^policy +open +\(default\)$/m)
  const told = JSON.parse((await p2p('desk', '--json', 'config')).out) as {
    v: number
    values: { key: string }[]
  }
  assert.equal(told.v, 1)
  assert.ok(told.values.some(({ key }) => key === 'files.parallel'))
})
