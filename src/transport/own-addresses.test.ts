import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readFrames } from '../../test/contracts/channel.ts'
import { fileId } from '../../test/contracts/file-connection.ts'
import { delay, makeCredentials, openPair, openTransport } from '../../test/transport/open.ts'
import { isP2PError } from '../base/errors.ts'
import type { FileHost } from './files.ts'
import type { Interfaces } from './on-link.ts'
import { OwnAddresses } from './own-addresses.ts'

/** Interfaces that have these addresses, by name. */
function interfacesWith(addresses: Readonly<Record<string, readonly string[]>>): ReturnType<Interfaces> {
  const rest = { netmask: '255.0.0.0', mac: '00:00:00:00:00:00', internal: false }
  return Object.fromEntries(
    Object.entries(addresses).map(([name, all]) => [
      name,
      all.map((address) =>
        address.includes(':')
          ? { ...rest, address, family: 'IPv6', scopeid: 2, cidr: `${address}/64` }
          : { ...rest, address, family: 'IPv4', cidr: `${address}/8` },
      ),
    ]),
  )
}

/** An observer of a machine, which begins with the first and then sees the others; all addresses named are in use. */
function replacedIn(
  ...states: readonly Readonly<Record<string, readonly string[]>>[]
): readonly (readonly string[])[] {
  let seen = 0
  const own = new OwnAddresses(() => interfacesWith(states[seen]!))
  const used = new Set(states.flatMap((state) => Object.values(state)).flat())
  return states.slice(1).map(() => {
    seen++
    return own.replaced(() => used)
  })
}

describe('an address of ours', () => {
  test('that gives way to another is replaced, once', () => {
    assert.deepEqual(replacedIn({ eth0: ['10.0.0.1'] }, { eth0: ['10.0.0.2'] }, { eth0: ['10.0.0.2'] }), [
      ['10.0.0.1'],
      [],
    ])
  })

  test('that is one of two of its interface is replaced when it is taken away', () => {
    assert.deepEqual(replacedIn({ eth0: ['10.0.0.1', '10.0.0.2'] }, { eth0: ['10.0.0.1'] }), [['10.0.0.2']])
  })

  test('may be away with its interface and come back', () => {
    const at = { eth0: ['10.0.0.1'] }
    const rest = { lo: ['127.0.0.1'] }
    assert.deepEqual(replacedIn({ ...rest, ...at }, rest, rest, { ...rest, ...at }, { eth0: ['10.0.0.2'] }), [
      [],
      [],
      [],
      ['10.0.0.1'],
    ])
  })

  test('is replaced when its interface comes back with another, but not with IPv6 alone', () => {
    const seen = replacedIn({ eth0: ['10.0.0.1'] }, {}, { eth0: ['fe80::1'] }, { eth0: ['10.9.9.9'] })
    assert.deepEqual(seen, [[], [], ['10.0.0.1']])
  })

  test('that moves to another interface stays', () => {
    assert.deepEqual(replacedIn({ eth0: ['10.0.0.1'] }, { br0: ['10.0.0.1'], eth0: ['10.0.0.2'] }), [[]])
  })

  test('that nothing is bound to is forgotten with its interface', () => {
    let now: Readonly<Record<string, readonly string[]>> = { eth0: ['10.0.0.1'] }
    const own = new OwnAddresses(() => interfacesWith(now))
    let used = new Set<string>()
    now = {}
    assert.deepEqual(
      own.replaced(() => used),
      [],
    )
    used = new Set(['10.0.0.1'])
    now = { eth0: ['10.0.0.2'] }
    assert.deepEqual(
      own.replaced(() => used),
      [],
    )
  })
})

test('channels that are bound to a replaced address end at once and say so, others go on', async () => {
  const limits = { sweepMs: 20, interfacePollMs: 40 }
  let now: Readonly<Record<string, readonly string[]>> = { lo: ['127.0.0.1'], eth0: ['10.0.0.1'] }
  await using pair = await openPair({ limits, interfaces: () => interfacesWith(now) })
  for (const channel of [pair.dialler, pair.accepter]) void readFrames(channel)
  now = { lo: ['127.0.0.1'], eth0: ['10.0.0.2'] }
  assert.equal(await Promise.race([pair.dialler.closed, pair.accepter.closed, delay(200)]), undefined)
  now = { lo: ['127.0.0.9'], eth0: ['10.0.0.2'] }
  const ends = await Promise.all([pair.dialler.closed, pair.accepter.closed])
  // Both are on the same machine here, and either may be the first to notice.
  assert.ok(ends.every(({ code }) => code === 1006))
  assert.ok(ends.some(({ stranded }) => stranded === true))
})

for (const end of ['asks', 'answers'] as const)
  test(
    `a connection for files is ended by the end that ${end} when its address was replaced`,
    { timeout: 10_000 },
    async () => {
      const limits = { interfacePollMs: 40 }
      let now: Readonly<Record<string, readonly string[]>> = { lo: ['127.0.0.1'] }
      const changing = { interfaces: () => interfacesWith(now) }
      const asked = Promise.withResolvers<void>()
      const files: FileHost = {
        serve: () => {
          asked.resolve()
          return new Promise(() => {})
        },
      }
      await using host = await openTransport({
        credentials: makeCredentials(),
        context: { files },
        limits,
        ...(end === 'answers' && changing),
      })
      await using asker = await openTransport({
        credentials: makeCredentials(),
        limits,
        ...(end === 'asks' && changing),
      })
      const line = await asker.files(host.id, [host.here])
      const failed = line.ask({ kind: 'availability', id: fileId(1) }).then(
        () => undefined,
        (error: unknown) => error,
      )
      await asked.promise
      assert.equal(await Promise.race([failed, delay(200)]), undefined)
      now = { lo: ['127.0.0.9'] }
      assert.ok(isP2PError(await failed, 'peer-unreachable'))
    },
  )
