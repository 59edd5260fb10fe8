/** Rows F3 and F6 of the security model over real connections and files. Each twin is the same attack with one defence out. */
import assert from 'node:assert/strict'
import { readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import { isP2PError } from '../../src/base/errors.ts'
import { limits, type Limits } from '../../src/base/limits.ts'
import { openSharedFile, type ReadableFile } from '../../src/files/shared-file.ts'
import { leafBytes } from '../../src/protocol/file-id.ts'
import type { FileHost, FileReply } from '../../src/transport/files.ts'
import type { Credentials } from '../../src/transport/transport.ts'
import { fileId } from '../contracts/file-connection.ts'
import { bytesOf, indexed, newFolder, put } from '../files/shares.ts'
import { delay, makeCredentials, openTransport, until } from '../transport/open.ts'
import { callSecurely, papersOf, securedRequest } from '../transport/tls-ends.ts'

const wholeBytes = 4 * leafBytes

/** What becomes of a file when its first chunk is on its way. */
const changes: Readonly<Record<string, (place: string) => void>> = {
  shrinks: (place) => truncateSync(place, leafBytes + 5),
  grows: (place) => writeFileSync(place, bytesOf(2 * wholeBytes, 2)),
  'is replaced': (place) => {
    writeFileSync(`${place}.new`, bytesOf(wholeBytes, 2))
    renameSync(`${place}.new`, place)
  },
}

/** Without a second look: reads what stands under the name by now, and believes that there is as much as there was. */
function unwatched(place: string): ReadableFile {
  return {
    sizeBytes: wholeBytes,
    async read(position, into) {
      await using handle = await open(place)
      await handle.read(into, 0, into.length, position)
      return into.length
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

/** A host that sends one file, which changes after its first read. */
function hostOf(file: ReadableFile, change: () => void): FileHost {
  let [reads, position] = [0, 0]
  const read = async (into: Uint8Array): Promise<number> => {
    if (++reads === 2) change()
    const bytes = await file.read(position, into)
    position += bytes
    return bytes
  }
  const body = { read, [Symbol.asyncDispose]: () => file[Symbol.asyncDispose]() }
  const reply: FileReply = { kind: 'content', bodyBytes: wholeBytes, sizeBytes: wholeBytes, body }
  return { serve: () => Promise.resolve(reply) }
}

interface Sent {
  readonly before: Buffer
  /** What came until the end, or until it was cut off. */
  readonly came: Buffer
  readonly error: unknown
}

/** Sends a file that changes meanwhile. @param reading how the host reads it */
async function sendChanging(
  t: TestContext,
  change: (place: string) => void,
  reading: (share: string, place: string) => Promise<ReadableFile> | ReadableFile,
): Promise<Sent> {
  const share = newFolder(t)
  const before = Buffer.from(bytesOf(wholeBytes))
  const place = put(share, 'file', before)
  // Past the tick of the clock of the file system.
  await delay(25)
  const files = hostOf(await reading(share, place), () => change(place))
  await using server = await openTransport({ credentials: makeCredentials(), context: { files } })
  await using peer = await openTransport({ credentials: makeCredentials() })
  await using connection = await peer.files(server.id, [server.here])
  const pieces: Buffer[] = []
  const question = { kind: 'content', id: fileId(1), start: 0, end: wholeBytes } as const
  const error = await connection
    .fetch(question, (piece) => {
      pieces.push(Buffer.from(piece.bytes))
      piece.release()
    })
    .then(
      () => undefined,
      (reason: unknown) => reason,
    )
  return { before, came: Buffer.concat(pieces), error }
}

for (const [what, change] of Object.entries(changes)) {
  test(`F3: of a file that ${what} while it is sent, nothing comes but its front`, async (t) => {
    const { before, came, error } = await sendChanging(t, change, (share) =>
      openSharedFile(indexed(share, 'file')),
    )
    assert.ok(isP2PError(error, 'peer-unreachable'), String(error))
    assert.ok(came.length <= leafBytes, `${came.length} bytes`)
    assert.ok(came.equals(before.subarray(0, came.length)))
  })

  test(`F3 twin: without a look at a file that ${what}, a mixed one is sent as if it were whole`, async (t) => {
    let after = Buffer.alloc(0)
    const changing = (place: string): void => {
      change(place)
      after = readFileSync(place)
    }
    const { before, came, error } = await sendChanging(t, changing, (_, place) => unwatched(place))
    assert.equal(error, undefined)
    assert.equal(came.length, wholeBytes)
    assert.ok(came.subarray(0, leafBytes).equals(before.subarray(0, leafBytes)), 'its front is the old one')
    const rest = after.subarray(leafBytes, wholeBytes)
    assert.ok(came.subarray(leafBytes).subarray(0, rest.length).equals(rest), 'what follows is the new one')
    assert.ok(!came.equals(before) && !came.equals(after), 'it is neither')
  })
}

/**
 * Peers that ask so many times each, in turn and from ever new addresses, while no request is answered to its end.
 *
 * @returns of each peer, how many of its requests were being answered at the same time
 */
async function flood(
  changed: Partial<Limits>,
  peers: readonly { readonly peer: Credentials; readonly calls: number }[],
): Promise<readonly number[]> {
  const waiting = Promise.withResolvers<FileReply>()
  const served = new Map(peers.map(({ peer }) => [peer.id, 0]))
  const files: FileHost = {
    serve(caller) {
      served.set(caller.id, (served.get(caller.id) ?? 0) + 1)
      return waiting.promise
    },
  }
  await using server = await openTransport({
    credentials: makeCredentials(),
    limits: changed,
    context: { files },
  })
  let [begun, refused] = [0, 0]
  const underWay = (): number => [...served.values()].reduce((sum, one) => sum + one, 0)
  for (const { peer, calls } of peers) {
    const text = securedRequest(server.here, '/files?path=', { PeerID: peer.id })
    for (let call = 0; call < calls; call++) {
      // Of each address one: so neither the rule for addresses nor the one for those not served yet comes in.
      const localAddress = `127.0.6.${++begun}`
      const options = { ...papersOf(peer), localAddress, withinMs: 60_000 } as object
      void callSecurely(server.here, text, options).then(({ status }) => (refused += status === 503 ? 1 : 0))
      await until(() => underWay() + refused === begun, 20_000)
    }
  }
  return [...served.values()]
}

const { fileConnections: inAll, fileConnectionsPerPeer: each } = limits
const lifted = { fileConnectionsPerPeer: Infinity, fileConnections: Infinity }

function peersAsking(...calls: readonly number[]): Parameters<typeof flood>[1] {
  return calls.map((count) => ({ peer: makeCredentials(), calls: count }))
}

test('F6: one peer has four places however often it asks, and all together have sixteen', async () => {
  assert.deepEqual([each, inAll], [4, 16])
  assert.deepEqual(await flood({}, peersAsking(30, 1)), [4, 1])
  assert.deepEqual(await flood({}, peersAsking(5, 5, 5, 5, 5, 1)), [4, 4, 4, 4, 0, 0])
})

test('F6 twin: without a bound for each, one peer takes all sixteen and the next one gets none', async () => {
  const served = await flood({ fileConnectionsPerPeer: Infinity }, peersAsking(30, 1))
  assert.deepEqual(served, [16, 0])
})

test('F6 twin: without a bound for all, enough peers have as many as they like', async () => {
  const served = await flood({ fileConnections: Infinity }, peersAsking(5, 5, 5, 5, 5, 1))
  assert.deepEqual(served, [4, 4, 4, 4, 4, 1])
})

test('F6 twin: without either, each of a hundred requests of one peer is answered at once', async () => {
  assert.deepEqual(await flood(lifted, peersAsking(100)), [100])
})
