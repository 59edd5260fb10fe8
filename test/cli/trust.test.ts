/** Two commands of real people: they make sure of each other, name each other, and shut each other out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorOf, openPeer, verifyEachOther } from '../lab/peer.ts'
import { loopbackConfig, openPair } from './pair.ts'
import { assertValid } from './schema.ts'

interface ContactView {
  readonly peerId: string
  readonly trust: string
  readonly alias: string
  readonly method?: string
}

test('two commands verify each other by short code, and everything says so from then on', async () => {
  const [desk, kitchen] = await openPair()
  await using _desk = desk
  await using _kitchen = kitchen
  assert.equal((await desk.listed(kitchen.id))?.protection, 'encrypted')
  await verifyEachOther(desk, kitchen)
  for (const [one, other] of [
    [desk, kitchen],
    [kitchen, desk],
  ] as const) {
    const listed = await one.listed(other.id)
    assert.deepEqual([listed?.kind, listed?.protection, listed?.trust], ['p2p', 'verified', 'verified'])
    const known = (await one.command(`trust ${other.id}`)) as { contact: ContactView; safetyNumber: string }
    assert.deepEqual([known.contact.trust, known.contact.method], ['verified', 'code'])
    assert.match(known.safetyNumber, /^\d{60}$/)
  }
  const { session } = (await desk.command(`connect ${kitchen.id}`)) as { session: { protection: string } }
  assert.equal(session.protection, 'verified')
  await desk.command('lunch?')
  await kitchen.received('lunch?')
  assertValid(desk.lines)
  assertValid(kitchen.lines)
})

test('a person who sees another code says no, and neither is verified', async () => {
  const [desk, kitchen] = await openPair()
  await using _desk = desk
  await using _kitchen = kitchen
  desk.write(`verify ${kitchen.id}`)
  const asked = await kitchen.event('verify:code')
  assert.deepEqual([asked['peerId'], asked['incoming'], asked['method']], [desk.id, true, 'code'])
  await kitchen.command(`verify ${desk.id} no`)
  for (const peer of [desk, kitchen]) {
    const done = await peer.event('verify:done')
    assert.equal(done['ok'], false)
    assert.notEqual(done['reason'], '')
    assertValid(peer.lines)
  }
  assert.notEqual((await desk.listed(kitchen.id))?.trust, 'verified')
  assert.equal(errorOf(await desk.attempt(`verify ${kitchen.id} yes`)).code, 'verification-failed')
})

test('whoever trusts nobody yet refuses to talk until both have verified', async () => {
  const [desk, kitchen] = await openPair({ args: ['--policy', 'trusted'] })
  await using _desk = desk
  await using _kitchen = kitchen
  const refused = await desk.attempt(`connect ${kitchen.id}`)
  assert.equal(errorOf(refused).code, 'policy-refused')
  await kitchen.command('policy encrypted')
  // The other side may call now, and is refused by this one.
  const calling = await kitchen.attempt(`connect ${desk.id}`)
  assert.equal(errorOf(calling).code, 'peer-refused')
  await verifyEachOther(desk, kitchen)
  await desk.command(`connect ${kitchen.id}`)
  await desk.command('at last')
  await kitchen.received('at last')
  assert.deepEqual(await kitchen.command('policy'), { policy: 'encrypted' })
  assertValid(desk.lines)
  assertValid(kitchen.lines)
})

test('an alias is used instead of an ID, is remembered, and belongs to one peer', async () => {
  const config = loopbackConfig()
  const [desk, kitchen] = await openPair({ config })
  await using _desk = desk
  await using _kitchen = kitchen
  await using cellar = await openPeer({ config, args: ['--port', '0', '--name', 'alice'], stay: true })
  await desk.found(cellar.id)
  await desk.command(`alias ${kitchen.id} alice`)
  assert.equal(errorOf(await desk.attempt(`alias ${cellar.id} Alice`)).code, 'alias-taken')
  assert.deepEqual(
    [(await desk.listed(kitchen.id))?.alias, (await desk.listed(cellar.id))?.alias],
    ['alice', ''],
  )
  const { session } = (await desk.command('connect alice')) as { session: { peerId: string } }
  assert.equal(session.peerId, kitchen.id)
  await desk.command('/quit')
  desk.kill('SIGTERM')
  await desk.ended
  await using again = await openPeer({
    args: ['--data-dir', desk.dataDir, '--port', '0', '--wait', '10'],
    stay: true,
  })
  const { contacts } = (await again.command('trust')) as { contacts: readonly ContactView[] }
  assert.deepEqual(
    contacts.filter(({ alias }) => alias !== '').map(({ peerId, alias }) => [peerId, alias]),
    [[kitchen.id, 'alice']],
  )
  await again.command('connect alice')
  assertValid(desk.lines)
  assertValid(again.lines)
})

test('who is blocked is shut out at once, until that is taken back', async () => {
  const [desk, kitchen] = await openPair()
  await using _desk = desk
  await using _kitchen = kitchen
  await kitchen.command(`connect ${desk.id}`)
  await kitchen.command('/quit')
  await desk.command(`block ${kitchen.id}`)
  await kitchen.sessionClosed(desk.id)
  assert.equal(errorOf(await kitchen.attempt(`connect ${desk.id}`)).code, 'peer-refused')
  assert.equal(errorOf(await desk.attempt(`connect ${kitchen.id}`)).code, 'peer-blocked')
  await desk.command(`unblock ${kitchen.id}`)
  await kitchen.command(`connect ${desk.id}`)
  await kitchen.command('/quit')
  assert.deepEqual(await desk.command(`forget ${kitchen.id}`), {})
  assertValid(desk.lines)
  assertValid(kitchen.lines)
})

test('a QR code verifies both: the text that is scanned, and a yes of who showed it', async () => {
  const [desk, kitchen] = await openPair()
  await using _desk = desk
  await using _kitchen = kitchen
  const { invitation } = (await desk.command('verify')) as { invitation: { text: string } }
  kitchen.write(`verify ${invitation.text}`)
  const asked = await desk.event('verify:code')
  assert.deepEqual([asked['method'], asked['code'], asked['peerId']], ['qr', '', kitchen.id])
  await desk.command(`verify ${kitchen.id} yes`)
  await kitchen.event(
    'command:done',
    ({ command, ok }) => ok === true && String(command).startsWith('verify p2p:'),
  )
  for (const [one, other] of [
    [desk, kitchen],
    [kitchen, desk],
  ] as const) {
    await one.event('verify:done', ({ ok }) => ok === true)
    assert.equal((await one.listed(other.id))?.trust, 'verified')
    assertValid(one.lines)
  }
})
