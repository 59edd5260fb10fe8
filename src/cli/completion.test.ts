import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startNode, type Files, type P2PNode, type SharedFile } from '../index.ts'
import { MemoryNetwork } from '../testing/index.ts'
import { complete } from './completion.ts'
import { ShellState } from './shell-state.ts'

/** A shell whose peers list what they are told to. */
async function openShell(
  names: readonly string[],
): Promise<AsyncDisposable & { state: ShellState; other: P2PNode }> {
  const lan = new MemoryNetwork()
  const node = await startNode({ ...lan.host() })
  const other = await startNode({ ...lan.host() })
  await node.peers.waitFor({ id: other.id })
  const entries = names.map((name): SharedFile => {
    const kind = name.endsWith('/') ? 'folder' : 'file'
    const path = name.replace(/\/$/, '')
    return { peerId: other.id, path, kind, sizeBytes: 0, modifiedAtMs: 0, id: undefined }
  })
  const list: Files['list'] = () => Promise.resolve({ entries, next: '' })
  const files: Files = Object.create(node.files, { list: { value: list } })
  const state = new ShellState(Object.create(node, { files: { value: files } }))
  return {
    state,
    other,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([node.close(), other.close()])
    },
  }
}

test('Tab goes on with what a peer lists, as it has to be typed', async () => {
  await using shell = await openShell(['beach.jpg', 'my photos/', `it's.txt`])
  const { state, other } = shell
  const peer = other.id
  assert.deepEqual(await complete(state, `ls ${peer.slice(0, 4)}`), [[`${peer}:`], peer.slice(0, 4)])
  assert.deepEqual(await complete(state, `get ${peer}:be`), [[`${peer}:beach.jpg`], `${peer}:be`])
  assert.deepEqual(await complete(state, `get x ${peer}:in/my`), [
    [`'${peer}:in/my photos/`],
    `${peer}:in/my`,
  ])
  assert.deepEqual(await complete(state, `get '${peer}:in/my`), [
    [`'${peer}:in/my photos/`],
    `'${peer}:in/my`,
  ])
  assert.deepEqual(await complete(state, `get ${peer}:it`), [[`"${peer}:it's.txt"`], `${peer}:it`])
  assert.deepEqual(await complete(state, 'get 00000000:a'), [[], '00000000:a'])
})

test('Tab goes on with paths of this machine, after the peer and after --to', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-tab-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'photos'))
  writeFileSync(join(folder, 'plan.txt'), '')
  writeFileSync(join(folder, '.hidden'), '')
  await using shell = await openShell([])
  const offers = [`${folder}/photos/`, `${folder}/plan.txt`]
  assert.deepEqual(await complete(shell.state, `share ${folder}/p`), [offers, `${folder}/p`])
  assert.deepEqual(await complete(shell.state, `send ${shell.other.id} ${folder}/`), [offers, `${folder}/`])
  assert.deepEqual(await complete(shell.state, `get 1:x --to ${folder}/ph`), [
    [`${folder}/photos/`],
    `${folder}/ph`,
  ])
  assert.deepEqual(await complete(shell.state, `share ${folder}/.h`), [[`${folder}/.hidden`], `${folder}/.h`])
  assert.deepEqual(await complete(shell.state, 'send '), [[shell.other.id], ''])
})

test('L1, F7: a name that could command the terminal is not offered, as readline writes it as it is', async () => {
  await using shell = await openShell(['good', 'ev\u001b[2Jil', 'turned\u202Egpj', 'two\nlines'])
  assert.deepEqual(await complete(shell.state, 'get 1:'), [['1:good'], '1:'])
})
