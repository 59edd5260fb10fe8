/**
 * What a receiver need not fetch of a new version of a file whose old version it has, and what finding that out costs: the figures
 * of docs/decisions/0016. `node bench/chunks.ts [MiB]`; needs twice as much memory.
 */
import { createCipheriv, createHash } from 'node:crypto'
import { cpus } from 'node:os'

const mib = 2 ** 20
const leaf = mib
const sizeBytes = Number(process.argv[2] ?? 1024) * mib

/** Bytes that look random, and are the same in every run. */
function noise(bytes: number, seed: number): Buffer {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16))
  const made = Buffer.allocUnsafe(bytes)
  const zeros = Buffer.alloc(Math.min(bytes, 4 * mib))
  for (let at = 0; at < bytes; at += zeros.length)
    cipher.update(zeros.subarray(0, Math.min(zeros.length, bytes - at))).copy(made, at)
  return made
}

/** Numbers from 0 to 1, the same in every run (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Case {
  readonly name: string
  readonly old: Buffer
  readonly now: Buffer
}

/** A disk: every fourth stretch of 32 MiB was never written. */
function image(): Buffer {
  const disk = noise(sizeBytes, 1)
  for (let at = 0; at < sizeBytes; at += 128 * mib) disk.fill(0, at, at + 32 * mib)
  return disk
}

/** Writes anew 1 % of a disk, in pieces of so many bytes. */
function changed(name: string, old: Buffer, pieceBytes: number): Case {
  const now = Buffer.from(old)
  const pick = random(2)
  for (let left = sizeBytes / 100; left > 0; left -= pieceBytes) {
    const at = Math.floor((pick() * sizeBytes) / 4096) * 4096
    noise(pieceBytes, 3 + (left & 63)).copy(now, at)
  }
  return { name, old, now }
}

/** Where the files of a tar begin: from 1 KiB to 16 MiB long, each size as likely as twice that. */
function beginnings(): readonly number[] {
  const pick = random(4)
  const found: number[] = []
  for (let at = 0; at < sizeBytes; at += 512 + Math.ceil((1024 * 2 ** (pick() * 14)) / 512) * 512)
    found.push(at)
  return found
}

/** Puts further files between those of a tar, and cuts it to its old length. */
function inserted(name: string, old: Buffer, places: readonly number[]): Case {
  const pieces: Buffer[] = []
  let from = 0
  for (const [index, place] of places.entries()) {
    pieces.push(old.subarray(from, place), noise(512 + 100_352, 100 + index))
    from = place
  }
  const now = Buffer.concat([...pieces, old.subarray(from)]).subarray(0, sizeBytes)
  return { name, old, now }
}

function sha(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64')
}

interface Outcome {
  /** Bytes that have to be fetched. */
  readonly fetched: number
  /** Seconds for what each side has to do beside hashing 1 MiB leaves, which both do anyway; with them, for other chunks. */
  readonly owner: number
  readonly receiver: number
}

function timed<Result>(act: () => Result): readonly [Result, number] {
  const start = process.hrtime.bigint()
  const result = act()
  return [result, Number(process.hrtime.bigint() - start) / 1e9]
}

type Cut = (content: Buffer) => readonly number[]

function fixed(bytes: number): Cut {
  return ({ length }) =>
    Array.from({ length: Math.ceil(length / bytes) }, (_, at) => Math.min(length, (at + 1) * bytes))
}

const drawGear = random(6)
const gear = Uint32Array.from({ length: 256 }, () => drawGear() * 2 ** 32)

/** FastCDC with normalized chunking: a harder mask before the wished size, an easier one behind it. */
function gearCut(averageBytes: number): Cut {
  const bits = Math.log2(averageBytes)
  const [hard, easy] = [(2 ** (bits + 2) - 1) << (30 - bits), (2 ** (bits - 2) - 1) << (34 - bits)]
  return (content) => {
    const ends: number[] = []
    for (let start = 0; start < content.length; start = ends.at(-1) ?? 0)
      ends.push(endOfChunk(content, start, { averageBytes, hard, easy }))
    return ends
  }
}

function endOfChunk(
  content: Buffer,
  start: number,
  {
    averageBytes,
    hard,
    easy,
  }: { readonly averageBytes: number; readonly hard: number; readonly easy: number },
): number {
  const end = Math.min(content.length, start + 4 * averageBytes)
  const middle = Math.min(end, start + averageBytes)
  let hash = 0
  let at = Math.min(end, start + averageBytes / 4)
  for (; at < middle; at++) {
    hash = ((hash << 1) + gear[content[at]!]!) | 0
    if ((hash & hard) === 0) return at + 1
  }
  for (; at < end; at++) {
    hash = ((hash << 1) + gear[content[at]!]!) | 0
    if ((hash & easy) === 0) return at + 1
  }
  return end
}

/** Hash of each chunk, and its length. */
function chunksOf(content: Buffer, cut: Cut): readonly (readonly [string, number])[] {
  let start = 0
  return cut(content).map((end) => {
    const chunk = [sha(content.subarray(start, end)), end - start] as const
    start = end
    return chunk
  })
}

/** What is there is told by the hashes of chunks, wherever they are in the old version. */
function byChunks(cut: Cut): (given: Case) => Outcome {
  return ({ old, now }) => {
    const [wanted, owner] = timed(() => chunksOf(now, cut))
    const [had, receiver] = timed(() => new Set(chunksOf(old, cut).map(([hash]) => hash)))
    const fetched = wanted.reduce(
      (sum, [hash, bytes]) => sum + (had.has(hash) || zeros.has(hash) ? 0 : bytes),
      0,
    )
    return { fetched, owner, receiver }
  }
}

const zeros = new Set([leaf, 64 * 1024, 16 * 1024].map((bytes) => sha(Buffer.alloc(bytes))))

const prime = 0x01000193
const primeToLeaf = power(prime, leaf)

function power(base: number, exponent: number): number {
  let result = 1
  for (let at = 0; at < exponent; at++) result = Math.imul(result, base)
  return result
}

function weakSum(bytes: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at++) sum = (Math.imul(sum, prime) + bytes[at]!) | 0
  return sum
}

/** rsync and zsync: the owner tells a weak sum of each leaf, and the receiver rolls one over every byte of the old version. */
function byRolling({ old, now }: Case): Outcome {
  const leaves = chunksOf(now, fixed(leaf))
  const [sums, owner] = timed(() => leaves.map((_, at) => weakSum(now.subarray(at * leaf, (at + 1) * leaf))))
  const wanted = new Map(sums.map((sum, at) => [sum, leaves[at]![0]]))
  const [found, receiver] = timed(() => roll(old, wanted))
  const fetched = leaves.reduce(
    (sum, [hash, bytes]) => sum + (found.has(hash) || zeros.has(hash) ? 0 : bytes),
    0,
  )
  return { fetched, owner, receiver }
}

function roll(old: Buffer, wanted: ReadonlyMap<number, string>): ReadonlySet<string> {
  const likely = new Uint8Array(65_536)
  for (const sum of wanted.keys()) likely[sum >>> 16] = 1
  const found = new Set<string>()
  let sum = weakSum(old.subarray(0, leaf))
  for (let at = 0; at + leaf <= old.length;) {
    const hash = likely[sum >>> 16] === 1 ? wanted.get(sum) : undefined
    if (hash !== undefined && sha(old.subarray(at, at + leaf)) === hash) {
      found.add(hash)
      at += leaf
      sum = weakSum(old.subarray(at, at + leaf))
    } else {
      sum = (Math.imul(sum, prime) + (old[at + leaf] ?? 0) - Math.imul(primeToLeaf, old[at]!)) | 0
      at++
    }
  }
  return found
}

const needleBytes = 64

/**
 * What is proposed: equal leaves at the same place; where one has to be fetched, its last bytes are searched in the old version, and
 * where they are found, the leaves behind are looked for at the same distance, by their hashes. The owner does nothing for it.
 */
function byShift({ old, now }: Case): Outcome {
  const leaves = chunksOf(now, fixed(leaf))
  const had = new Set(chunksOf(old, fixed(leaf)).map(([hash]) => hash))
  const [fetched, receiver] = timed(() => {
    let bytes = 0
    let shift = 0
    let pause = 1
    let restsUntil = 0
    for (const [at, [hash, length]] of leaves.entries()) {
      if (had.has(hash) || zeros.has(hash)) continue
      const start = at * leaf - shift
      if (shift !== 0 && start >= 0 && sha(old.subarray(start, start + length)) === hash) continue
      bytes += length
      if (at < restsUntil) continue
      const end = at * leaf + length
      const place = placeOf(now.subarray(end - needleBytes, end), old, end - needleBytes)
      if (place === undefined) {
        restsUntil = at + pause
        pause *= 2
      } else {
        shift = end - needleBytes - place
        pause = 1
      }
    }
    return bytes
  })
  return { fetched, owner: 0, receiver }
}

/** Searched on each side of the place where it was expected. */
const nearBytes = 64 * mib

function placeOf(needle: Buffer, old: Buffer, expected: number): number | undefined {
  if (new Set(needle).size < 8) return undefined
  if (needle.equals(old.subarray(expected, expected + needleBytes))) return expected
  const from = Math.max(0, expected - nearBytes)
  const place = old.subarray(from, expected + nearBytes).indexOf(needle)
  return place < 0 ? undefined : from + place
}

const ways: readonly (readonly [string, (given: Case) => Outcome])[] = [
  ['fixed 1 MiB', byChunks(fixed(leaf))],
  ['fixed 64 KiB', byChunks(fixed(64 * 1024))],
  ['fixed 16 KiB', byChunks(fixed(16 * 1024))],
  ['gear 1 MiB', byChunks(gearCut(mib))],
  ['gear 64 KiB', byChunks(gearCut(64 * 1024))],
  ['fixed 1 MiB + rolling sum', byRolling],
  ['fixed 1 MiB + shift', byShift],
]

function* cases(): Generator<Case> {
  const disk = image()
  yield changed('image, 1 % in 4 KiB blocks', disk, 4096)
  yield changed('image, 1 % in runs of 1 MiB', disk, mib)
  const tar = noise(sizeBytes, 7)
  const places = beginnings()
  const first = places.findIndex((place) => place > mib)
  yield inserted('tar, 1 file more in front', tar, places.slice(first, first + 1))
  const everywhere = Array.from(
    { length: 20 },
    (_, at) => places[Math.floor(((at + 0.5) / 20) * places.length)] ?? 0,
  )
  yield inserted('tar, 20 files more', tar, everywhere)
}

const seconds = (value: number): string => value.toFixed(2).padStart(8)
console.log(
  `${process.version}, ${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${sizeBytes / mib} MiB\n`,
)
for (const given of cases()) {
  console.log(`${given.name.padEnd(32)} fetched MiB   owner s  receiver s`)
  for (const [name, way] of ways) {
    const { fetched, owner, receiver } = way(given)
    console.log(
      `  ${name.padEnd(30)} ${(fetched / mib).toFixed(1).padStart(11)}  ${seconds(owner)}    ${seconds(receiver)}`,
    )
  }
}
