/** What is stored stays, whatever happens to process and disk; what is not, was refused. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { assertSurvivesKills } from '../../test/store/killed-writers.ts'
import {
  ann,
  bo,
  message,
  messagesPath,
  messagesPrelude,
  reference,
  theirs,
} from '../../test/store/messages.ts'
import { peer } from '../../test/store/pins.ts'
import { openMessageStore } from './message-store.ts'

test('a process that is killed at 60 points loses and doubles nothing that it stored', async (t) => {
  await assertSurvivesKills(messagesPath(t), 60)
})

const mounts = process.platform === 'linux' && process.getuid?.() === 0
const noMounts = mounts ? false : 'needs root on Linux, to mount a small disk'

/** Runs `source` in mounts of its own, after `setUp`; `disk` is a directory that it may mount. */
function mounted(folder: string, setUp: string, source: string): readonly string[] {
  const disk = mkdtempSync(join(folder, 'disk-'))
  const code = `const disk = ${JSON.stringify(disk)}; const path = disk + '/messages.db'; ${messagesPrelude}; ${source}`
  const script = `${setUp} && exec "$2" --input-type=module --eval "$3"`
  const args = ['-m', 'sh', '-c', script, 'sh', disk, process.execPath, code]
  const child = spawnSync('unshare', args, { encoding: 'utf8' })
  assert.equal(child.stderr, '')
  return child.stdout.trim().split('\n')
}

test(
  'a full disk refuses whole ticks, says so, and is over when there is space again',
  { skip: noMounts },
  (t) => {
    const output = mounted(
      dirname(messagesPath(t)),
      'mount -t tmpfs -o size=600k tmpfs "$1"',
      `
    import { rmSync, writeFileSync } from 'node:fs'
    const store = await openMessageStore({ path })
    const [first] = await store.add([message(1), theirs(1)])
    await store.mark(ann, { delivered: 1 })
    try { writeFileSync(disk + '/filler', Buffer.alloc(1 << 20)) } catch {}
    const codes = new Set()
    let place = 1
    let before
    try {
      for (;;) {
        before = JSON.stringify([store.history({ limit: 1000 }), store.pending(), store.conversation(ann).lastPlace])
        const writes = [store.add([message(++place), message(++place, { text: 'y'.repeat(20_000) })]), store.mark(ann, { read: 1 })]
        const both = await Promise.allSettled(writes)
        for (const { reason } of both) if (reason) throw Object.assign(reason, { count: both.filter((one) => one.reason === reason).length })
        await store.add([theirs(place)])
      }
    } catch (error) {
      console.log(error.code, error.message.includes('the disk is full. Free some space.'), error.count)
    }
    console.log(JSON.stringify([store.history({ limit: 1000 }), store.pending(), store.conversation(ann).lastPlace]) === before)
    console.log(store.history({ search: 'text', limit: 1 }).length)
    rmSync(disk + '/filler')
    await store.add([message(500, { text: 'after' })])
    await store[Symbol.asyncDispose]()
    const again = await openMessageStore({ path })
    console.log(again.damage, again.history({ limit: 1 })[0].text, again.history({ limit: 1000 }).length === JSON.parse(before)[0].length + 1)`,
    )
    assert.deepEqual(output, ['store-unwritable true 2', 'true', '1', 'undefined after true'])
  },
)

test(
  'a disk that becomes read-only refuses, what is stored can be read, and it is over in place',
  { skip: noMounts },
  (t) => {
    const output = mounted(
      dirname(messagesPath(t)),
      'mount -t tmpfs -o size=4m tmpfs "$1"',
      `
    import { execFileSync } from 'node:child_process'
    import { DatabaseSync } from 'node:sqlite'
    const store = await openMessageStore({ path })
    await store.add([message(1)])
    const other = new DatabaseSync(path)
    other.exec('BEGIN EXCLUSIVE')
    const refused = await store.add([message(2)]).catch((error) => error)
    console.log(refused.code, refused.message.includes('another program has it open'), store.history({ limit: 9 }).length)
    other.exec('ROLLBACK')
    other.close()
    await store.add([message(2)])
    console.log(store.history({ limit: 9 }).length)`,
    )
    assert.deepEqual(output, ['store-unwritable true 1', '2'])
  },
)

test('a file that may only be read from the start is told, and stays as it is', { skip: noMounts }, (t) => {
  const path = messagesPath(t)
  const output = mounted(
    dirname(path),
    'mount --bind "$1" "$1"',
    `
    import { execFileSync } from 'node:child_process'
    import { readdirSync, readFileSync } from 'node:fs'
    { await using store = await openMessageStore({ path }); await store.add([message(1)]) }
    const before = readFileSync(path)
    execFileSync('mount', ['-o', 'remount,ro,bind', disk])
    const store = await openMessageStore({ path })
    console.log(store.damage.includes('so no message can be stored'), store.history({ limit: 9 }).length)
    const refused = await store.add([message(2)]).catch((error) => error)
    console.log(refused.code, refused.message.length > 20, store.conversation(ann)?.lastPlace)
    await store[Symbol.asyncDispose]()
    console.log(before.equals(readFileSync(path)), readdirSync(disk).join())`,
  )
  assert.deepEqual(output, ['true 1', 'store-unwritable true 1', 'true messages.db'])
})

const noTrace = process.platform === 'linux' ? false : 'needs strace'

test(
  'what was added in one tick is on the disk, with one flush, before it is told',
  { skip: noTrace },
  (t) => {
    const path = messagesPath(t)
    const source = `${messagesPrelude}
    import { writeSync } from 'node:fs'
    await using store = await openMessageStore({ path: ${JSON.stringify(path)} })
    await store.add([message(1)])
    writeSync(1, 'before\\n')
    await Promise.all([store.add([message(2)]), store.add([theirs(1)]), store.mark(ann, { seen: 1 })])
    writeSync(1, 'after\\n')`
    const trace = `${path}.trace`
    const args = ['-f', '-y', '-o', trace, '-e', 'trace=fsync,fdatasync,write,pwrite64']
    spawnSync('strace', [...args, process.execPath, '--input-type=module', '--eval', source])
    const text = readFileSync(trace, 'utf8')
    const tick = text.slice(text.indexOf('"before'), text.indexOf('"after'))
    const calls = [...tick.matchAll(/^\d+ +(?:fdata|f)?(sync|pwrite64)\((?:\d+<)([^>"]+)/gm)]
    const order = calls.map(([, call = '', file = '']) => `${call} ${basename(file)}`)
    assert.equal(order.filter((entry) => entry === 'sync messages.db-wal').length, 1)
    assert.equal(order.at(-1), 'sync messages.db-wal')
  },
)

test('a tick of which one write fails is taken back as a whole, in memory and in all answers', async (t) => {
  const path = messagesPath(t)
  await using store = await openMessageStore({ path })
  await store.add([message(1), message(2), theirs(1), message(1, { peerId: reference })])
  await store.mark(ann, { delivered: 1 })
  using other = new DatabaseSync(path)
  other.exec(`CREATE TRIGGER refusal BEFORE INSERT ON messages WHEN new.text = 'refused'
    BEGIN SELECT RAISE(ABORT, 'not this one'); END`)
  const all = () => [
    store.conversations().toSorted((a, b) => (a.peerId < b.peerId ? -1 : 1)),
    store.history({ limit: 9 }),
    store.history({ peerId: ann, limit: 9 }),
    store.pending(),
    store.acquaintances(),
    store.message(message(1).id),
  ]
  const before = all()
  const tick = [
    store.mark(ann, { delivered: 2, seen: 1 }),
    store.renameConversation(ann, peer(7).id),
    store.add([message(1, { peerId: bo })]),
    store.meet({ peerId: bo, seenAtMs: 1, addresses: [] }),
    store.add([message(2, { peerId: reference }), message(3, { peerId: reference, text: 'refused' })]),
  ]
  const ends = await Promise.allSettled(tick)
  assert.deepEqual(
    ends.map(
      (end) =>
        end.status === 'rejected' && end.reason instanceof Error && 'code' in end.reason && end.reason.code,
    ),
    tick.map(() => 'store-unwritable'),
  )
  assert.deepEqual(all(), before)
  await store.add([message(3)])
  assert.equal(store.conversation(ann)?.lastPlace, 3)
})

test('the files are for their owner only, and a closed store leaves one', async (t) => {
  const path = messagesPath(t)
  const store = await openMessageStore({ path })
  await store.add([message(1)])
  if (process.platform !== 'win32')
    for (const name of readdirSync(dirname(path)))
      assert.equal(statSync(join(dirname(path), name)).mode & 0o777, 0o600)
  await store[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
  assert.deepEqual(readdirSync(dirname(path)), ['messages.db'])
  await assert.rejects(store.add([message(2)]), { code: 'node-stopped' })
  assert.throws(() => store.history({ limit: 1 }), { code: 'node-stopped' })
})

test('what was added when the store closes is stored', async (t) => {
  const path = messagesPath(t)
  const store = await openMessageStore({ path })
  const added = store.add([message(1), theirs(1)])
  await store[Symbol.asyncDispose]()
  assert.equal((await added).length, 2)
  await using again = await openMessageStore({ path })
  assert.equal(again.conversation(ann)?.lastPlace, 1)
})
