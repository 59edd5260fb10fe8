/** What has to work wherever p2p was installed, whatever it was made into: two nodes that find each other, a file, the page. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { until } from '../app/nodes.ts'
import { homes, result } from './homes.ts'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }

export async function assertAllWorks(
  t: TestContext,
  command: readonly [string, ...string[]],
  env?: NodeJS.ProcessEnv,
): Promise<void> {
  const { p2p, serve, file } = homes(t, command, env)
  const said = await p2p('desk', '--version')
  assert.deepEqual([said.out, said.err, said.status], [`${version}\n`, '', 0])
  const desk = await serve('desk', '--web', '--control-port', '0')
  const kitchen = await serve('kitchen')

  await until(async () => {
    const { peers } = await result(p2p('desk', '--json', 'peers'))
    return (peers as { id: string }[]).some(({ id }) => id === kitchen.id)
  }, 'the other node in the list')
  // Many files, and one that is large: what is done by threads.
  const content = 'soup\n'.repeat(1_000_000)
  writeFileSync(file('menu.txt'), content)
  const shared = await p2p('desk', 'share', file('menu.txt'))
  assert.equal(shared.status, 0, shared.err)
  const got = await p2p('kitchen', 'get', `${desk.id}:menu.txt`, '--to', file('in'))
  assert.equal(got.status, 0, got.err + got.out)
  assert.equal(readFileSync(join(file('in'), 'menu.txt'), 'utf8'), content)

  const opened = await p2p('desk', '--json', 'web', '--code')
  assert.equal(opened.status, 0, opened.err)
  const { address, code } = JSON.parse(opened.out) as { address: string; code: string }
  const page = await (await fetch(address)).text()
  assert.match(page, /<title>p2p<\/title>/)
  for (const name of ['app.js', 'app.css', 'manifest.webmanifest'])
    assert.equal((await fetch(address + name)).status, 200, name)
  const entered = await fetch(`${address}v1/enter`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ code }),
  })
  const { token } = (await entered.json()) as { token: string }
  const state = await fetch(`${address}v1/state`, { headers: { Authorization: `Bearer ${token}` } })
  assert.equal(((await state.json()) as { node: { id: string } }).node.id, desk.id)
}
