import assert from 'node:assert/strict'
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { bytesOf, newFolder, put } from '../../test/files/shares.ts'
import { isP2PError } from '../base/errors.ts'
import { leafBytes } from '../protocol/file-id.ts'
import { bootId } from './boot-id.ts'
import { renameToFree } from './target-name.ts'
import { openTarget, type Target } from './target.ts'

const posixOnly = process.platform === 'win32' ? 'Windows has no such modes and links' : false
const newTarget = (t: TestContext): Promise<Target> => openTarget(newFolder(t))
const modifiedAtMs = 1_700_000_000_123

test('a file grows in any order under a hidden name, and gets its own when it is whole', async (t) => {
  const target = await newTarget(t)
  const content = bytesOf(2 * leafBytes + 5)
  await using part = await target.openPart('a/photo.jpg', { sizeBytes: content.length })
  assert.equal(part.resumed, false)
  assert.equal(dirname(part.path), join(target.folder, 'a'))
  assert.match(basename(part.path), /^\.[0-9a-f]{16}\.p2p-part$/)
  for (const start of [2 * leafBytes, 0, leafBytes])
    await part.write(start, content.subarray(start, start + leafBytes))
  const into = Buffer.alloc(10)
  assert.equal(await part.read(leafBytes - 5, into), 10)
  assert.deepEqual(into, Buffer.from(content.subarray(leafBytes - 5, leafBytes + 5)))
  assert.equal(await part.read(content.length - 3, into), 3)
  assert.deepEqual(readdirSync(join(target.folder, 'a')), [basename(part.path)])

  assert.equal(await part.finish({ as: 'a/photo.jpg', modifiedAtMs }), 'a/photo.jpg')
  assert.deepEqual(readdirSync(join(target.folder, 'a')), ['photo.jpg'])
  assert.ok(Buffer.from(content).equals(readFileSync(join(target.folder, 'a/photo.jpg'))))
  assert.ok(Math.abs(statSync(join(target.folder, 'a/photo.jpg')).mtimeMs - modifiedAtMs) < 2)
})

test(
  'F13: what is received is for our user alone, and no program, whatever it is called',
  { skip: posixOnly },
  async (t) => {
    const target = await newTarget(t)
    for (const name of ['run.desktop', 'run.exe', 'run.sh', 'a/page.html']) {
      await using part = await target.openPart(name, { sizeBytes: 1 })
      assert.equal(statSync(part.path).mode & 0o7777, 0o600)
      await part.finish({ as: name, modifiedAtMs })
      assert.equal(statSync(join(target.folder, name)).mode & 0o7777, 0o600)
    }
    assert.equal(statSync(join(target.folder, 'a')).mode & 0o7777, 0o700)
  },
)

test(
  'F13 twin: what is written as files usually are can be read by others',
  { skip: posixOnly },
  async (t) => {
    const target = await newTarget(t)
    const before = process.umask(0o022)
    t.after(() => process.umask(before))
    writeFileSync(join(target.folder, 'page.html'), '')
    assert.equal(statSync(join(target.folder, 'page.html')).mode & 0o077, 0o044)
  },
)

test('times that cannot be are brought into what can', async (t) => {
  const target = await newTarget(t)
  for (const [index, odd] of [-5, Number.NaN, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY].entries()) {
    await using part = await target.openPart(`f${index}`, { sizeBytes: 0 })
    await part.finish({ as: `f${index}`, modifiedAtMs: odd })
  }
  assert.equal(readdirSync(target.folder).length, 4)
})

test(
  'F8: a name that was taken meanwhile is left alone, and the next one is used',
  { skip: posixOnly },
  async (t) => {
    const target = await newTarget(t)
    await using part = await target.openPart('a.txt', { sizeBytes: 3 })
    await part.write(0, Buffer.from('new'))
    put(target.folder, 'a.txt', 'the user has written this')
    symlinkSync('nowhere', join(target.folder, 'a (2).txt'))
    mkdirSync(join(target.folder, 'a (3).txt'))
    assert.equal(await part.finish({ as: 'a.txt', modifiedAtMs }), 'a (4).txt')
    assert.equal(readFileSync(join(target.folder, 'a.txt'), 'utf8'), 'the user has written this')
    assert.equal(readFileSync(join(target.folder, 'a (4).txt'), 'utf8'), 'new')
    assert.equal(existsSync(join(target.folder, 'nowhere')), false)

    // Twin: a rename, which most programs end with, writes over it.
    put(target.folder, '.part', 'new')
    renameSync(join(target.folder, '.part'), join(target.folder, 'a.txt'))
    assert.equal(readFileSync(join(target.folder, 'a.txt'), 'utf8'), 'new')
  },
)

test('F8: without links a name is taken all the same, and nothing is written over', async (t) => {
  const folder = newFolder(t)
  const [from, taken, free] = ['from', 'taken', 'free'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  writeFileSync(from, 'new')
  writeFileSync(taken, 'old')
  assert.equal(await renameToFree(from, taken), false)
  assert.equal(await renameToFree(from, free), true)
  assert.deepEqual(
    [taken, free].map((path) => readFileSync(path, 'utf8')),
    ['old', 'new'],
  )
  assert.equal(existsSync(from), false)
})

test('when every name is taken it says so, and the part is still there', async (t) => {
  const target = await newTarget(t)
  put(target.folder, 'a', '')
  for (let number = 2; number <= 1_000; number++) put(target.folder, `a (${number})`, '')
  await using part = await target.openPart('a', { sizeBytes: 0 })
  await assert.rejects(part.finish({ as: 'a', modifiedAtMs }), (error) => isP2PError(error, 'file-exists'))
  assert.equal(await part.finish({ as: 'b', modifiedAtMs }), 'b')
})

test('F10: not a byte is written beyond the size that was agreed on', async (t) => {
  const target = await newTarget(t)
  await using part = await target.openPart('a', { sizeBytes: 10 })
  for (const position of [-1, 1, 10, 2 ** 53 - 20]) {
    await assert.rejects(part.write(position, Buffer.alloc(10)), (error) =>
      isP2PError(error, 'content-corrupt'),
    )
  }
  await part.write(0, Buffer.alloc(10, 'x'))
  assert.equal(statSync(part.path).size, 10)

  // Twin: the disk would take it all.
  const fd = openSync(part.path, 'r+')
  writeSync(fd, Buffer.alloc(1_000), 0, 1_000, 10)
  closeSync(fd)
  assert.equal(statSync(part.path).size, 1_010)
  // And what has another size than agreed on gets no name.
  await assert.rejects(part.finish({ as: 'a', modifiedAtMs }), (error) => isP2PError(error, 'file-unusable'))
  assert.equal(existsSync(join(target.folder, 'a')), false)
})

test('F10: sizes that no disk holds are refused before anything is made', async (t) => {
  const target = await newTarget(t)
  for (const sizeBytes of [2 ** 50, 2 ** 53 + 2]) {
    await assert.rejects(target.openPart('a', { sizeBytes }), (error) => isP2PError(error, 'disk-full'))
  }
  assert.deepEqual(readdirSync(target.folder), [])
})

test('what was begun goes on after it was closed', async (t) => {
  const target = await newTarget(t)
  let path: string
  {
    await using part = await target.openPart('a', { sizeBytes: 6 })
    await part.write(0, Buffer.from('abc'))
    path = part.path
  }
  await using part = await target.openPart('a', { sizeBytes: 6, resume: path })
  assert.equal(part.resumed, true)
  assert.equal(part.path, path)
  const into = Buffer.alloc(6)
  await part.read(0, into)
  assert.equal(into.toString(), 'abc\0\0\0')
  await part.write(3, Buffer.from('def'))
  await part.finish({ as: 'a', modifiedAtMs })
  assert.equal(readFileSync(join(target.folder, 'a'), 'utf8'), 'abcdef')
})

test(
  'a part that is gone, of another size, or nothing of ours is not gone on with',
  { skip: posixOnly },
  async (t) => {
    const target = await newTarget(t)
    const outside = newFolder(t)
    const partName = '.0123456789abcdef.p2p-part'
    const path = join(target.folder, partName)
    const cases: readonly (() => string)[] = [
      () => path,
      () => put(target.folder, partName, 'four'),
      () => put(outside, partName, 'abc'),
      () => join(target.folder, 'x/../../', basename(outside), partName),
      () => put(target.folder, 'photo.jpg', 'abc'),
      () => (symlinkSync(put(outside, 'theirs', 'abc'), path), path),
      () => (mkdirSync(path), path),
      // F9: a second name of a file of the user, put in the place of the part.
      () => (linkSync(put(outside, 'theirs', 'abc'), path), path),
    ]
    for (const prepare of cases) {
      rmSync(path, { recursive: true, force: true })
      const resume = prepare()
      const part = await target.openPart('new', { sizeBytes: 3, resume })
      assert.equal(part.resumed, false, resume)
      await part.write(0, Buffer.from('xyz'))
      await part.discard()
    }
    assert.equal(readFileSync(join(outside, 'theirs'), 'utf8'), 'abc')
    assert.equal(readFileSync(join(target.folder, 'photo.jpg'), 'utf8'), 'abc')

    // Twin: opened just so, the file of somebody else would be written to.
    const fd = openSync(path, 'r+')
    writeSync(fd, 'xyz')
    closeSync(fd)
    assert.equal(readFileSync(join(outside, 'theirs'), 'utf8'), 'xyz')
  },
)

test('a part is told of before it is there, so that a kill leaves none that nobody knows of', async (t) => {
  const target = await newTarget(t)
  const told: string[] = []
  const begins = async (path: string): Promise<void> => {
    await sleep(10)
    assert.equal(existsSync(path), false)
    told.push(path)
  }
  await using part = await target.openPart('sub/a', { sizeBytes: 3, begins })
  assert.deepEqual(told, [part.path])
  await part.write(0, Buffer.from('abc'))
  await part[Symbol.asyncDispose]()
  await using again = await target.openPart('sub/a', { sizeBytes: 3, resume: part.path, begins })
  assert.equal(again.resumed, true)
  assert.equal(told.length, 1)
})

test(
  'a part that a kill kept from getting its size is gone on with as a new one, and with one name only',
  { skip: posixOnly },
  async (t) => {
    const target = await newTarget(t)
    const told: string[] = []
    const begins = (path: string): Promise<void> => Promise.resolve(void told.push(path))
    const path = put(target.folder, '.0123456789abcdef.p2p-part', '')
    await using part = await target.openPart('a', { sizeBytes: 3, resume: path, begins })
    assert.deepEqual({ resumed: part.resumed, path: part.path }, { resumed: false, path })
    assert.deepEqual(told, [path])
    await part.write(1, Buffer.from('x'))
    assert.equal(readFileSync(path, 'latin1'), '\0x\0')

    // F9: an empty file of the user with a second name in the place of the part.
    truncateSync(path)
    linkSync(path, join(target.folder, 'empty'))
    await using other = await target.openPart('a', { sizeBytes: 3, resume: path })
    assert.notEqual(other.path, path)
    assert.equal(readFileSync(path, 'utf8'), '')
  },
)

test(
  'a kill between its new name and the end of the old one: it is brought to its end',
  { skip: posixOnly },
  async (t) => {
    for (const name of ['a', 'a (2)']) {
      const target = await newTarget(t)
      if (name !== 'a') put(target.folder, 'a', 'the user has written this')
      let path: string
      {
        await using part = await target.openPart('a', { sizeBytes: 3 })
        await part.write(0, Buffer.from('abc'))
        path = part.path
      }
      linkSync(path, join(target.folder, name))
      await using part = await target.openPart('a', { sizeBytes: 3, resume: path })
      assert.equal(part.resumed, true)
      assert.equal(await part.finish({ as: 'a', modifiedAtMs }), name)
      assert.equal(readdirSync(target.folder).length, name === 'a' ? 1 : 2)
    }
  },
)

test('F9: a file put in the place of the part gets no name', { skip: posixOnly }, async (t) => {
  const target = await newTarget(t)
  await using part = await target.openPart('a', { sizeBytes: 3 })
  await part.write(0, Buffer.from('abc'))
  renameSync(part.path, `${part.path}.away`)
  writeFileSync(part.path, 'xyz')
  await assert.rejects(part.finish({ as: 'a', modifiedAtMs }), (error) => isP2PError(error, 'file-unusable'))
  assert.equal(existsSync(join(target.folder, 'a')), false)

  // Twin: a rename of whatever has that name gives it to the other file.
  renameSync(part.path, join(target.folder, 'a'))
  assert.equal(readFileSync(join(target.folder, 'a'), 'utf8'), 'xyz')
})

test(
  'F9: a link planted at the name of the file, dangling or not, is not followed',
  { skip: posixOnly },
  async (t) => {
    const target = await newTarget(t)
    const outside = newFolder(t)
    symlinkSync(join(outside, 'made'), join(target.folder, 'a'))
    await using part = await target.openPart('a', { sizeBytes: 3 })
    assert.equal(await part.finish({ as: 'a', modifiedAtMs }), 'a (2)')
    assert.deepEqual(readdirSync(outside), [])

    // Twin: opened without O_EXCL, the file is made outside.
    writeFileSync(join(target.folder, 'a'), 'abc')
    assert.deepEqual(readdirSync(outside), ['made'])
  },
)

test(
  'F14: when the folder is removed in the middle it ends within a second, and says what to do',
  { skip: posixOnly },
  async (t) => {
    const target = await newTarget(t)
    await using part = await target.openPart('sub/a', { sizeBytes: leafBytes })
    await part.write(0, Buffer.alloc(10))
    rmSync(join(target.folder, 'sub'), { recursive: true })
    // Twin: the disk itself goes on taking what nobody will ever see.
    await part.write(0, Buffer.alloc(10))
    await sleep(600)
    await assert.rejects(part.write(10, Buffer.alloc(10)), (error) => {
      assert.ok(isP2PError(error, 'file-unusable'))
      assert.match(error.message, /was removed by another program while it was written\. Fetch it again\.$/)
      return true
    })
    await assert.rejects(part.finish({ as: 'sub/a', modifiedAtMs }), (error) =>
      isP2PError(error, 'file-unusable'),
    )
    await part.discard()
  },
)

test('a part that is cut by another program gets no name', { skip: posixOnly }, async (t) => {
  const target = await newTarget(t)
  await using part = await target.openPart('a', { sizeBytes: 10 })
  truncateSync(part.path, 5)
  await assert.rejects(part.finish({ as: 'a', modifiedAtMs }), (error) => isP2PError(error, 'file-unusable'))
})

test('what is given up leaves nothing behind, twice as well as once', async (t) => {
  const target = await newTarget(t)
  const part = await target.openPart('a', { sizeBytes: 10 })
  await part.discard()
  await part.discard()
  await part[Symbol.asyncDispose]()
  assert.deepEqual(readdirSync(target.folder), [])
})

test('the start of the machine has an ID that stays', async () => {
  assert.equal(await bootId(), await bootId())
  assert.notEqual(await bootId(), '')
})
