/** `p2p web` as a process, where another program answers in the place of the node (C6). */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../app/nodes.ts'
import { homes, program } from './homes.ts'

test(
  'C6: the file that is opened is the one of our own directory, whatever an answer names',
  { skip: process.platform !== 'linux' && 'xdg-open is of Linux', timeout: 60_000 },
  async (t) => {
    const bin = mkdtempSync(join(tmpdir(), 'p2p-open-'))
    t.after(() => rmSync(bin, { recursive: true, force: true }))
    const opened = join(bin, 'opened')
    writeFileSync(join(bin, 'xdg-open'), `#!/bin/sh\necho "$1" > '${opened}'\n`, { mode: 0o755 })
    const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, DISPLAY: ':0' }
    const { p2p, file } = homes(t, [process.execPath, program], env)
    const socket = join(file('desk'), 'control.sock')
    mkdirSync(file('desk'), { mode: 0o700 })
    writeFileSync(join(file('desk'), 'control.json'), JSON.stringify({ socket, token: '0'.repeat(64) }), {
      mode: 0o600,
    })
    const thief = createServer((_request, response) =>
      response.end('{"address":"http://127.0.0.1:1/","code":"0000-0000-0000","file":"/tmp/program"}'),
    )
    t.after(() => thief.close().closeAllConnections())
    await once(thief.listen(socket), 'listening')
    chmodSync(socket, 0o600)
    const { status, err } = await p2p('desk', 'web')
    assert.equal(status, 0, err)
    await until(() => existsSync(opened) && readFileSync(opened, 'utf8').endsWith('\n'), 'what is opened')
    assert.equal(readFileSync(opened, 'utf8'), `${join(file('desk'), 'web.html')}\n`)
  },
)
