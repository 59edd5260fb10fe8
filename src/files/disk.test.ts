/** Disks that refuse: the transfer fails alone, with the reason and what to do, and goes on when there is space again (F14). */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { newFolder } from '../../test/files/shares.ts'
import { errnoOf } from '../base/errors.ts'
import { cannotWrite } from './file-error.ts'

const mounts = process.platform === 'linux' && process.getuid?.() === 0
const noMounts = mounts ? false : 'needs root on Linux, to mount a small disk'
const room = import.meta.dirname

const noTrace =
  process.platform === 'linux' && spawnSync('strace', ['-V']).status === 0 ? false : 'needs strace'

/** Runs `source` after `setUp` in mounts of its own; `disk` is a folder that it may mount. @returns what it prints */
function onDisk(t: TestContext, setUp: string, source: string): readonly string[] {
  const disk = newFolder(t)
  const script = `${setUp} && exec "$2" --input-type=module --eval "$3"`
  const child = spawnSync(
    'unshare',
    ['-m', 'sh', '-c', script, 'sh', disk, process.execPath, program(disk, source)],
    {
      encoding: 'utf8',
    },
  )
  assert.equal(child.stderr, '')
  return child.stdout.trim().split('\n')
}

function program(disk: string, source: string): string {
  return `
    import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    import { openTarget } from '${room}/target.ts'
    import { openFileWorker } from '${room}/file-worker.ts'
    import { placeSmall } from '${room}/place-small.ts'
    import { fileIdOfContent } from '${room}/hash-tree.ts'
    const disk = ${JSON.stringify(disk)}
    const refusal = (act) => act.then(() => 'nothing', ({ code, message }) => code + ': ' + message.replaceAll(disk, 'DISK'))
    const fill = () => { try { fs.writeFileSync(disk + '/filler', Buffer.alloc(8 << 20)) } catch {} }
    const small = (relative, size) => {
      const bytes = new Uint8Array(size).fill(5)
      return { relative, bytes, modifiedAtMs: 0, id: fileIdOfContent(bytes) }
    }
    const place = async (target, files) => {
      await using worker = openFileWorker()
      for (const one of await placeSmall(worker, target, files))
        console.log(one.kind === 'failed' ? await refusal(Promise.reject(one.error)) : one.kind)
    }
    ${source}`
}

const small = 'mount -t tmpfs -o size=4m,mode=700 tmpfs "$1"'

test(
  'F14: a file that does not fit is refused at the start, with what is needed',
  { skip: noMounts },
  (t) => {
    const output = onDisk(
      t,
      small,
      `
    const target = await openTarget(disk)
    console.log(await refusal(target.openPart('a/b', { sizeBytes: 10 << 20 })))
    console.log(fs.readdirSync(disk + '/a').length)`,
    )
    assert.deepEqual(output, [
      'disk-full: DISK/a has 4.0 MiB of free space, and 10.0 MiB are needed. Free some space, or choose a folder on another disk, and go on.',
      '0',
    ])
  },
)

test(
  'F14: a disk that fills up in the middle keeps the part, and it goes on when there is space',
  { skip: noMounts },
  (t) => {
    const output = onDisk(
      t,
      small,
      `
    const target = await openTarget(disk)
    let path
    {
      await using part = await target.openPart('a', { sizeBytes: 3 << 20 })
      await part.write(0, Buffer.alloc(1 << 20, 1))
      path = part.path
      fill()
      const start = performance.now()
      console.log(await refusal(part.write(1 << 20, Buffer.alloc(2 << 20, 2))))
      console.log(performance.now() - start < 1_000)
    }
    console.log((await refusal(target.openPart('a', { sizeBytes: 3 << 20, resume: path }))).replace(/has .*? of free/, 'has ... of free'))
    fs.rmSync(disk + '/filler')
    await using part = await target.openPart('a', { sizeBytes: 3 << 20, resume: path })
    console.log(part.resumed)
    await part.write(1 << 20, Buffer.alloc(2 << 20, 2))
    console.log(await part.finish({ as: 'a', modifiedAtMs: 0 }), fs.readFileSync(disk + '/a').reduce((sum, byte) => sum + byte, 0) / (1 << 20))`,
    )
    assert.match(
      output[0] ?? '',
      /^disk-full: DISK\/\.[0-9a-f]{16}\.p2p-part cannot be written: the disk is full\. Free some space, and go on; what has come is kept\.$/,
    )
    assert.deepEqual(output.slice(1), [
      'true',
      'disk-full: DISK has ... of free space, and 2.0 MiB are needed. Free some space, or choose a folder on another disk, and go on.',
      'true',
      'a 5',
    ])
  },
)

test(
  'F14 twin: without a look at the free space it begins, and takes the last of the disk from everybody',
  { skip: noMounts },
  (t) => {
    const output = onDisk(
      t,
      small,
      `
    fs.promises.statfs = () => Promise.resolve({ bavail: 1 << 20, blocks: 1 << 20, bsize: 4096 })
    syncBuiltinESMExports()
    const target = await openTarget(disk)
    await using part = await target.openPart('a', { sizeBytes: 10 << 20 })
    let refused
    for (let at = 0; refused === undefined && at < 10; at++)
      await part.write(at << 20, Buffer.alloc(1 << 20, 1)).catch(({ code }) => (refused = code))
    console.log(refused)
    try { fs.writeFileSync(disk + '/message', Buffer.alloc(1 << 16)) } catch ({ code }) { console.log(code) }`,
    )
    assert.deepEqual(output, ['disk-full', 'ENOSPC'])
  },
)

test(
  'F14 twin: who does not listen to the disk gives its name to a file that only looks whole',
  { skip: noMounts },
  (t) => {
    const output = onDisk(
      t,
      small,
      `
    const target = await openTarget(disk)
    const part = await target.openPart('a', { sizeBytes: 3 << 20 })
    await part.write(0, Buffer.alloc(1 << 20, 1))
    fill()
    await part.write(1 << 20, Buffer.alloc(2 << 20, 2)).catch(({ code }) => console.log(code))
    console.log(await part.finish({ as: 'a', modifiedAtMs: 0 }), fs.statSync(disk + '/a').size >> 20)
    console.log(fs.readFileSync(disk + '/a').subarray(1 << 20).every((byte) => byte === 2))`,
    )
    assert.deepEqual(output, ['disk-full', 'a 3', 'false'])
  },
)

test('F14: small files that do not fit have no names, and leave nothing behind', { skip: noMounts }, (t) => {
  const output = onDisk(
    t,
    small,
    `
    const target = await openTarget(disk)
    fill()
    await place(target, [small('a', 1 << 20), small('x/b', 1 << 20)])
    console.log(fs.readdirSync(disk).join())
    fs.rmSync(disk + '/filler')
    await place(target, [small('a', 1 << 20), small('x/b', 1 << 20)])`,
  )
  const reason = 'cannot be written: the disk is full. Free some space, and go on; what has come is kept.'
  assert.deepEqual(output, [
    `disk-full: DISK/a ${reason}`,
    `disk-full: DISK/x/b ${reason}`,
    'filler',
    'placed',
    'placed',
  ])
})

test(
  'F14 twin: who writes under the final name leaves a stump, and the file gets another name for ever',
  { skip: noMounts },
  (t) => {
    const output = onDisk(
      t,
      small,
      `
    const target = await openTarget(disk)
    fill()
    const { bytes } = small('a', 1 << 20)
    try { fs.writeFileSync(disk + '/a', bytes) } catch ({ code }) { console.log(code) }
    console.log(fs.readdirSync(disk).sort().join(), (await target.look('a')).kind, fs.statSync(disk + '/a').size < bytes.length)
    fs.rmSync(disk + '/filler')
    await place(target, [small('a', 1 << 20)])
    console.log(fs.readdirSync(disk).sort().join())`,
    )
    assert.deepEqual(output, ['ENOSPC', 'a,filler file true', 'placed', 'a,a (2)'])
  },
)

test('F14: a disk that may only be read says so', { skip: noMounts }, (t) => {
  const output = onDisk(
    t,
    'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"',
    `
    const target = await openTarget(disk)
    console.log(await refusal(target.openPart('a', { sizeBytes: 1 })))
    console.log(await refusal(target.makeFolder('a')))
    await place(target, [small('a', 1)])
    console.log(await refusal(openTarget(disk + '/new')))`,
  )
  const reason =
    'cannot be written: the file system is read-only. Make it writable, and go on; what has come is kept.'
  assert.deepEqual(output, [
    ...Array.from({ length: 3 }, () => `disk-failed: DISK/a ${reason}`),
    `disk-failed: DISK/new ${reason}`,
  ])
})

test(
  'F14: a folder of somebody else, and too many open files, are told apart from a disk that fails',
  { skip: noMounts },
  (t) => {
    const output = onDisk(
      t,
      'chmod 755 "$1" && ulimit -n 60',
      `
    const target = await openTarget(disk)
    const open = []
    try { for (;;) open.push(fs.openSync('/dev/null')) } catch {}
    console.log(await refusal(target.openPart('a', { sizeBytes: 1 })))
    for (const fd of open) fs.closeSync(fd)
    process.seteuid(65534)
    console.log(await refusal(target.openPart('a', { sizeBytes: 1 })))`,
    )
    assert.deepEqual(output, [
      'disk-failed: DISK/a cannot be written: too many open files. Raise the limit (ulimit -n), and go on; what has come is kept.',
      'file-unusable: DISK/a cannot be written: permission denied. Give your user the right to write there, and go on; what has come is kept.',
    ])
  },
)

test('a disk on a part of the folder gets its files too', { skip: noMounts }, (t) => {
  const output = onDisk(
    t,
    'mkdir "$1/other" && mount -t tmpfs tmpfs "$1/other"',
    `
    const target = await openTarget(disk)
    await place(target, [small('other/a', 10), small('b', 10)])
    const part = await target.openPart('other/c', { sizeBytes: 1 })
    console.log(await part.finish({ as: 'other/c', modifiedAtMs: 0 }), fs.readdirSync(disk).join(), fs.readdirSync(disk + '/other').sort().join())`,
  )
  assert.deepEqual(output, ['placed', 'placed', 'other/c b,other a,c'])
})

/** The calls that decide what a power cut leaves, in their order; equal ones that follow each other once. */
function traced(t: TestContext, source: string): readonly string[] {
  const disk = newFolder(t)
  const log = `${disk}.trace`
  t.after(() => rmSync(log))
  const calls = 'trace=fsync,fdatasync,syncfs,link,linkat,rename,renameat,renameat2,unlink,unlinkat'
  const args = ['-f', '-qq', '-y', '-e', calls, '-o', log, process.execPath, '--input-type=module', '--eval']
  const child = spawnSync('strace', [...args, program(disk, source)], { encoding: 'utf8' })
  assert.equal(child.stderr, '')
  const lines = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes(disk) || line.includes('/proc/self/fd/'))
  const names = lines.map((line) => /^\d+ +(\w+)\(/.exec(line)?.[1])
  return names.filter((name) => name !== undefined).filter((name, index, all) => name !== all[index - 1])
}

test('a file is flushed before it gets its name, and its folder afterwards', { skip: noTrace }, (t) => {
  const calls = traced(
    t,
    `
    const target = await openTarget(disk)
    const part = await target.openPart('a', { sizeBytes: 1 })
    await part.finish({ as: 'a', modifiedAtMs: 0 })`,
  )
  assert.deepEqual(calls, ['fsync', 'link', 'unlink', 'fsync'])
})

test('so are small files, all of them with one flush of the disk', { skip: noTrace }, (t) => {
  const few = traced(t, `await place(await openTarget(disk), [small('a', 10)])`)
  assert.deepEqual(few, ['fsync', 'link', 'unlink', 'fsync'])
  const many = traced(
    t,
    `await place(await openTarget(disk), Array.from({ length: 50 }, (_, number) => small('a' + number, number)))`,
  )
  assert.deepEqual(
    many.filter((name) => name.includes('sync')),
    ['syncfs', 'fsync'],
  )
  assert.ok(many.indexOf('syncfs') < many.indexOf('link'))
  assert.ok(many.lastIndexOf('link') < many.indexOf('fsync'))
})

test('F14: what the system says becomes a code, the reason, and what to do', () => {
  for (const [errno, code, reason] of [
    ['ENOSPC', 'disk-full', /the disk is full\. Free some space, and go on; what has come is kept\.$/],
    ['EDQUOT', 'disk-full', /your disk quota is used up/],
    ['EIO', 'disk-failed', /the disk reports an error\. Check it/],
    ['EROFS', 'disk-failed', /read-only/],
    ['EMFILE', 'disk-failed', /ulimit/],
    ['EFBIG', 'disk-failed', /no file of this size/],
    ['EACCES', 'file-unusable', /permission denied/],
    ['ENOENT', 'file-unusable', /its folder is gone/],
    ['ESOMETHING', 'disk-failed', /something new\. Correct that/],
  ] as const) {
    const cause = Object.assign(new Error('something new'), { code: errno })
    const error = cannotWrite('/d/a', cause)
    assert.equal(error.code, code)
    assert.match(error.message, /^\/d\/a cannot be written: /)
    assert.match(error.message, reason)
    assert.equal(error.cause, cause)
    assert.equal(cannotWrite('/other', error), error)
    // Twin: what the system itself says names neither a file nor what to do.
    assert.doesNotMatch(cause.message, reason.source === 'something new\\. Correct that' ? /Correct/ : reason)
    assert.equal(errnoOf(cause), errno)
  }
})
