import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { childPrelude, peer, pin, referencePin, trustPath, verified } from '../../test/store/pins.ts'
import { limits } from '../base/limits.ts'
import { openTrustStore, type Pin, type TrustStore } from './trust-store.ts'

function sorted(store: TrustStore): readonly Pin[] {
  return store.all().toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

const times = fc
  .integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 })
  .map((ms) => new Date(ms))

/** Pins of every sort that can be; aliases tell the number, so that no two are the same. */
const anyPin: fc.Arbitrary<Pin> = fc
  .record({
    number: fc.nat(30),
    sort: fc.constantFrom<Partial<Pin>>(
      {},
      { trust: 'blocked' },
      { trust: 'blocked', key: undefined },
      { trust: 'seen', key: undefined },
      { trust: 'succeeded' },
      { trust: 'replaced', successor: peer(99).id },
      { trust: 'verified', method: 'code' },
      { trust: 'verified', method: 'qr' },
      { trust: 'verified', method: 'safety-number' },
    ),
    alias: fc.constantFrom('', 'Ann', 'Ann\0', 'Åse', '👩‍👩‍👧', '\uFEFFx', "'; DROP TABLE pins; --"),
    since: times,
    metAt: times,
    protocol: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    counter: fc.maxSafeNat(),
  })
  .map(({ number, sort, alias, ...rest }) =>
    pin(number, { ...sort, alias: alias === '' ? '' : `${alias}${number}`, ...rest }),
  )

test('whatever is put and deleted is what is there, before and after a restart', async (t) => {
  const path = trustPath(t)
  const step = fc.oneof(
    fc.record({ put: fc.uniqueArray(anyPin, { maxLength: 4, selector: ({ id }) => id }) }),
    fc.record({ remove: fc.nat(30) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      rmSync(path, { force: true })
      const model = new Map<string, Pin>()
      {
        using store = await openTrustStore({ path })
        for (const one of steps) {
          if ('put' in one) {
            store.put(...one.put)
            for (const put of one.put) model.set(put.id, put)
          } else {
            store.delete(peer(one.remove).id)
            model.delete(peer(one.remove).id)
          }
        }
        const expected = [...model.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
        assert.deepEqual(sorted(store), expected)
      }
      using again = await openTrustStore({ path })
      assert.equal(again.damage, undefined)
      assert.equal(again.all().length, model.size)
      for (const [id, expected] of model)
        assert.deepEqual(
          again.all().find((one) => one.id === id),
          expected,
        )
    }),
    { numRuns: 60 },
  )
})

test('a store without a file knows what was put as long as it lives', async () => {
  using store = await openTrustStore({ path: undefined })
  store.put(pin(1), pin(2, { alias: 'Ann' }), referencePin())
  assert.deepEqual(store.get(peer(2).id), pin(2, { alias: 'Ann' }))
  store.delete(peer(1).id)
  assert.equal(store.get(peer(1).id), undefined)
  assert.deepEqual(store.all(), [pin(2, { alias: 'Ann' }), referencePin()])
  assert.equal(store.damage, undefined)
})

test('an alias that another peer has is refused, and nothing else of that call is stored', async (t) => {
  const path = trustPath(t)
  {
    using store = await openTrustStore({ path })
    store.put(pin(1, { alias: 'Ann' }))
    assert.throws(() => store.put(pin(2, verified), pin(3, { alias: 'Ann' })), { code: 'alias-taken' })
    assert.throws(() => store.put(pin(4, { alias: 'Bo' }), pin(5, { alias: 'Bo' })), { code: 'alias-taken' })
    assert.deepEqual(store.all(), [pin(1, { alias: 'Ann' })])
  }
  using again = await openTrustStore({ path })
  assert.deepEqual(again.all(), [pin(1, { alias: 'Ann' })])
})

test('an alias moves from one peer to another in one call, whichever is named first', async (t) => {
  using store = await openTrustStore({ path: trustPath(t) })
  store.put(pin(1, { alias: 'Ann' }))
  store.put(pin(2, { alias: 'Ann' }), pin(1))
  assert.equal(store.get(peer(2).id)?.alias, 'Ann')
  store.put(pin(2), pin(1, { alias: 'Ann' }))
  assert.equal(store.get(peer(1).id)?.alias, 'Ann')
})

test('of one peer named twice in a call the last pin counts', async (t) => {
  using store = await openTrustStore({ path: trustPath(t) })
  store.put(pin(1), pin(1, verified))
  assert.deepEqual(store.all(), [pin(1, verified)])
})

test('beyond limits.pins the peer without a decision that was not met for longest is forgotten', async (t) => {
  const path = trustPath(t)
  const kept = [
    pin(1, verified),
    pin(2, { trust: 'blocked' }),
    pin(3, { alias: 'Ann' }),
    pin(4, { trust: 'succeeded' }),
  ]
  {
    using store = await openTrustStore({ path, limits: { pins: 3, contacts: 9 } })
    store.put(...kept, pin(7), pin(6), pin(8))
    store.put(pin(5))
    assert.equal(store.get(peer(6).id), undefined)
    // The one that was just put stays, although it is the oldest now.
    assert.deepEqual(store.all().slice(kept.length), [pin(7), pin(8), pin(5)])
  }
  using again = await openTrustStore({ path })
  assert.deepEqual(again.all().length, kept.length + 3)
  for (const one of kept) assert.deepEqual(again.get(one.id), one)
})

test('beyond limits.contacts nobody can be named, verified or blocked until one is forgotten', async () => {
  using store = await openTrustStore({ path: undefined, limits: { pins: 3, contacts: 2 } })
  store.put(pin(1, verified), pin(2, { alias: 'Ann' }), pin(3))
  for (const change of [verified, { alias: 'Bo' }, { trust: 'blocked' }, { trust: 'succeeded' }] as const)
    assert.throws(() => store.put(pin(3, change)), { code: 'too-many', message: /Forget one first/ })
  assert.deepEqual(store.get(peer(3).id), pin(3))
  store.put(pin(2, { alias: 'Ann', trust: 'blocked' }))
  store.delete(peer(1).id)
  store.put(pin(3, verified))
})

test('with the limits of the program all of limits.pins strangers are kept, and not one more', async () => {
  using store = await openTrustStore({ path: undefined })
  store.put(...Array.from({ length: limits.pins + 1 }, (_, number) => pin(number)))
  store.put(pin(limits.pins + 1))
  assert.equal(store.all().length, limits.pins)
})

/** How many transactions SQLite counts in a file; see "file change counter" in its format. */
function transactions(path: string): number {
  return readFileSync(path).readUInt32BE(24)
}

test('strangers who are noted cost one transaction together; twin: each that is put costs one', async (t) => {
  const [path, twin] = [trustPath(t), trustPath(t)]
  const strangers = Array.from({ length: limits.newPinBurst }, (_, number) => pin(number))
  using store = await openTrustStore({ path })
  const before = transactions(path)
  for (const stranger of strangers) store.note(stranger)
  assert.deepEqual([store.all(), store.get(peer(3).id)], [strangers, pin(3)])
  assert.equal(transactions(path) - before, 0)
  store.flush()
  store.flush()
  assert.equal(transactions(path) - before, 1)
  assert.deepEqual(store.all(), strangers)
  using other = await openTrustStore({ path: twin })
  const beforeTwin = transactions(twin)
  for (const stranger of strangers) other.put(stranger)
  assert.equal(transactions(twin) - beforeTwin, strangers.length)
})

test('a decision takes to the disk what was noted, a block of a noted peer wins, and closing loses nothing', async (t) => {
  const path = trustPath(t)
  {
    using store = await openTrustStore({ path })
    store.note(pin(1))
    store.note(pin(2))
    const before = transactions(path)
    store.put(pin(2, { trust: 'blocked' }))
    assert.equal(transactions(path) - before, 1)
    store.note(pin(3))
    store.note(pin(4))
    store.delete(peer(3).id)
    assert.equal(store.get(peer(3).id), undefined)
    store.note(pin(1, { protocol: 2 }))
    assert.equal(store.get(peer(1).id)?.protocol, 2)
    assert.throws(() => store.note(pin(5, { protocol: -1 })), { code: 'internal' })
  }
  using again = await openTrustStore({ path })
  assert.deepEqual(
    sorted(again),
    [pin(1, { protocol: 2 }), pin(2, { trust: 'blocked' }), pin(4)].toSorted((a, b) =>
      a.id < b.id ? -1 : 1,
    ),
  )
})

test('beyond limits.pins those who were noted push out who was not met for longest', async (t) => {
  using store = await openTrustStore({ path: trustPath(t), limits: { pins: 3, contacts: 9 } })
  store.put(pin(1), pin(2), pin(3))
  store.note(pin(4))
  store.note(pin(5))
  store.flush()
  assert.deepEqual(store.all(), [pin(3), pin(4), pin(5)])
})

test('what was noted and cannot be written is forgotten, and a decision that fails forgets nothing', async (t) => {
  const path = trustPath(t)
  using store = await openTrustStore({ path })
  store.put(pin(1))
  store.note(pin(1, { protocol: 2 }))
  store.note(pin(2))
  renameSync(path, `${path}.elsewhere`)
  assert.throws(() => store.put(pin(1, verified)), { code: 'trust-unwritable' })
  assert.throws(() => store.delete(peer(1).id), { code: 'trust-unwritable' })
  assert.deepEqual(store.all(), [pin(1, { protocol: 2 }), pin(2)])
  assert.throws(() => store.flush(), { code: 'trust-unwritable' })
  assert.deepEqual(store.all(), [pin(1)])
})

test('a pin that cannot be is not stored', async () => {
  using store = await openTrustStore({ path: undefined })
  const flawed: readonly Pin[] = [
    pin(1, { key: peer(2).key }),
    pin(1, { key: peer(1).key.subarray(1) }),
    pin(1, { ...verified, key: undefined }),
    pin(1, { trust: 'succeeded', key: undefined }),
    pin(1, { trust: 'replaced' }),
    pin(1, { trust: 'verified' }),
    pin(1, { method: 'qr' }),
    pin(1, { alias: 'x'.repeat(limits.aliasBytes + 1) }),
    pin(1, { alias: '\uD800' }),
    { ...referencePin(), alias: 'Ann' },
    { ...referencePin(), key: peer(1).key },
    pin(1, { since: new Date(Number.NaN) }),
    pin(1, { metAt: new Date(Number.NaN) }),
    pin(1, { protocol: -1 }),
    pin(1, { protocol: 2 ** 32 }),
    pin(1, { counter: 0.5 }),
    pin(1, { counter: 2 ** 53 }),
  ]
  for (const one of flawed) assert.throws(() => store.put(pin(9), one), { code: 'internal' })
  assert.deepEqual(store.all(), [])
  store.put(pin(1, { alias: 'x'.repeat(limits.aliasBytes) }))
})

test('the file is for its owner only, alone, and free of what was deleted', async (t) => {
  const path = trustPath(t)
  using store = await openTrustStore({ path })
  store.put(pin(1, { alias: 'canary-in-the-file' }))
  assert.ok(readFileSync(path).includes('canary-in-the-file'))
  store.delete(peer(1).id)
  assert.ok(!readFileSync(path).includes('canary-in-the-file'), 'what was deleted could come back')
  assert.deepEqual(readdirSync(dirname(path)), ['trust.db'])
  if (process.platform !== 'win32') assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a store that is closed twice is closed, and stores nothing more', async (t) => {
  const store = await openTrustStore({ path: trustPath(t) })
  store[Symbol.dispose]()
  store[Symbol.dispose]()
  assert.throws(() => store.put(pin(1)), { code: 'trust-unwritable' })
  assert.equal(store.get(peer(1).id), undefined)
})

test('a file that is moved away under an open store takes no decision with it unnoticed', async (t) => {
  const path = trustPath(t)
  using store = await openTrustStore({ path })
  store.put(pin(1))
  renameSync(path, `${path}.elsewhere`)
  assert.throws(() => store.put(pin(1, verified)), { code: 'trust-unwritable' })
  assert.deepEqual(store.all(), [pin(1)])
})

/** Runs `source` with an own small disk at `disk`. */
function onSmallDisk(folder: string, source: string): string {
  const disk = mkdtempSync(join(folder, 'disk-'))
  const script = `mount -t tmpfs -o size=128k tmpfs "$1" && exec "$2" --input-type=module --eval "$3"`
  const code = `const disk = ${JSON.stringify(disk)}; ${childPrelude}; ${source}`
  const child = spawnSync('unshare', ['-m', 'sh', '-c', script, 'sh', disk, process.execPath, code], {
    encoding: 'utf8',
  })
  assert.equal(child.stderr, '')
  return child.stdout.trim()
}

const mounts = process.platform === 'linux' && process.getuid?.() === 0
const noMounts = mounts ? false : 'needs root on Linux, to mount a small disk'

test(
  'a full disk is told, changes nothing, and is over when there is space again',
  { skip: noMounts },
  (t) => {
    const output = onSmallDisk(
      dirname(trustPath(t)),
      `
    import { rmSync, writeFileSync } from 'node:fs'
    const path = disk + '/trust.db'
    using store = await openTrustStore({ path })
    store.put(pin(1))
    try { writeFileSync(disk + '/filler', Buffer.alloc(1 << 20)) } catch {}
    const codes = new Set()
    try { for (let n = 2; n < 500; n++) store.put(pin(1, verified), pin(n, { alias: 'a' + n })) }
    catch (error) { codes.add(error.code); codes.add(error.message.includes('the disk is full')) }
    const before = store.all()
    rmSync(disk + '/filler')
    using again = await openTrustStore({ path })
    const same = JSON.stringify(again.all()) === JSON.stringify(before) && again.damage === undefined
    store.put(pin(600, { alias: 'after' }))
    console.log(...codes, same, store.get(pin(600).id).alias)`,
    )
    assert.equal(output, 'trust-unwritable true true after')
  },
)

const noTrace = process.platform === 'linux' ? false : 'needs strace'

test('a put is on the disk before it returns', { skip: noTrace }, (t) => {
  const path = trustPath(t)
  const source = `${childPrelude}
    using store = await openTrustStore({ path: ${JSON.stringify(path)} })
    process.stdout.write('before\\n')
    store.put(pin(1))
    process.stdout.write('after\\n')`
  const trace = `${path}.trace`
  const args = ['-f', '-y', '-o', trace, '-e', 'trace=fsync,fdatasync,unlink,write,pwrite64']
  spawnSync('strace', [...args, process.execPath, '--input-type=module', '--eval', source])
  const text = readFileSync(trace, 'utf8')
  const put = text.slice(text.indexOf('"before'), text.indexOf('"after'))
  const calls = [...put.matchAll(/^\d+ +(?:fdata|f)?(sync|pwrite64|unlink)\((?:\d+<|")([^>"]+)/gm)]
  const order = calls.map(([, call = '', file = '']) => `${call} ${basename(file)}`)
  const changes = order.filter((entry, index) => entry !== order[index - 1])
  assert.deepEqual(changes.slice(-5), [
    'sync trust.db-journal',
    'pwrite64 trust.db',
    'sync trust.db',
    'unlink trust.db-journal',
    `sync ${basename(dirname(path))}`,
  ])
})
