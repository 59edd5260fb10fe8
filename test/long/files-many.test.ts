/** Very many files, very large ones, and every name: memory stays bounded on both sides, and what arrives is what was there. */
import assert from 'node:assert/strict'
import { createHash, randomBytes, randomInt } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { freeUdpPort } from '../contracts/loopback.ts'
import { hashesBelow, SharingSide } from './sharing-side.ts'

const mebibyte = 1024 * 1024
const gibibyte = 1024 * mebibyte
/** The target of a node that is bundled is 120 MiB: one that runs from its sources has 45 more, and tests run beside others. */
const mostPeakBytes = 200 * mebibyte
/** Of very many files most is what V8 has not collected yet: 20 MiB of its heap are in use at any time. */
const mostPeakOfManyBytes = 420 * mebibyte
const mostDelayMs = 250
const withinMs = 240_000

interface Pair extends Disposable {
  readonly sender: SharingSide
  readonly receiver: SharingSide
}

async function openPair(): Promise<Pair> {
  const port = await freeUdpPort()
  const [sender, receiver] = [new SharingSide(port), new SharingSide(port)]
  return {
    sender,
    receiver,
    [Symbol.dispose]() {
      sender[Symbol.dispose]()
      receiver[Symbol.dispose]()
    },
  }
}

/** Shares what there is, takes all of it, and ends both. @returns bytes that came */
async function takeAll(
  t: TestContext,
  { sender, receiver }: Pair,
  mostBytes = mostPeakBytes,
): Promise<number> {
  const clock = stopwatch(t)
  await Promise.all([sender.start(), receiver.start()])
  await sender.share()
  clock('hashed')
  await receiver.finished(await receiver.get(sender, 'stuff'), withinMs)
  clock('taken')
  for (const [name, side] of Object.entries({ sender, receiver })) {
    const { peakBytes, delayP99Ms } = (await side.view()).usage
    t.diagnostic(
      `${name}: at most ${(peakBytes / mebibyte).toFixed(0)} MiB resident, p99 of the main loop ${delayP99Ms.toFixed(0)} ms`,
    )
    assert.ok(peakBytes < mostBytes, `the ${name} took ${peakBytes} bytes of memory`)
    assert.ok(delayP99Ms < mostDelayMs, `the ${name} did not answer for ${delayP99Ms} ms`)
  }
  await Promise.all([sender.stop(), receiver.stop()])
  return receiver.arrived
}

function stopwatch(t: TestContext): (what: string) => void {
  let since = performance.now()
  return (what) => {
    t.diagnostic(`${what} in ${((performance.now() - since) / 1_000).toFixed(1)} s`)
    since = performance.now()
  }
}

test('100,000 files of 1 KiB in nested folders arrive as they are', async (t) => {
  using pair = await openPair()
  const count = 100_000
  const content = randomBytes(1024)
  for (let file = 0; file < count; file++) {
    const folder = join(pair.sender.shared, `${file % 10}`, `${file % 97}`, `${file % 7}`)
    if (file < 10 * 97 * 7) mkdirSync(folder, { recursive: true })
    content.writeUInt32LE(file)
    writeFileSync(join(folder, `file ${file}.bin`), content)
  }
  const arrived = await takeAll(t, pair, mostPeakOfManyBytes)
  t.diagnostic(`${(arrived / mebibyte).toFixed(0)} MiB came`)
  const [there, wanted] = [hashesBelow(join(pair.receiver.down, 'stuff')), hashesBelow(pair.sender.shared)]
  assert.equal(wanted.size, count)
  assert.equal(there.size, count)
  for (const [path, hash] of wanted) assert.equal(there.get(path), hash, path)
})

test('a sparse file of 20 GiB: only what is in it travels, and it is sparse again', async (t) => {
  using pair = await openPair()
  const size = 20 * gibibyte + 12_345
  const chunks = [0, size - 5, ...Array.from({ length: 38 }, () => randomInt(20 * 1024) * mebibyte)].map(
    (at) => ({
      at,
      bytes: randomBytes(Math.min(randomInt(1, mebibyte), size - at)),
    }),
  )
  chunks.sort((a, b) => a.at - b.at)
  const source = openSync(join(pair.sender.shared, 'disk.img'), 'w')
  ftruncateSync(source, size)
  for (const { at, bytes } of chunks) writeSync(source, bytes, 0, bytes.length, at)
  closeSync(source)
  const arrived = await takeAll(t, pair)
  t.diagnostic(`${(arrived / mebibyte).toFixed(0)} MiB came`)
  assert.ok(arrived < 45 * mebibyte, `${arrived} bytes came`)
  const saved = openSync(join(pair.receiver.down, 'stuff/disk.img'), 'r')
  const { size: savedSize, blocks } = fstatSync(saved)
  assert.equal(savedSize, size)
  assert.ok(blocks * 512 < 64 * mebibyte, `it takes ${blocks * 512} bytes of the disk`)
  const read = (at: number, length: number): Buffer => {
    const bytes = Buffer.alloc(length)
    assert.equal(readSync(saved, bytes, 0, length, at), length)
    return bytes
  }
  for (const [index, { at, bytes }] of chunks.entries()) {
    if (chunks[index + 1]?.at === at) continue
    assert.ok(read(at, bytes.length).equals(bytes), `other bytes at ${at}`)
    const end = at + bytes.length
    const next = Math.min(chunks[index + 1]?.at ?? size, end + 4 * mebibyte)
    assert.ok(
      read(end, Math.max(0, next - end)).every((byte) => byte === 0),
      `something behind ${at}`,
    )
  }
  closeSync(saved)
})

test('4 GiB of real data: memory does not grow with it', async (t) => {
  using pair = await openPair()
  const [name, slab] = [join(pair.sender.shared, 'film.bin'), randomBytes(mebibyte)]
  const file = openSync(name, 'w')
  for (let chunk = 0; chunk < 4 * 1024; chunk++) {
    slab.writeUInt32LE(chunk, chunk % 1_000)
    writeSync(file, slab)
  }
  closeSync(file)
  const arrived = await takeAll(t, pair)
  assert.equal(arrived, 4 * gibibyte)
  const saved = join(pair.receiver.down, 'stuff/film.bin')
  assert.equal(statSync(saved).size, 4 * gibibyte)
  const [one, other] = await Promise.all([hashOf(name), hashOf(saved)])
  assert.equal(other, one)
})

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of createReadStream(path, { highWaterMark: mebibyte })) hash.update(piece as Buffer)
  return hash.digest('hex')
}

/** Words in many scripts, and what has made trouble elsewhere. */
const words = [
  'photos Ünïcödé ελληνικά фотографии հայերեն עברית العربية فارسی हिन्दी বাংলা தமிழ் తెలుగు ಕನ್ನಡ മലയാളം සිංහල ไทย ລາວ',
  'བོད་ཡིག မြန်မာ ქართული አማርኛ ខ្មែរ ᏣᎳᎩ ᠮᠣᠩᠭᠣᠯ ⵜⴰⵎⴰⵣⵉⵖⵜ 한국어 日本語 ひらがな カタカナ 中文 繁體 𐌲𐌿𐍄 𠜎𠜱 📷🎉 ﬁle İı ẞß',
  "#%&{}$!@+`= it's x.tar.gz … (1) [2] a=b,c;d ^_^",
].flatMap((line) => line.split(' '))
const blanks = ['a b', 'two  blanks', 'three of\u00a0another kind']
/** What a shell or a desktop would take for something else gets a mark in front (F7). */
const marked = ['-rf', '~tilde~', '.hidden']

test('names in every script, composed and decomposed, and of 255 bytes arrive byte for byte', async (t) => {
  using pair = await openPair()
  const { sender, receiver } = pair
  const write = (path: string): void => {
    mkdirSync(dirname(join(sender.shared, path)), { recursive: true })
    writeFileSync(join(sender.shared, path), `content of ${path}`)
  }
  for (const form of ['NFC', 'NFD'] as const)
    for (const word of [...words, ...blanks]) {
      const name = word.normalize(form)
      write(`${form}/${name}`)
      write(`${form} folders/${name}/${name}.txt`)
    }
  const long = [
    'x'.repeat(255),
    'ж'.repeat(127) + 'y',
    '写'.repeat(85),
    '📷'.repeat(63) + 'abc',
    'é'.normalize('NFD').repeat(85),
  ]
  for (const name of long) {
    assert.equal(Buffer.byteLength(name), 255)
    write(`long/${name}`)
    write(`long folders/${name}/${name}`)
  }
  for (const name of marked) write(`marked ${name}/${name}`)
  await takeAll(t, pair)
  const saved = join(receiver.down, 'stuff')
  for (const name of marked) {
    const path = `marked ${name}/_${name}`
    assert.equal(readFileSync(join(saved, path), 'utf8'), `content of marked ${name}/${name}`)
    renameSync(join(saved, path), join(saved, `marked ${name}/${name}`))
  }
  assert.deepEqual(namesBelow(saved), namesBelow(sender.shared))
  for (const path of namesBelow(sender.shared))
    if (statSync(join(saved, path)).isFile())
      assert.equal(readFileSync(join(saved, path), 'utf8'), `content of ${path}`)
})

function namesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
}
