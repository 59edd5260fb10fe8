/** K6: whatever happens to the file, nobody is trusted who was not trusted before, and the user is told. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { childPrelude, peer, pin, referencePin, trustPath, verified } from '../../test/store/pins.ts'
import { pinOf } from './pin-row.ts'
import { openTrustStore, type Pin } from './trust-store.ts'

const folderOf = (path: string) => readdirSync(dirname(path)).sort()

/** Bytes of a file with a past, so that what was there once could come back, and the pins that it holds. */
async function fileWithPast(t: TestContext): Promise<{ bytes: Buffer; pins: ReadonlyMap<string, Pin> }> {
  const path = trustPath(t)
  {
    using store = await openTrustStore({ path })
    store.put(...Array.from({ length: 48 }, (_, n) => pin(n, { ...verified, alias: `earlier ${n}` })))
    for (let n = 0; n < 48; n += 4) {
      store.put(pin(n, { trust: 'blocked' }), pin(n + 1), pin(n + 2, { ...verified, alias: `later ${n}` }))
      if (n % 8 === 0) store.delete(peer(n + 3).id)
    }
    store.put(
      pin(100, { trust: 'replaced', successor: peer(101).id, counter: 7 }),
      pin(101, { trust: 'succeeded' }),
    )
    store.put(referencePin())
  }
  using store = await openTrustStore({ path })
  assert.equal(store.damage, undefined)
  return { bytes: readFileSync(path), pins: new Map(store.all().map((one) => [one.id, one])) }
}

/** Opens `bytes` as the file of a store, which must say nothing that `pins` does not, and tell what it misses. */
async function assertFailsClosed(
  path: string,
  bytes: Uint8Array,
  pins: ReadonlyMap<string, Pin>,
): Promise<boolean> {
  for (const name of readdirSync(dirname(path))) rmSync(join(dirname(path), name), { recursive: true })
  writeFileSync(path, bytes)
  let told: string | undefined
  {
    using store = await openTrustStore({ path })
    for (const one of store.all()) assert.deepEqual(one, pins.get(one.id))
    if (store.all().length < pins.size) assert.ok(store.damage, 'something is missing and nothing is told')
    told = store.damage?.code
    if (told === 'trust-damaged') {
      assert.deepEqual(readFileSync(`${path}.damaged-1`), Buffer.from(bytes), 'no copy is kept')
      store.put(pin(500, verified))
    } else if (told !== undefined) {
      assert.deepEqual(readFileSync(path), Buffer.from(bytes), 'a file that is not understood was changed')
      assert.throws(() => store.put(pin(500)), { code: 'trust-unwritable' })
    }
  }
  if (told === 'trust-damaged') {
    using again = await openTrustStore({ path })
    assert.equal(again.damage, undefined, 'damage is told twice')
    assert.deepEqual(again.get(peer(500).id), pin(500, verified))
  }
  return told !== undefined
}

/** Numbers below `below` that are the same in every run. */
function* numbers(count: number, below: number): Generator<number> {
  let state = 20_261
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state % below
  }
}

test('K6: no flipped bit makes a pin that was not there, and none that loses one goes unnoticed', async (t) => {
  const { bytes, pins } = await fileWithPast(t)
  const path = trustPath(t)
  // Two bits of each byte of the header, which says most in the least space.
  const header = Array.from({ length: 108 * 2 }, (_, index) => index * 4 + (index % 3))
  let noticed = 0
  for (const bit of [...header, ...numbers(1000, bytes.length * 8)]) {
    const flipped = Uint8Array.from(bytes)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    if (await assertFailsClosed(path, flipped, pins)) noticed++
  }
  assert.ok(noticed > 200, `only ${noticed} flips were noticed`)
})

test('K6 twin: without the check value a flipped bit makes pins that were not there', async (t) => {
  const { bytes, pins } = await fileWithPast(t)
  const path = trustPath(t)
  const invented = (checks: boolean) => {
    using database = new DatabaseSync(path)
    const rows = database.prepare('SELECT * FROM pins')
    rows.setReadBigInts(true)
    return rows.all().some((row) => {
      const read = pinOf(row, checks)
      return read !== undefined && JSON.stringify(read) !== JSON.stringify(pins.get(read.id))
    })
  }
  let without = 0
  for (let at = bytes.indexOf('later '); at >= 0 && without < 3; at = bytes.indexOf('later ', at + 1)) {
    const flipped = Uint8Array.from(bytes)
    flipped[at]! ^= 1
    writeFileSync(path, flipped)
    if (invented(false)) without++
    assert.ok(!invented(true))
  }
  assert.equal(without, 3)
})

test('K6: a pin that was raised to verified by another hand is dropped and told', async (t) => {
  const path = trustPath(t)
  {
    using store = await openTrustStore({ path })
    store.put(pin(1), pin(2, verified))
  }
  const raise = `UPDATE pins SET trust = 'verified', method = 'code' WHERE trust = 'seen'`
  {
    using database = new DatabaseSync(path)
    database.exec(raise)
    const row = database
      .prepare('SELECT * FROM pins WHERE id = ?')
      .get(Buffer.from(peer(1).id.replaceAll('-', ''), 'hex'))
    assert.equal(pinOf(row!, false)?.trust, 'verified', 'twin: without the check value it is believed')
  }
  using store = await openTrustStore({ path })
  assert.deepEqual(store.all(), [pin(2, verified)])
  assert.match(
    store.damage?.message ?? '',
    /entries have changed.*that are lost: 1\. It is kept as .*\.damaged-1\. Verify/,
  )
})

test('K6: a row whose key is not that of its ID is dropped, whatever its check value says', async (t) => {
  const path = trustPath(t)
  {
    using store = await openTrustStore({ path })
    store.put(pin(1, verified), pin(2, verified))
  }
  {
    using database = new DatabaseSync(path)
    database.prepare('UPDATE pins SET key = ? WHERE key = ?').run(peer(3).key, peer(1).key)
    const rows = database.prepare('SELECT * FROM pins').all()
    assert.deepEqual(rows.map((row) => pinOf(row, false)?.id).filter(Boolean), [peer(2).id])
  }
  using store = await openTrustStore({ path })
  assert.deepEqual(store.all(), [pin(2, verified)])
})

test('K6: a file that was cut off anywhere fails closed', async (t) => {
  const { bytes, pins } = await fileWithPast(t)
  const path = trustPath(t)
  for (let page = 0; page <= bytes.length; page += 4096) {
    for (const size of [page - 1, page, page + 1, page + 2000]) {
      if (size >= 0 && size < bytes.length)
        assert.ok(await assertFailsClosed(path, bytes.subarray(0, size), pins))
    }
  }
  assert.ok(!(await assertFailsClosed(path, bytes, pins)), 'the whole file is in order')
})

test('K6: pages that are lost, doubled, swapped or filled with something else fail closed', async (t) => {
  const { bytes, pins } = await fileWithPast(t)
  const path = trustPath(t)
  const pages = bytes.length / 4096
  assert.ok(pages > 5)
  for (let page = 1; page < pages; page++) {
    for (const other of [Buffer.alloc(4096), Buffer.alloc(4096, 0xff), bytes.subarray(4096, 8192)]) {
      const changed = Buffer.from(bytes)
      other.copy(changed, page * 4096)
      if (!changed.equals(bytes)) await assertFailsClosed(path, changed, pins)
    }
    const swapped = Buffer.from(bytes)
    bytes.copy(swapped, page * 4096, (pages - 1) * 4096)
    bytes.copy(swapped, (pages - 1) * 4096, page * 4096, (page + 1) * 4096)
    await assertFailsClosed(path, swapped, pins)
  }
})

test('K6: rubbish in the place of the file is kept aside, each time under a name of its own', async (t) => {
  const path = trustPath(t)
  const rubbish = ['', 'x', 'SQLite format 3\0', '\0'.repeat(8192), 'text\n'.repeat(4000)]
  for (const [index, text] of rubbish.entries()) {
    writeFileSync(path, text)
    using store = await openTrustStore({ path })
    assert.equal(store.damage?.code, 'trust-damaged', `case ${index}`)
    assert.ok(store.damage.message.includes(`${path}.damaged-${index + 1}.`))
    assert.deepEqual(store.all(), [])
  }
  for (const [index, text] of rubbish.entries())
    assert.equal(readFileSync(`${path}.damaged-${index + 1}`, 'utf8'), text)
})

test('K6: a directory in the place of the file is kept aside', async (t) => {
  const path = trustPath(t)
  mkdirSync(join(path, 'within'), { recursive: true })
  using store = await openTrustStore({ path })
  assert.match(store.damage?.message ?? '', /was damaged \(it is not a file\)/)
  store.put(pin(1, verified))
  assert.ok(existsSync(`${path}.damaged-1/within`))
})

test('K6: a database of somebody else is kept aside', async (t) => {
  const path = trustPath(t)
  {
    using database = new DatabaseSync(path)
    database.exec('CREATE TABLE pins (id); PRAGMA user_version = 1')
  }
  using store = await openTrustStore({ path })
  assert.equal(store.damage?.code, 'trust-damaged')
  assert.deepEqual(folderOf(path), ['trust.db', 'trust.db.damaged-1'])
})

test('K6: a file of a newer p2p is left as it is, and nobody is told that anything was kept', async (t) => {
  const path = trustPath(t)
  {
    using store = await openTrustStore({ path })
    store.put(pin(1, verified))
  }
  {
    using database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 1000')
  }
  const before = readFileSync(path)
  using store = await openTrustStore({ path })
  assert.equal(store.damage?.code, 'trust-unwritable')
  assert.match(store.damage.message, /has version 1000 .* Update p2p/)
  assert.deepEqual(store.all(), [])
  assert.throws(() => store.put(pin(2)), { code: 'trust-unwritable', message: /Update p2p/ })
  assert.deepEqual(store.all(), [])
  assert.deepEqual(readFileSync(path), before)
  assert.deepEqual(folderOf(path), ['trust.db'])
})

test('K6: a directory that does not exist is told and nothing is kept', async (t) => {
  const path = join(dirname(trustPath(t)), 'missing', 'trust.db')
  using store = await openTrustStore({ path })
  assert.equal(store.damage?.code, 'trust-unwritable')
  assert.throws(() => store.put(pin(1)), { code: 'trust-unwritable' })
})

test('K6: a link that leads nowhere is replaced by a file', async (t) => {
  const path = trustPath(t)
  symlinkSync(`${path}.nowhere`, path)
  using store = await openTrustStore({ path })
  assert.equal(store.damage, undefined)
  store.put(pin(1))
  assert.deepEqual(folderOf(path), ['trust.db'])
})

const mounts = process.platform === 'linux' && process.getuid?.() === 0
const noMounts = mounts ? false : 'needs root on Linux, to mount a directory read-only'

test(
  'K6: what a file says that may only be read holds, and nothing new is stored',
  { skip: noMounts },
  async (t) => {
    const path = trustPath(t)
    {
      using store = await openTrustStore({ path })
      store.put(pin(1, verified))
    }
    const script =
      'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && exec "$2" --input-type=module --eval "$3"'
    const source = `${childPrelude}
    for (const name of ['trust.db', 'none.db', 'rubbish.db']) {
      const path = ${JSON.stringify(dirname(path))} + '/' + name
      using store = await openTrustStore({ path })
      let code
      try { store.put(pin(1)) } catch (error) { code = error.code }
      console.log(name, store.damage.code, store.get(pin(1).id)?.trust, code)
    }`
    const args = ['-m', 'sh', '-c', script, 'sh', dirname(path), process.execPath, source]
    const child = spawnSync('unshare', args, { encoding: 'utf8' })
    assert.equal(child.stderr, '')
    assert.deepEqual(child.stdout.trim().split('\n'), [
      'trust.db trust-unwritable verified trust-unwritable',
      'none.db trust-unwritable undefined trust-unwritable',
      'rubbish.db trust-unwritable undefined trust-unwritable',
    ])
  },
)

/** Leaves `path` as a process does that is killed while it writes much, with its journal; nothing is committed. */
async function killedWhileWriting(path: string): Promise<readonly Pin[]> {
  const before = Array.from({ length: 200 }, (_, n) => pin(n, { alias: `before ${n}` }))
  {
    using store = await openTrustStore({ path })
    store.put(...before)
  }
  const draft = `${path}.draft`
  copyFileSync(path, draft)
  const database = new DatabaseSync(draft)
  database.exec('PRAGMA synchronous = EXTRA; PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN')
  database.exec(`UPDATE pins SET alias = 'after ' || alias, trust = 'verified', method = 'code'`)
  copyFileSync(draft, path)
  copyFileSync(`${draft}-journal`, `${path}-journal`)
  database.close()
  rmSync(draft)
  return before
}

test('K6: what was half written when the process was killed is taken back', async (t) => {
  const path = trustPath(t)
  const before = await killedWhileWriting(path)
  assert.ok(readFileSync(path).includes('after before'), 'nothing was half written')
  using store = await openTrustStore({ path })
  assert.equal(store.damage, undefined)
  assert.deepEqual(
    new Set(store.all().map((one) => JSON.stringify(one))),
    new Set(before.map((one) => JSON.stringify(one))),
  )
})

test('K6: without the journal, what was half written is not believed', async (t) => {
  const path = trustPath(t)
  const before = new Map((await killedWhileWriting(path)).map((one) => [one.id, one]))
  rmSync(`${path}-journal`)
  using store = await openTrustStore({ path })
  assert.equal(store.damage?.code, 'trust-damaged')
  for (const one of store.all()) assert.deepEqual(one, before.get(one.id))
})

test('K6: a journal whose file is gone is not played into the next one', async (t) => {
  const path = trustPath(t)
  await killedWhileWriting(path)
  rmSync(path)
  using store = await openTrustStore({ path })
  assert.deepEqual(store.all(), [])
  store.put(pin(1))
  assert.deepEqual(store.all(), [pin(1)])
  assert.deepEqual(folderOf(path), ['trust.db'])
})

test('K6: the journal of a damaged file is kept aside with it', async (t) => {
  const path = trustPath(t)
  await killedWhileWriting(path)
  writeFileSync(path, 'rubbish')
  {
    using store = await openTrustStore({ path })
    assert.equal(store.damage?.code, 'trust-damaged')
  }
  using again = await openTrustStore({ path })
  assert.equal(again.damage, undefined)
  assert.ok(folderOf(path).includes('trust.db.damaged-1'))
})

test('a process that is killed while it stores has stored each change whole or not at all', async (t) => {
  const path = trustPath(t)
  const source = `${childPrelude}
    using store = await openTrustStore({ path: ${JSON.stringify(path)} })
    let counter = Math.max(0, ...store.all().map((one) => one.counter))
    for (;;) {
      counter++
      store.put(...[1, 2, 3].map((n) => pin(n, { ...verified, alias: n + ' at ' + counter, counter })))
      if (counter % 8 === 0) process.stdout.write(counter + ' ')
    }`
  for (const delay of numbers(50, 12)) {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const told = String((await once(child.stdout, 'data'))[0])
    await new Promise((resolve) => setTimeout(resolve, delay))
    child.kill('SIGKILL')
    await once(child, 'exit')
    using store = await openTrustStore({ path })
    assert.equal(store.damage, undefined)
    const counters = store.all().map((one) => one.counter)
    assert.equal(counters.length, 3)
    assert.equal(new Set(counters).size, 1, `half a change: ${counters.join()}`)
    assert.ok(counters[0]! >= Number.parseInt(told, 10), 'a change that was stored is gone')
  }
})
