/** Rows T6, T8, T11 with a real man in the middle: he gets no byte of an application, and people are told. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { encodeAnnouncement } from '../reference/wire.ts'
import { labUnavailable, openLab, type Lab } from './lab.ts'
import { openMiddle, type Middle } from './middle-host.ts'
import { allMeet, errorOf, openPeer, peerOf, type PeerProcess } from './peer.ts'

const skip = labUnavailable()

interface Scene extends AsyncDisposable {
  readonly lab: Lab
  readonly caller: PeerProcess
  readonly called: PeerProcess
  readonly middle: Middle
}

/** Two peers that have met; what the caller sends the other from now on passes through a third host. */
async function openScene(mode: string): Promise<Scene> {
  const disposables = new AsyncDisposableStack()
  try {
    const lab = disposables.use(await openLab({ hosts: 3 }))
    const caller = disposables.use(await openPeer({ host: lab.host(0) }))
    const called = disposables.use(await openPeer({ host: lab.host(1) }))
    await allMeet([caller, called])
    const middle = await openMiddle({
      at: lab.host(2),
      from: lab.host(0),
      to: lab.host(1),
      mode,
      stolen: join(called.dataDir, 'identity.pem'),
    })
    return { lab, caller, called, middle, [Symbol.asyncDispose]: () => disposables.disposeAsync() }
  } catch (error) {
    await disposables.disposeAsync()
    throw error
  }
}

describe('a man in the middle', { skip, concurrency: 2 }, () => {
  for (const [mode, code] of [
    ['impostor', 'identity-mismatch'],
    ['thief without ALPN', 'insecure-connection'],
    ['plain', 'insecure-connection'],
    ['reset', 'insecure-connection'],
    ['silent', 'insecure-connection'],
  ] as const) {
    test(`who is "${mode}" gets not one byte of an application, and the caller is told`, async () => {
      await using scene = await openScene(mode)
      const { caller, called, middle } = scene
      const done = await caller.attempt(`connect ${called.id}`, { timeoutMs: 20_000 })
      assert.equal(done['ok'], false)
      const { code: told, message } = errorOf(done)
      assert.equal(told, code, message)
      // Two sentences: what happened, and what to do.
      assert.match(message, /^[A-Z].+\. .+\.$/s)
      await caller.attempt(`load-peers ${called.id}`, { timeoutMs: 20_000 })

      const { connections, inPlain, applicationBytes } = await middle.report()
      assert.ok(connections >= 2, `${connections} connections`)
      assert.deepEqual([inPlain, applicationBytes], [0, 0])
      assert.ok(!called.lines.some(({ type }) => type === 'session:opened'))
    })
  }

  test('twin: one who has stolen the key of the peer is let in, and what is said is seen', async () => {
    await using scene = await openScene('thief')
    const { caller, called, middle } = scene
    await caller.command(`connect ${called.id}`)
    await caller.command('meant for you alone')
    const { inPlain, applicationBytes } = await middle.report()
    assert.equal(inPlain, 0)
    assert.ok(applicationBytes > 200, `${applicationBytes} bytes`)
    await middle.event('application', ({ text }) => String(text).startsWith('GET /ws HTTP/1.1'))
  })

  test('who passes all on untouched changes nothing, and reads nothing', async () => {
    await using scene = await openScene('relay')
    const { caller, called, middle } = scene
    await caller.command(`connect ${called.id}`)
    await caller.command('past the man in the middle')
    await called.received('past the man in the middle')
    const { connections, inPlain } = await middle.report()
    assert.ok(connections >= 1)
    assert.equal(inPlain, 0)
  })

  for (const mode of ['reset', 'plain', 'impostor'] as const) {
    test(`who turns "${mode}" in the middle of a session ends it, and gets nothing; the user is warned`, async () => {
      await using scene = await openScene('relay')
      const { caller, called, middle } = scene
      await caller.command(`connect ${called.id}`)
      await caller.command('before')
      await called.received('before')
      const since = caller.mark
      const before = await middle.report()
      await middle.become(mode)
      assert.equal((await caller.sessionClosed(called.id, { since }))['code'], 1006)
      const code = mode === 'impostor' ? 'identity-mismatch' : 'insecure-connection'
      const warning = await caller.warned(code, { since })
      assert.match(errorOf(warning).message, /\. .+\.$/s)
      const after = await middle.report()
      assert.ok(after.connections > before.connections, 'it was dialled again')
      assert.deepEqual([after.inPlain, after.applicationBytes], [0, 0])

      await middle.become('relay')
      const again = await caller.session(called.id, { since, timeoutMs: 20_000 })
      await caller.attempt('/quit')
      await caller.command(`attach ${again.id}`)
      await caller.command('after')
      await called.received('after')
    })
  }

  test('T11: the extension is stripped, and a plain server answers: still called over TLS alone', async () => {
    await using lab = await openLab({ hosts: 3 })
    const [home, away, between] = [lab.host(0), lab.host(1), lab.host(2)]
    // Of what the peer announces nothing arrives; in its place comes the same without field 1001, from this port.
    const port = 40_000
    home.drop(`ip saddr ${away.address} udp sport != ${port}`)
    await using called = await openPeer({ host: away })
    const middle = await openMiddle({ at: between, from: home, to: away, mode: 'plain' })
    await using caller = await openPeer({ host: home })
    const route = { from: { address: away.address, port }, to: { host: home, port: 8001 } }
    between.sendDatagrams(route, [
      encodeAnnouncement({ id: called.id, port: 8001, ip: '<nil>', isPublicIp: false }),
    ])
    const { kind, protection } = peerOf(await caller.found(called.id))
    assert.deepEqual([kind, protection], ['p2p', 'encrypted'])
    const done = await caller.attempt(`connect ${called.id}`)
    assert.equal(errorOf(done).code, 'insecure-connection')
    const { connections, inPlain, applicationBytes } = await middle.report()
    assert.ok(connections > 0)
    assert.deepEqual([inPlain, applicationBytes], [0, 0])
  })
})
