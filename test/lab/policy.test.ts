/** Two of ours and the reference, on one network, under each policy: each pair talks as its kind allows, and it shows. */
import assert from 'node:assert/strict'
import { stat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { randomUUID } from 'node:crypto'
import { labUnavailable, openLab, type Lab } from './lab.ts'
import { allMeet, errorOf, openPeer, sessionOf, verifyEachOther, type PeerProcess } from './peer.ts'
import { openReference, type Reference } from './reference.ts'

const skip = labUnavailable()

interface Network extends AsyncDisposable {
  readonly lab: Lab
  readonly one: PeerProcess
  readonly two: PeerProcess
  readonly reference: Reference
}

/** All three have met. */
async function openNetwork(args: readonly string[] = []): Promise<Network> {
  const disposables = new AsyncDisposableStack()
  try {
    const lab = disposables.use(await openLab({ hosts: 3 }))
    const reference = disposables.use(await openReference(lab.host(2), { checkPeriodMs: 500 }))
    const one = disposables.use(await openPeer({ host: lab.host(0), args }))
    const two = disposables.use(await openPeer({ host: lab.host(1), args }))
    await allMeet([one, two])
    for (const ours of [one, two]) await Promise.all([ours.found(reference.id), reference.found(ours.id)])
    return { lab, one, two, reference, [Symbol.asyncDispose]: () => disposables.disposeAsync() }
  } catch (error) {
    await disposables.disposeAsync()
    throw error
  }
}

describe('a mixed network', { skip, concurrency: 2 }, () => {
  test('open: all talk with all, and what protects it is told in lists and events', async () => {
    await using network = await openNetwork()
    const { one, two, reference } = network
    assert.deepEqual(await shown(one, reference.id), ['reference', 'none', 'unknown'])
    assert.deepEqual((await shown(one, two.id)).slice(0, 2), ['p2p', 'encrypted'])

    assert.equal(await talk(one, two), 'encrypted')
    assert.equal(await talkWithReference(one, reference), 'none')
    await reference.command(`connect ${two.id}`)
    assert.equal((await two.session(reference.id)).protection, 'none')
    // It is told of two, whom it knows.
    assert.equal(await reference.command(`load-peers ${one.id}`), 0)
    assert.deepEqual(Object.keys((await one.command(`load-peers ${reference.id}`)) as object), ['added'])

    await verifyEachOther(one, two)
    assert.deepEqual(await shown(one, two.id), ['p2p', 'verified', 'verified'])
    assert.equal(await talk(two, one), 'verified')
  })

  test('encrypted: ours talk; the reference gets 403 for all but /ping, and is not called', async () => {
    await using network = await openNetwork(['--policy', 'encrypted'])
    const { one, two, reference } = network
    assert.equal(await talk(one, two), 'encrypted')
    await assertKeptOut(network)
    // It asks /ping every half second, and keeps whom it knows.
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    assert.ok(!reference.lines.some(({ type }) => type === 'peer:lost'))
    assert.deepEqual(await shown(one, reference.id), ['reference', 'none', 'unknown'])
  })

  test('trusted: strangers of ours may pair and nothing else; who is verified talks', async () => {
    await using network = await openNetwork(['--policy', 'trusted'])
    const { one, two } = network
    await assertKeptOut(network)
    for (const [ours, other] of [
      [one, two],
      [two, one],
    ] as const) {
      const done = await ours.attempt(`connect ${other.id}`)
      assert.equal(errorOf(done).code, 'policy-refused')
    }
    await verifyEachOther(one, two)
    assert.equal(await talk(one, two), 'verified')
  })

  test('trusted on one side: the other calls in vain, and is told that it was refused', async () => {
    await using lab = await openLab({ hosts: 2 })
    await using one = await openPeer({ host: lab.host(0) })
    await using two = await openPeer({ host: lab.host(1), args: ['--policy', 'trusted'] })
    await allMeet([one, two])
    assert.equal(errorOf(await one.attempt(`connect ${two.id}`)).code, 'peer-refused')
    assert.equal(errorOf(await one.attempt(`load-peers ${two.id}`)).code, 'peer-refused')
    assert.ok(!two.lines.some(({ type }) => type === 'session:opened'))
  })

  test('a policy that is changed ends what it forbids, with 1008, and opens again what it allows', async () => {
    await using network = await openNetwork()
    const { one, two, reference } = network
    await one.command(`connect ${two.id}`)
    await one.command('/quit')
    await talkWithReference(one, reference)
    await one.command('policy encrypted')
    assert.equal((await one.sessionClosed(reference.id))['code'], 1008)
    assert.equal((await reference.event('session:closed'))['code'], 1008)
    assert.ok(!one.lines.some((line) => line.type === 'session:closed' && sessionOf(line).peerId === two.id))
    const { sessions } = (await one.command('sessions')) as { sessions: unknown[] }
    assert.equal(sessions.length, 1)
    await one.command('policy trusted')
    assert.equal((await one.sessionClosed(two.id))['code'], 1008)
    await assert.rejects(reference.command(`connect ${one.id}`), /403/)
    await one.command('policy open')
    await reference.command(`connect ${one.id}`)
    const changes = one.lines.filter(({ type }) => type === 'policy:changed').map(({ policy }) => policy)
    assert.deepEqual(changes, ['encrypted', 'trusted', 'open'])
  })

  test('who is blocked is cut off at once and gets nothing more, of whatever kind', async () => {
    await using network = await openNetwork()
    const { one, two, reference } = network
    await two.command(`connect ${one.id}`)
    await two.command('/quit')
    await reference.command(`connect ${one.id}`)
    await Promise.all([one.session(two.id), one.session(reference.id)])
    for (const { id } of [two, reference]) await one.command(`block ${id}`)
    await Promise.all([two.sessionClosed(one.id), reference.event('session:closed')])
    for (const command of ['connect', 'load-peers']) {
      assert.equal(errorOf(await two.attempt(`${command} ${one.id}`)).code, 'peer-refused')
      await assert.rejects(reference.command(`${command} ${one.id}`), /403/)
      for (const { id } of [two, reference])
        assert.equal(errorOf(await one.attempt(`${command} ${id}`)).code, 'peer-blocked')
    }
    assert.equal(errorOf(await two.attempt(`verify ${one.id}`)).code, 'peer-refused')
    await one.command(`unblock ${two.id}`)
    await two.command(`connect ${one.id}`)
  })
})

describe('a data directory', { skip, concurrency: 2 }, () => {
  test('with the ID of a reference: told at the first start, neither read nor changed, and not told again', async () => {
    await using lab = await openLab({ hosts: 1 })
    // Anybody who reads it would stop at what it says.
    const text = `${randomUUID()} is not an ID`
    await using peer = await openPeer({ host: lab.host(0), files: { id: text } })
    const before = await stat(join(peer.dataDir, 'id'))
    const made = await peer.event('identity:made')
    assert.deepEqual([made['peerId'], made['leavesIdFile']], [peer.id, true])
    assert.equal(peer.id[14], '8')
    assert.equal(await readFile(join(peer.dataDir, 'id'), 'utf8'), text)
    assert.deepEqual((await stat(join(peer.dataDir, 'id'))).mtimeMs, before.mtimeMs)
    await peer.attempt('exit')
    assert.equal(await peer.exit(), 0)

    await using again = await openPeer({ host: lab.host(0), args: ['--data-dir', peer.dataDir] })
    assert.equal(again.id, peer.id)
    assert.ok(!again.lines.some(({ type }) => type === 'identity:made'))
  })
})

/** Kind, protection and trust of a peer in the list. */
async function shown(ours: PeerProcess, id: string): Promise<readonly string[]> {
  const { kind, protection, trust } = (await ours.listed(id))!
  return [kind, protection, trust]
}

/** @returns what the session of the two is protected by, which both ends say */
async function talk(from: PeerProcess, to: PeerProcess): Promise<string> {
  const since = [from.mark, to.mark] as const
  await from.command(`connect ${to.id}`)
  const text = `hello ${since.join()}`
  await from.command(text)
  await to.received(text, { since: since[1] })
  await from.command('/quit')
  const { sessions } = (await from.command('sessions')) as { sessions: { id: string; peerId: string }[] }
  const session = sessions.find(({ peerId }) => peerId === to.id)!
  await from.command(`close ${session.id}`)
  const views = await Promise.all([
    from.session(to.id, { since: since[0] }),
    to.session(from.id, { since: since[1] }),
  ])
  assert.equal(views[0].protection, views[1].protection)
  return views[0].protection
}

async function talkWithReference(ours: PeerProcess, reference: Reference): Promise<string> {
  await ours.command(`connect ${reference.id}`)
  await ours.command('hello, gopher')
  await reference.message('message:arrived', 'hello, gopher')
  await ours.command('/quit')
  return (await ours.session(reference.id)).protection
}

/** The reference gets nothing from ours, and ours do not call it. */
async function assertKeptOut({ lab, one, reference }: Network): Promise<void> {
  const calls = lab
    .host(0)
    .countSent(`ip daddr ${lab.host(2).address} tcp flags syn / syn,ack tcp dport 8001`)
  await assert.rejects(reference.command(`connect ${one.id}`), /403/)
  await assert.rejects(reference.command(`load-peers ${one.id}`), /403/)
  for (const command of ['connect', 'load-peers']) {
    const done = await one.attempt(`${command} ${reference.id}`)
    assert.equal(errorOf(done).code, 'policy-refused')
    assert.match(errorOf(done).message, /policy/)
  }
  assert.equal(calls(), 0)
}
