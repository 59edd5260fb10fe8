import assert from 'node:assert/strict'
import { test } from 'node:test'

import { inventId, until } from '../../test/app/nodes.ts'
import { limits } from '../base/limits.ts'
import { P2PError } from '../base/errors.ts'
import { ephemeralIdentity } from '../identity/identity.ts'
import { openTrustStore, type Pin, type TrustStore } from '../store/trust-store.ts'
import type { Contact } from './node-event.ts'
import { newPin, TrustBook } from './trust-book.ts'

interface Opened {
  readonly book: TrustBook
  readonly store: TrustStore
  readonly met: string[]
  readonly decided: Contact[]
  readonly unwritable: unknown[]
}

async function open(change: Partial<TrustStore> = {}): Promise<Opened> {
  const memory = await openTrustStore({ path: undefined })
  const store: TrustStore = {
    damage: undefined,
    all: () => memory.all(),
    get: (id) => memory.get(id),
    put: (...pins) => memory.put(...pins),
    note: (pin) => memory.note(pin),
    flush: () => memory.flush(),
    delete: (id) => memory.delete(id),
    [Symbol.dispose]: () => {},
    ...change,
  }
  const heard = { met: [] as string[], decided: [] as Contact[], unwritable: [] as unknown[] }
  const book = new TrustBook(store, {
    announcedKey: () => undefined,
    met: (id) => heard.met.push(id),
    decided: (contact) => heard.decided.push(contact),
    unwritable: (error) => heard.unwritable.push(error),
  })
  return { book, store: memory, ...heard }
}

const peer = ephemeralIdentity().credentials

test('a peer that is met is kept at once, and written again only when there is news', async () => {
  let notes = 0
  const memory = await openTrustStore({ path: undefined })
  const note = (pin: Pin): void => {
    notes++
    memory.note(pin)
  }
  const { book, met } = await open({ note, get: (id) => memory.get(id) })
  for (let count = 0; count < 5; count++) book.meet(peer, 1)
  assert.deepEqual([notes, met.length, book.trustOf(peer.id)], [1, 1, 'seen'])
  book.meet(peer, 3)
  book.meet(peer, 2)
  assert.equal(notes, 2)
  assert.equal(memory.get(peer.id)?.protocol, 3, 'the version only rises')
  memory.put({ ...memory.get(peer.id)!, metAt: new Date(Date.now() - limits.metAgainMs - 1) })
  book.meet(peer, 1)
  assert.equal(notes, 3)
  assert.equal(met.length, 1)
})

test('who was only met is written a moment later, with all the others; a decision at once, with them', async () => {
  const writes: string[] = []
  const memory = await openTrustStore({ path: undefined })
  const flush = (): void => {
    writes.push('flush')
    memory.flush()
  }
  const put = (...pins: Pin[]): void => {
    writes.push('put')
    memory.put(...pins)
  }
  const { book } = await open({
    flush,
    put,
    note: (pin) => memory.note(pin),
    get: (id) => memory.get(id),
  })
  for (let count = 0; count < limits.newPinBurst; count++) book.meet(ephemeralIdentity().credentials, 1)
  assert.deepEqual(writes, [])
  await until(() => writes.length > 0, 'the write')
  assert.deepEqual(writes, ['flush'])
  book.block(peer.id)
  assert.deepEqual(writes, ['flush', 'put'])
})

test('so many newcomers at once are kept, and the others the next time', async () => {
  const { book, store } = await open()
  for (let count = 0; count < limits.newPinBurst + 20; count++) book.meet(ephemeralIdentity().credentials, 1)
  assert.ok(store.all().length >= limits.newPinBurst && store.all().length < limits.newPinBurst + 20)
  const known = store.all()[0]!
  store.put({ ...known, metAt: new Date(0) })
  book.meet({ id: known.id, key: known.key! }, 1)
  assert.ok(store.get(known.id)!.metAt.getTime() > 0, 'who is known already is noted all the same')
})

test('so many known strangers at once are noted as met again, and the others the next time', async () => {
  const { book, store } = await open()
  const peers = Array.from({ length: limits.newPinBurst + 20 }, () => ephemeralIdentity().credentials)
  store.put(...peers.map((known) => ({ ...newPin(known, new Date(0)), protocol: 1 })))
  for (const known of peers) book.meet(known, 1)
  const noted = store.all().filter(({ metAt }) => metAt.getTime() > 0).length
  assert.ok(noted >= limits.newPinBurst && noted < limits.newPinBurst + 20, `${noted}`)
})

test('a peer that cannot be written is still talked with, and the trouble is told', async () => {
  const trouble = new P2PError('trust-unwritable', 'disk full')
  const fail = (): void => {
    throw trouble
  }
  const { book, unwritable, met } = await open({ put: fail, flush: fail })
  book.meet(peer, 1)
  assert.deepEqual([unwritable, met], [[], [peer.id]])
  assert.throws(() => book.block(peer.id), trouble)
  await until(() => unwritable.length > 0, 'the warning')
  assert.deepEqual(unwritable, [trouble])
})

test('a key that is not the one that is kept does not fit, and verifies nobody', async () => {
  const { book, store } = await open()
  book.meet(peer, 1)
  const other = { id: peer.id, key: ephemeralIdentity().publicKey }
  assert.ok(book.fits(peer))
  assert.ok(!book.fits(other))
  assert.throws(() => book.verified(other, 'code'), { code: 'verification-failed' })
  assert.equal(store.get(peer.id)?.trust, 'seen')
})

test('a block takes the verification, keeps the alias, and is taken back to seen', async () => {
  const { book, decided } = await open()
  book.verified(peer, 'qr')
  book.setAlias(peer.id, 'Bob')
  book.block(peer.id)
  book.block(peer.id)
  assert.throws(() => book.verified(peer, 'qr'), { code: 'peer-blocked' })
  book.unblock(peer.id)
  assert.deepEqual(
    decided.map(({ trust, method, alias }) => [trust, method, alias]),
    [
      ['verified', 'qr', ''],
      ['verified', 'qr', 'Bob'],
      ['blocked', undefined, 'Bob'],
      ['seen', undefined, 'Bob'],
    ],
  )
})

test('a key that has named a successor cannot be verified, and stays replaced after a block', async () => {
  const { book, store } = await open()
  const successor = ephemeralIdentity().id
  store.put({ ...newPin(peer, new Date()), trust: 'replaced', successor })
  assert.throws(() => book.verified(peer, 'code'), {
    code: 'verification-failed',
    message: new RegExp(successor),
  })
  book.block(peer.id)
  book.unblock(peer.id)
  assert.equal(book.trustOf(peer.id), 'replaced')
})

test('who never proved a key can be blocked, and is nobody again after that', async () => {
  const { book, store } = await open()
  for (const id of [inventId(1), ephemeralIdentity().id]) {
    book.block(id)
    assert.equal(book.trustOf(id), 'blocked')
    book.unblock(id)
    assert.equal(store.get(id), undefined)
  }
})
