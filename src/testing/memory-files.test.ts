import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  contentHost,
  fetchAll,
  fileConnectionContract,
  withCode,
  type FilesPair,
  type MakeFilesPair,
} from '../../test/contracts/file-connection.ts'
import { contextOf, makeCredentials } from '../../test/transport/open.ts'
import { leafBytes } from '../protocol/file-id.ts'
import { MemoryTransport } from './memory-transport.ts'
import { MemoryWire } from './memory-wire.ts'

function openPair(wire: MemoryWire, ...[files, host = {}]: Parameters<MakeFilesPair>): FilesPair {
  const left = new MemoryTransport(wire, '10.0.0.1', contextOf({ credentials: makeCredentials() }))
  const right = new MemoryTransport(
    wire,
    '10.0.0.2',
    contextOf({ credentials: makeCredentials(), ...host, files }),
  )
  const to = [{ address: right.address, port: right.port }]
  return {
    askerId: left.id,
    hostId: right.id,
    open: (signal) => left.files(right.id, to, signal === undefined ? {} : { signal }),
    cut: () => right.cutFiles(left.id),
    async [Symbol.asyncDispose]() {
      await left[Symbol.asyncDispose]()
      await right[Symbol.asyncDispose]()
    },
  }
}

const weather = { seed: 1, lossRate: 0, delayMs: [0, 0] } as const

fileConnectionContract('memory', (...what) => Promise.resolve(openPair(new MemoryWire(weather), ...what)))

test('a network that is cut ends a transfer in the middle, and nobody gets through until it heals', async () => {
  const wire = new MemoryWire({ ...weather, delayMs: [1, 2] })
  await using pair = openPair(wire, contentHost(100 * leafBytes))
  await using connection = await pair.open()
  const fetching = assert.rejects(fetchAll(connection, 0, 100 * leafBytes), withCode('peer-unreachable'))
  setTimeout(() => wire.divide((address) => address), 20)
  await fetching
  await connection.closed
  await assert.rejects(pair.open(), withCode('peer-unreachable'))
  wire.divide(() => undefined)
  await using next = await pair.open()
  assert.equal((await fetchAll(next, 0, 10)).length, 1)
})
