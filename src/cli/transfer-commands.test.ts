import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { silentLog, startNode, type P2PNode } from '../index.ts'
import { MemoryNetwork } from '../testing/index.ts'
import { plainStyle } from '../face/style.ts'
import { View } from '../face/view.ts'
import { runLine } from './command-line.ts'
import type { Outcome } from './command.ts'
import { ShellState } from './shell-state.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'p2p-transfer-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A node with something to export, and how lines are carried out. */
async function openDesk(): Promise<{
  node: P2PNode
  run: (line: string, signal?: AbortSignal) => Promise<Outcome>
}> {
  const node = await startNode({ ...new MemoryNetwork().host() })
  const state = new ShellState(node)
  const view = new View(node, plainStyle, { wholeIds: false })
  for (let number = 0; number < 3; number++)
    await runLine(contextOf(), `tell 7c21ab90-0000-8000-8000-000000000001 text ${number}`)
  return { node, run: (line, signal) => runLine(contextOf(signal), line) }

  function contextOf(signal = new AbortController().signal): Parameters<typeof runLine>[0] {
    return { state, view, log: silentLog, tell: () => {}, signal }
  }
}

test('an export that is given up leaves no half file behind', async (t) => {
  const { node, run } = await openDesk()
  await using _node = node
  const path = join(folder(t), 'all.ndjson')
  await assert.rejects(run(`export ${path}`, AbortSignal.abort()))
  assert.equal(existsSync(path), false)
  assert.match((await run(`export ${path}`)).lines?.join() ?? '', /^3 messages in /)
})

test(
  'a link in the place of an export is not followed',
  { skip: process.platform === 'win32' },
  async (t) => {
    const { node, run } = await openDesk()
    await using _node = node
    const path = folder(t)
    symlinkSync(join(path, 'target'), join(path, 'link'))
    await assert.rejects(run(`export ${join(path, 'link')}`), { code: 'file-unusable' })
    await assert.rejects(run(`export ${join(path, 'none', 'all.ndjson')}`), { code: 'file-unusable' })
    assert.deepEqual(readdirSync(path), ['link'])
  },
)
