import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { newFolder, put } from '../../test/files/shares.ts'
import { replacing } from '../../test/files/swaps.ts'
import { isP2PError } from '../base/errors.ts'
import { TakenNames } from './taken-names.ts'
import { openTarget } from './target.ts'

const onLinux = process.platform === 'linux'
const posixOnly = process.platform === 'win32' ? 'Windows has no such modes and links' : false

test('a folder that is not there is made, for our user alone', { skip: posixOnly }, async (t) => {
  const path = join(newFolder(t), 'a/b')
  const target = await openTarget(path)
  assert.equal(target.folder, path)
  for (const made of [path, join(path, '..')]) assert.equal(statSync(made).mode & 0o777, 0o700)
  assert.ok((await target.freeBytes()) > 0)
})

test(
  'the user may name the folder by a link; a file in its place is refused',
  { skip: posixOnly },
  async (t) => {
    const folder = newFolder(t)
    mkdirSync(join(folder, 'real'))
    symlinkSync('real', join(folder, 'link'))
    assert.equal((await openTarget(join(folder, 'link'))).folder, join(folder, 'real'))
    writeFileSync(join(folder, 'file'), '')
    await assert.rejects(openTarget(join(folder, 'file')), (error) => isP2PError(error, 'file-unusable'))
    await assert.rejects(openTarget(join(folder, 'file/x')), (error) => isP2PError(error, 'file-unusable'))
  },
)

test('what a kill has left behind long ago is removed, and nothing else', { skip: posixOnly }, async (t) => {
  const folder = newFolder(t)
  const fresh = '.0123456789ab.p2p-part'
  const openToOthers = '.aaaaaaaaaaaa.p2p-part'
  const names = [fresh, openToOthers, '.ba9876543210.p2p-part', '.0123.p2p-part', 'photos']
  for (const name of names) {
    put(folder, `${name}/0`, '')
    chmodSync(join(folder, name), name === openToOthers ? 0o777 : 0o700)
    if (name !== fresh) utimesSync(join(folder, name), 5, 5)
  }
  await openTarget(folder)
  assert.deepEqual(readdirSync(folder).sort(), ['.0123.p2p-part', fresh, openToOthers, 'photos'])
})

test('it tells what is under a name', { skip: posixOnly }, async (t) => {
  const folder = newFolder(t)
  const target = await openTarget(folder)
  put(folder, 'a/file', 'four')
  utimesSync(join(folder, 'a/file'), 5, 5)
  symlinkSync('nowhere', join(folder, 'link'))
  assert.deepEqual(await target.look('a/file'), { kind: 'file', sizeBytes: 4, modifiedAtMs: 5_000 })
  assert.deepEqual(await target.look('a'), { kind: 'folder' })
  assert.deepEqual(await target.look('link'), { kind: 'other' })
  assert.deepEqual(await target.look('a/none'), { kind: 'free' })
  assert.deepEqual(await target.look('none/none'), { kind: 'free' })
})

test('F7: what safePath did not give is refused again where it would be used', async (t) => {
  const target = await openTarget(newFolder(t))
  for (const name of ['../x', '/abs', 'a/../b', '', 'a//b', 'a\\b', 'CON', '.bashrc', 'a ', 'a\0']) {
    for (const use of [
      target.look(name),
      target.freeName(name),
      target.makeFolder(name),
      target.openPart(name, { sizeBytes: 1 }),
    ]) {
      await assert.rejects(use, (error) => isP2PError(error, 'file-name-invalid'))
    }
  }
  assert.deepEqual(readdirSync(target.folder), [])
})

test('F8: a name that is taken in any case or composition becomes the next one, also before the file is there', async (t) => {
  const folder = newFolder(t)
  for (const name of ['README', 'é.txt', 'straße', 'k', 'photo.jpg', 'photo (2).jpg']) put(folder, name, name)
  const target = await openTarget(folder)
  for (const [wanted, given] of [
    ['readme', 'readme (2)'],
    ['Readme', 'Readme (3)'],
    ['e\u0301.txt', 'e\u0301 (2).txt'],
    ['STRASSE', 'STRASSE (2)'],
    ['\u212a', '\u212a (2)'],
    ['photo.jpg', 'photo (3).jpg'],
    ['new', 'new'],
    ['NEW', 'NEW (2)'],
    ['sub/a', 'sub/a'],
    ['sub/A', 'sub/A (2)'],
  ] as const) {
    assert.equal(await target.freeName(wanted), given)
  }
})

test(
  'F8, twin: by the very name alone, all of these would be free where case counts',
  { skip: !onLinux },
  async (t) => {
    const folder = newFolder(t)
    for (const name of ['README', 'é.txt', 'straße', 'k']) put(folder, name, name)
    for (const name of ['readme', 'e\u0301.txt', 'STRASSE', '\u212a'])
      assert.equal(existsSync(join(folder, name)), false)
  },
)

test('F8: a folder that cannot be there, because a file or another folder is, becomes the next one, the same each time', async (t) => {
  const folder = newFolder(t)
  put(folder, 'a', 'a file')
  const target = await openTarget(folder)
  assert.equal(await target.makeFolder('a/b'), 'a (2)/b')
  assert.equal(await target.makeFolder('a/b'), 'a (2)/b')
  assert.equal(await target.makeFolder('Photos/2024'), 'Photos/2024')
  assert.equal(
    (await target.makeFolder('photos/2024')).toLowerCase(),
    onLinux ? 'photos (2)/2024' : 'photos/2024',
  )
  const again = await openTarget(folder)
  assert.equal(await again.makeFolder('a/b'), 'a (2)/b')
  assert.equal(
    (await again.makeFolder('photos/2024')).toLowerCase(),
    onLinux ? 'photos (2)/2024' : 'photos/2024',
  )
  assert.equal(readFileSync(join(folder, 'a'), 'utf8'), 'a file')
  assert.equal(await again.freeName('PHOTOS'), onLinux ? 'PHOTOS (3)' : 'PHOTOS (2)')
})

test('when all names are taken it says so', async (t) => {
  const folder = newFolder(t)
  put(folder, 'A', '')
  for (let number = 2; number < 1_000; number++) put(folder, `a (${number})`, '')
  const target = await openTarget(folder)
  assert.equal(await target.freeName('a'), 'a (1000)')
  await assert.rejects(target.freeName('a'), (error) => isP2PError(error, 'file-exists'))
})

test('of names that are there it keeps no more than the limit', async (t) => {
  const folder = newFolder(t)
  for (let number = 0; number < 30; number++) {
    put(folder, `one/${number}`, '')
    put(folder, `two/${number}`, '')
  }
  const names = new TakenNames(folder, 40)
  const one = await names.in('one')
  assert.equal(one.size, 30)
  assert.equal(await names.in('one'), one)
  await names.in('two')
  assert.notEqual(
    await names.in('one'),
    one,
    'the folder that was asked for before the last one was forgotten',
  )
  assert.equal((await new TakenNames(folder, 20).in('one')).size, 20)
})

test('F9: a folder that is a link is refused, wherever it leads', { skip: posixOnly }, async (t) => {
  const folder = newFolder(t)
  const outside = newFolder(t)
  put(outside, 'there/file', 'theirs')
  symlinkSync(outside, join(folder, 'out'))
  symlinkSync('nowhere', join(folder, 'dangling'))
  put(folder, 'in/file', '')
  symlinkSync('in', join(folder, 'inner'))
  const target = await openTarget(folder)
  for (const name of ['out', 'dangling', 'inner']) {
    for (const use of [
      () => target.look(`${name}/there/file`),
      () => target.freeName(`${name}/file`),
      () => target.openPart(`${name}/file`, { sizeBytes: 1 }),
    ]) {
      await assert.rejects(use(), (error) => isP2PError(error, 'file-unusable'))
    }
    assert.equal(await target.makeFolder(`${name}/new`), `${name} (2)/new`)
  }
  assert.deepEqual(readdirSync(outside), ['there'])

  // Twin: by its path, the same folder leads out.
  mkdirSync(join(folder, 'out/new'))
  assert.deepEqual(readdirSync(outside), ['new', 'there'])
})

test(
  'F9: nothing is written outside while a folder is swapped for a link all the time',
  { skip: !onLinux },
  async (t) => {
    const folder = newFolder(t)
    const outside = newFolder(t)
    mkdirSync(join(folder, 'sub'))
    const target = await openTarget(folder)
    await using _swapped = await replacing(join(folder, 'sub'), outside)
    let begun = 0
    const start = performance.now()
    while (performance.now() < start + (begun > 0 ? 1_000 : 20_000)) {
      try {
        await using part = await target.openPart('sub/deep/file', { sizeBytes: 3 })
        begun++
        await part.write(0, Buffer.from('abc'))
        await part.finish({ as: 'sub/deep/file', modifiedAtMs: 0 })
      } catch (error) {
        assert.ok(isP2PError(error))
      }
    }
    assert.deepEqual(readdirSync(outside), [])
    assert.ok(begun > 0, 'some came to be written')

    // Twin: one that looks at the folder, and then uses its path, is led out.
    let led = 0
    for (const end = performance.now() + 20_000; led === 0 && performance.now() < end;) {
      try {
        if (!lstatSync(join(folder, 'sub')).isDirectory()) continue
        writeFileSync(join(folder, 'sub/file'), 'x', { flag: 'wx' })
      } catch {
        // It was swapped at another moment, or has the file already.
      }
      led = readdirSync(outside).length
    }
    assert.ok(led > 0)
  },
)
