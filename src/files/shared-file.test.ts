import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  linkSync,
  lstatSync,
  openSync,
  closeSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { asNobody, bytesOf, indexed, newFolder, put, swapping } from '../../test/files/shares.ts'
import { isP2PError } from '../base/errors.ts'
import { CheckedFile } from './checked-file.ts'
import { readFlags, type FileOfShare } from './opened-file.ts'
import { openSharedFile, realPathByName } from './shared-file.ts'

const MiB = 1024 * 1024
const onLinux = process.platform === 'linux'

/** Both ways to read a file of the index, one for the main thread and one for a worker: the same must hold for them. */
const readers: Readonly<Record<string, (file: FileOfShare) => Promise<Buffer>>> = {
  openSharedFile: async (file) => {
    await using opened = await openSharedFile(file)
    const into = Buffer.alloc(file.sizeBytes)
    await opened.read(0, into)
    return into
  },
  CheckedFile: async (file) => {
    using opened = new CheckedFile(file)
    const into = Buffer.alloc(file.sizeBytes)
    opened.fill(0, into)
    opened.check()
    return into
  },
}

for (const [name, read] of Object.entries(readers)) {
  test(`${name} reads what the index names`, async (t) => {
    const share = newFolder(t)
    const content = bytesOf(3 * MiB + 5)
    put(share, 'a/b/file', content)
    assert.deepEqual(await read(indexed(share, 'a/b/file')), Buffer.from(content))
    assert.deepEqual(await read(indexed(join(share, 'a/b/file'), '')), Buffer.from(content))
    put(share, 'empty', '')
    assert.equal((await read(indexed(share, 'empty'))).length, 0)
  })

  test(`F1: ${name} leaves a share by no path`, async (t) => {
    const share = newFolder(t)
    put(share, 'inside/file', 'mine')
    const outside = put(newFolder(t), 'secret', 'secret')
    const ways = ['../', './', 'inside/../', 'inside//', '/', 'inside\0/']
    for (const way of [...ways.map((path) => `${path}file`), `../..${outside}`, '..', '.', 'inside/..']) {
      await assert.rejects(read({ ...indexed(share, 'inside/file'), path: way }), isUnknown, way)
    }
    // The same with the stamp of the file that is really there.
    await assert.rejects(read(indexed(share, `../..${outside}`, outside)), isUnknown)
    await assert.rejects(read(indexed(share, 'inside/../inside/file')), isUnknown)
    // Twin: a path that is simply joined leads out.
    assert.equal(readFileSync(join(share, '../..', outside), 'utf8'), 'secret')
  })

  test(`F2: ${name} follows no link, whatever it leads to`, { skip: !onLinux }, async (t) => {
    const share = newFolder(t)
    const outside = newFolder(t)
    put(outside, 'secret', 'secret')
    put(share, 'inside/file', 'mine')
    const links = {
      file: join(outside, 'secret'),
      inner: 'inside/file',
      environ: '/proc/self/environ',
      memory: '/proc/self/mem',
      dangling: join(outside, 'nothing'),
      self: 'self',
    }
    for (const [link, target] of Object.entries(links)) {
      symlinkSync(target, join(share, link))
      await assert.rejects(read(indexed(share, link)), isUnknown, link)
    }
    symlinkSync(outside, join(share, 'folder'))
    await assert.rejects(read(indexed(share, 'folder/secret')), isUnknown)
    symlinkSync('inside', join(share, 'within'))
    await assert.rejects(read(indexed(share, 'within/file')), isUnknown)
    // Twin: without the checks all of it is read.
    assert.equal(readFileSync(join(share, 'file'), 'utf8'), 'secret')
    assert.equal(readFileSync(join(share, 'folder/secret'), 'utf8'), 'secret')
    assert.match(readFileSync(join(share, 'environ'), 'latin1'), /PATH=/)
    // Not to follow the last link alone is not enough.
    closeSync(openSync(join(share, 'folder/secret'), readFlags))
  })

  test(
    `F2: ${name} opens no pipe, socket, device or folder, and waits for none`,
    { skip: !onLinux },
    async (t) => {
      const share = newFolder(t)
      execFileSync('mkfifo', [join(share, 'pipe')])
      await assert.rejects(read(indexed(share, 'pipe')), isUnknown)
      const server = createServer().listen(join(share, 'socket'))
      await once(server, 'listening')
      await assert.rejects(read(indexed(share, 'socket')), isUnknown)
      server.close()
      put(share, 'folder/file', 'x')
      await assert.rejects(read(indexed(share, 'folder')), isUnknown)
      if (makeDevice(t, join(share, 'zero')))
        await assert.rejects(read({ ...indexed(share, 'zero'), sizeBytes: 5 }), isUnknown)
    },
  )

  test(
    `F2: ${name} reads nothing outside while a folder is swapped for a link all the time`,
    { skip: !onLinux },
    async (t) => {
      const share = newFolder(t)
      const outside = newFolder(t)
      const inner = put(share, 'folder/file', 'inside')
      const secret = put(outside, 'file', 'secret')
      const files = [indexed(share, 'folder/file', inner), indexed(share, 'folder/file', secret)]
      await swapping(t, join(share, 'folder'), outside)

      // Also when the index itself has been fooled, and knows the stamp of the file outside.
      let reads = 0
      for (const end = performance.now() + 1_000; performance.now() < end;) {
        for (const file of files) {
          const content = await read(file).catch((error: unknown) =>
            assert.ok(isUnknown(error) || isChanged(error)),
          )
          if (content !== undefined) assert.equal(content.toString(), 'inside')
          reads += content === undefined ? 0 : 1
        }
      }
      assert.ok(reads > 0, 'the file itself was read at times')

      // Twin: one that looks first, and then opens without following the last link, is led out.
      const naive = (path: string): string | undefined => {
        try {
          if (lstatSync(join(share, 'folder')).isSymbolicLink()) return undefined
          return readFileSync(path, { encoding: 'utf8', flag: readFlags })
        } catch {
          return undefined
        }
      }
      let leaked = false
      for (const end = performance.now() + 60_000; !leaked && performance.now() < end;)
        leaked = naive(join(share, 'folder/file')) === 'secret'
      assert.ok(leaked)
    },
  )

  test(`F3: ${name} opens no file that is another than the index knows`, async (t) => {
    const share = newFolder(t)
    const place = put(share, 'file', 'before')
    const file = indexed(share, 'file')
    const { atime, mtime } = statSync(place)
    await later()
    writeFileSync(place, 'after!')
    utimesSync(place, atime, mtime)
    await assert.rejects(read(file), isChanged, 'the time was set back')
    // Twin: by size and time of change nobody would know.
    assert.equal(statSync(place).mtimeMs, mtime.getTime())
    assert.equal(statSync(place).size, file.sizeBytes)

    const other = indexed(share, 'file')
    put(share, 'new', 'after!')
    renameSync(join(share, 'new'), place)
    await assert.rejects(read(other), isChanged)
  })
}

const changes: Readonly<Record<string, (place: string) => void>> = {
  shrinks: (place) => truncateSync(place, 3 * MiB),
  'shrinks to nothing': (place) => truncateSync(place, 0),
  grows: (place) => appendFileSync(place, 'more'),
  'is written over': (place) => writeFileSync(place, bytesOf(40 * MiB, 2)),
  'is replaced': (place) => {
    writeFileSync(`${place}.new`, bytesOf(40 * MiB, 2))
    renameSync(`${place}.new`, place)
  },
  'is written over in one byte': (place) => {
    const fd = openSync(place, 'r+')
    writeFileSync(fd, 'x')
    closeSync(fd)
  },
}

for (const [what, change] of Object.entries(changes)) {
  test(`F3: a file that ${what} while it is sent is cut off`, async (t) => {
    const share = newFolder(t)
    const content = bytesOf(40 * MiB)
    const place = put(share, 'file', content)
    await later()
    await using opened = await openSharedFile(indexed(share, 'file'))
    const into = new Uint8Array(MiB)
    assert.equal(await opened.read(0, into), MiB)
    change(place)
    for (const chunk of [1, 20, 39]) await assert.rejects(opened.read(chunk * MiB, into), isChanged)
  })
}

test('F3: the last bytes of a file that has changed are never given away', async (t) => {
  const share = newFolder(t)
  const place = put(share, 'file', bytesOf(2 * MiB))
  await later()
  await using opened = await openSharedFile(indexed(share, 'file'))
  const into = new Uint8Array(MiB)
  await opened.read(0, into)
  writeFileSync(place, bytesOf(2 * MiB, 2))
  await assert.rejects(opened.read(MiB, into), isChanged)
  // Twin: who only reads gets the front of one file and the end of another.
  assert.deepEqual(readFileSync(place).subarray(MiB), Buffer.from(bytesOf(2 * MiB, 2).subarray(MiB)))
})

test('a read stops at the end, and what is beyond it is nothing', async (t) => {
  const share = newFolder(t)
  put(share, 'file', 'hello')
  await using opened = await openSharedFile(indexed(share, 'file'))
  const into = new Uint8Array(8)
  assert.equal(await opened.read(3, into), 2)
  assert.equal(Buffer.from(into).toString('utf8', 0, 2), 'lo')
  assert.equal(await opened.read(5, into), 0)
  assert.equal(await opened.read(500, into), 0)
})

test('a file that its own user may not read says so', async (t) => {
  const share = newFolder(t)
  put(share, 'file', 'hello')
  execFileSync('chmod', ['0', join(share, 'file')])
  const file = indexed(share, 'file')
  using _nobody = asNobody(share)
  await assert.rejects(openSharedFile(file), (error) => isP2PError(error, 'disk-failed'))
})

test('F2: where the kernel does not tell the path of an open file, its name must still lead to it without a link', async (t) => {
  const share = newFolder(t)
  const place = put(share, 'folder/file', 'x')
  const other = put(share, 'folder/other', 'x')
  symlinkSync('folder', join(share, 'link'))
  const stats = lstatSync(place, { bigint: true })
  assert.equal(await realPathByName(place, stats), place)
  assert.notEqual(await realPathByName(join(share, 'link/file'), stats), join(share, 'link/file'))
  assert.equal(await realPathByName(other, stats), undefined)
})

test('a second name of the same file in the share can be read too', async (t) => {
  const share = newFolder(t)
  const place = put(share, 'file', 'hello')
  linkSync(place, join(share, 'second'))
  await using opened = await openSharedFile(indexed(share, 'second'))
  assert.equal(opened.sizeBytes, 5)
})

function isUnknown(error: unknown): boolean {
  return isP2PError(error, 'file-unknown')
}

function isChanged(error: unknown): boolean {
  return isP2PError(error, 'file-changed')
}

/** Past the tick of the clock of the file system: the next write has another time. */
function later(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 25))
}

/** Makes the device /dev/zero once more; only root may. */
function makeDevice(t: TestContext, place: string): boolean {
  try {
    execFileSync('mknod', [place, 'c', '1', '5'], { stdio: 'ignore' })
    return true
  } catch {
    t.diagnostic('without a device: only root may make one')
    return false
  }
}
