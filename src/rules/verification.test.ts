import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'

import { limits } from '../base/limits.ts'
import { newNonce, shortCodeCrypto, type PairingEnds } from '../identity/short-code.ts'
import type { PairingMessage } from '../protocol/pairing.ts'
import {
  advance,
  beginExchange,
  failureSentences,
  type Exchange,
  type ExchangeAction,
  type ExchangeEvent,
  type Role,
  type ShortCodeCrypto,
} from './verification.ts'

/** One end of an exchange, with what it did. */
class End {
  #exchange: Exchange
  readonly actions: ExchangeAction[] = []

  constructor(role: Role, crypto: ShortCodeCrypto, verifyMs?: number) {
    const start = { role, crypto, nonce: newNonce(), now: 0 }
    const { exchange, actions } = beginExchange(verifyMs === undefined ? start : { ...start, verifyMs })
    this.#exchange = exchange
    this.actions.push(...actions)
  }

  get exchange(): Exchange {
    return this.#exchange
  }

  /** What became of it, if anything has. */
  get outcome(): string | undefined {
    if (this.#exchange.phase === 'failed') return this.#exchange.failure
    return this.#exchange.phase === 'verified' ? 'verified' : undefined
  }

  get code(): string | undefined {
    return codeIn(this.actions)
  }

  /** The frame of this kind that it has sent. */
  sent<Kind extends PairingMessage['kind']>(kind: Kind): Extract<PairingMessage, { kind: Kind }> {
    const messages = this.actions.flatMap((action) => (action.type === 'send' ? [action.message] : []))
    const found = messages.find(
      (message): message is Extract<PairingMessage, { kind: Kind }> => message.kind === kind,
    )
    assert.ok(found, `${kind} was not sent`)
    return found
  }

  take(message: PairingMessage | undefined, now = 1): this {
    return this.feel({ type: 'frame', message }, now)
  }

  answer(same: boolean, now = 1): this {
    return this.feel({ type: 'answer', same }, now)
  }

  feel(event: ExchangeEvent, now: number): this {
    const { exchange, actions } = advance(this.#exchange, event, now)
    this.#exchange = exchange
    this.actions.push(...actions)
    return this
  }
}

/** The code that these actions show, if any. */
function codeIn(actions: readonly ExchangeAction[]): string | undefined {
  return actions.find((action) => action.type === 'show')?.code
}

const bytes32 = (): Uint8Array => Uint8Array.from(randomBytes(32))
const somebody = { binding: bytes32(), dialler: bytes32(), accepter: bytes32() }

function newCrypto(ends: Partial<PairingEnds> = {}): ShortCodeCrypto {
  return shortCodeCrypto({ ...somebody, ...ends })
}

/** Both ends of one connection, both showing the code. */
function comparing(crypto = newCrypto()): { readonly a: End; readonly b: End } {
  const [a, b] = [new End('A', crypto), new End('B', crypto)]
  b.take(a.sent('commit'))
  a.take(b.sent('nonce'))
  b.take(a.sent('reveal'))
  return { a, b }
}

test('both ends show the same eight digits, and both are verified when both users say yes, in either order', () => {
  for (const first of ['a', 'b'] as const) {
    const ends = comparing()
    const [one, other] = first === 'a' ? [ends.a, ends.b] : [ends.b, ends.a]
    assert.match(one.code ?? '', /^\d{4} \d{4}$/)
    assert.equal(one.code, other.code)
    other.take(one.answer(true).sent('verdict'))
    assert.deepEqual([one.outcome, other.outcome], [undefined, undefined])
    one.take(other.answer(true).sent('verdict'))
    assert.deepEqual([one.outcome, other.outcome], ['verified', 'verified'])
    assert.deepEqual(
      one.actions.map(({ type }) => type).filter((type) => type !== 'send'),
      ['show', 'verified'],
    )
  }
})

test('a no on either side ends it on both, and each is told who said it', () => {
  const { a, b } = comparing()
  a.answer(true)
  a.take(b.answer(false).sent('verdict'))
  assert.deepEqual([a.outcome, b.outcome], ['other-differs', 'differs'])
  b.take(a.sent('verdict'))
  assert.equal(b.outcome, 'differs')
})

test('a user who says yes, and then no, is taken at the last word while it is not over', () => {
  const { a } = comparing()
  assert.equal(a.answer(true).answer(true).outcome, undefined)
  assert.equal(a.answer(false).outcome, 'differs')
})

test('a yes before a code is shown counts for nothing, and a no ends it', () => {
  const crypto = newCrypto()
  const [a, b] = [new End('A', crypto).answer(true), new End('B', crypto).answer(true)]
  b.take(a.sent('commit'))
  a.take(b.sent('nonce'))
  b.take(a.sent('reveal'))
  b.answer(true)
  a.take(b.sent('verdict'))
  assert.equal(a.outcome, undefined, 'A was asked before there was anything to compare')
  assert.equal(new End('A', crypto).answer(false).outcome, 'differs')
})

test('every failure is told to people', () => {
  for (const sentence of Object.values(failureSentences)) assert.match(sentence, /\. .+\.$/)
  const { a } = comparing()
  const failed = a.take({ kind: 'taken' }).actions.at(-1)
  assert.ok(failed?.type === 'failed')
  assert.equal(failed.failure, 'violation')
})

// T13: each rule, and what the attack gains where the rule is missing.

/** A commitment that binds nobody to anything. */
function unbound(crypto: ShortCodeCrypto): ShortCodeCrypto {
  return { ...crypto, commitment: () => new Uint8Array(32) }
}

/** A nonce with which the code begins like `wanted`: the search that a commitment makes impossible. */
function searched(codeOf: (nonce: Uint8Array) => string, wanted: string): Uint8Array {
  for (;;) {
    const nonce = newNonce()
    if (codeOf(nonce).startsWith(wanted)) return nonce
  }
}

/** An attacker that dials, and chooses its nonce after it has seen that of its victim. */
function revealAnother(crypto: ShortCodeCrypto): End {
  const victim = new End('B', crypto)
  victim.take({ kind: 'commit', commitment: crypto.commitment(newNonce()) })
  const theirs = victim.sent('nonce').nonce
  return victim.take({ kind: 'reveal', nonce: searched((mine) => crypto.derive(mine, theirs).code, '12') })
}

test('T13: a reveal that is not what was committed to ends it, and no code is shown', () => {
  const victim = revealAnother(newCrypto())
  assert.equal(victim.outcome, 'violation')
  assert.equal(victim.code, undefined)
})

test('T13, twin: without a commitment the attacker chooses the code', () => {
  assert.match(revealAnother(unbound(newCrypto())).code ?? '', /^12/)
})

/** An attacker in the middle gives one victim's commitment and nonces back to it as its own, on a second connection. */
function reflect(cryptoFor: (ends: PairingEnds) => ShortCodeCrypto): End {
  const [victim, attacker] = [bytes32(), bytes32()]
  const dials = new End('A', cryptoFor({ binding: bytes32(), dialler: victim, accepter: attacker }))
  const accepts = new End('B', cryptoFor({ binding: bytes32(), dialler: attacker, accepter: victim }))
  accepts.take(dials.sent('commit'))
  dials.take(accepts.sent('nonce'))
  return accepts.take(dials.sent('reveal'))
}

test('T13: a commitment that is reflected ends it', () => {
  assert.equal(reflect(shortCodeCrypto).outcome, 'violation')
  const straight = new End('A', newCrypto())
  assert.equal(straight.take(straight.sent('commit')).outcome, 'violation')
})

test('T13, twin: were the keys not in the commitment, a reflected one would pass', () => {
  const crypto = newCrypto()
  const keyless = (ends: PairingEnds) => ({
    ...shortCodeCrypto(ends),
    commitment: (nonce: Uint8Array) => crypto.commitment(nonce),
  })
  assert.ok(reflect(keyless).code)
})

test('T13: no end says its nonce before the other is bound, and a nonce or reveal before its time ends it', () => {
  const crypto = newCrypto()
  const early = new End('B', crypto)
  assert.deepEqual(early.actions, [])
  for (const kind of ['nonce', 'reveal'] as const) {
    const victim = new End('B', crypto).take({ kind, nonce: newNonce() })
    assert.equal(victim.outcome, 'violation')
    assert.deepEqual(
      victim.actions.map(({ type }) => type),
      ['failed'],
    )
  }
  const dialler = new End('A', crypto).take({ kind: 'reveal', nonce: newNonce() })
  assert.equal(dialler.outcome, 'violation')
  assert.ok(!dialler.actions.some((action) => action.type === 'send' && action.message.kind === 'reveal'))
})

test('T13, twin: with the nonce of B before the commitment of A, the attacker chooses the code', () => {
  const crypto = newCrypto()
  const victim = new End('B', crypto)
  assert.ok(victim.exchange.phase === 'awaits-commitment')
  // What B would have said too early.
  const { nonce: theirs } = victim.exchange
  const mine = searched((nonce) => crypto.derive(nonce, theirs).code, '12')
  victim.take({ kind: 'commit', commitment: crypto.commitment(mine) }).take({ kind: 'reveal', nonce: mine })
  assert.match(victim.code ?? '', /^12/)
})

test('T13: a step that comes twice ends it', () => {
  const crypto = newCrypto()
  const [a, b] = [new End('A', crypto), new End('B', crypto)]
  b.take(a.sent('commit'))
  const twice = new End('B', crypto).take(a.sent('commit')).take(a.sent('commit'))
  assert.equal(twice.outcome, 'violation')
  a.take(b.sent('nonce'))
  assert.equal(a.take(b.sent('nonce')).outcome, 'violation')
  b.take(a.sent('reveal'))
  assert.equal(b.take(a.sent('reveal')).outcome, 'violation')
  const pair = comparing()
  const verdict = pair.a.answer(true).sent('verdict')
  assert.equal(pair.b.take(verdict).take(verdict).outcome, 'violation')
})

test('T13, twin: a dialler that took a second nonce would let the attacker choose the code', () => {
  const crypto = newCrypto()
  const victim = new End('A', crypto)
  const waiting = victim.exchange
  const mine = victim.take({ kind: 'nonce', nonce: newNonce() }).sent('reveal').nonce
  const nonce = searched((second) => crypto.derive(mine, second).code, '12')
  const again = advance(waiting, { type: 'frame', message: { kind: 'nonce', nonce } }, 1).actions
  assert.match(codeIn(again) ?? '', /^12/)
})

test('T13: after the end nothing changes it any more', () => {
  const late = comparing()
  late.b.feel({ type: 'closed' }, 1)
  const over = [...late.b.actions]
  late.b.take(late.a.answer(true).sent('verdict')).answer(true)
  assert.equal(late.b.outcome, 'closed')
  assert.deepEqual(late.b.actions, over)
  const { a, b } = comparing()
  b.take(a.answer(true).sent('verdict')).answer(true)
  assert.equal(b.take(undefined).feel({ type: 'closed' }, 1).feel({ type: 'tick' }, 1e9).outcome, 'verified')
})

test('T13, twin: the same steps before the end would have verified it', () => {
  const { a, b } = comparing()
  assert.equal(b.take(a.answer(true).sent('verdict')).answer(true).outcome, 'verified')
})

/** The yes of a user in one exchange, said again in one with the same peer after a reconnect; our user says yes too. */
function replayVerdict(first: ShortCodeCrypto, second: ShortCodeCrypto): End {
  const before = comparing(first)
  const after = comparing(second)
  return after.b.take(before.a.answer(true).sent('verdict')).answer(true)
}

test('T13: a step of an earlier connection ends it', () => {
  assert.equal(replayVerdict(newCrypto(), newCrypto({ binding: bytes32() })).outcome, 'violation')
  assert.equal(replayVerdict(newCrypto(), newCrypto()).outcome, 'violation', 'the nonces are new too')
  const [before, after] = [comparing(), new End('B', newCrypto())]
  assert.equal(after.take(before.a.sent('reveal')).outcome, 'violation')
})

test('T13, twin: a verdict that is bound to no exchange could be said again', () => {
  const loose = { ...newCrypto() }
  const derive = (nonceA: Uint8Array, nonceB: Uint8Array) => ({
    ...newCrypto().derive(nonceA, nonceB),
    verdictMac: (role: Role, same: boolean) => new Uint8Array(32).fill(role === 'A' ? 1 : 2, same ? 0 : 16),
  })
  assert.equal(replayVerdict({ ...loose, derive }, { ...loose, derive }).outcome, 'verified')
})

test('T13: our own yes, sent back to us, is not that of the other user', () => {
  const { a } = comparing()
  assert.equal(a.answer(true).take(a.sent('verdict')).outcome, 'violation')
})

test('T13, twin: were the role not in it, our own yes would verify the peer', () => {
  const crypto = newCrypto()
  const derive = (nonceA: Uint8Array, nonceB: Uint8Array) => {
    const shared = crypto.derive(nonceA, nonceB)
    return { ...shared, verdictMac: (_role: Role, same: boolean) => shared.verdictMac('A', same) }
  }
  const { a } = comparing({ ...crypto, derive })
  assert.equal(a.answer(true).take(a.sent('verdict')).outcome, 'verified')
})

test('T13: a yes without its MAC, or a no turned into a yes, ends it', () => {
  const { a, b } = comparing()
  assert.equal(a.take({ kind: 'verdict', same: true, mac: bytes32() }).outcome, 'violation')
  const turned = comparing()
  const no = b.answer(false).sent('verdict')
  assert.equal(turned.a.answer(true).take({ ...no, same: true }).outcome, 'violation')
})

test('T13: a verdict before both have the code ends it', () => {
  const { b } = comparing()
  const verdict = b.answer(true).sent('verdict')
  for (const role of ['A', 'B'] as const)
    assert.equal(new End(role, newCrypto()).take(verdict).outcome, 'violation')
})

test('T13: bytes that are no frame, and frames of other kinds of pairing, end it in every phase', () => {
  const others = [undefined, { kind: 'scan', mac: bytes32() }, { kind: 'taken' }] as const
  for (const message of [...others, { kind: 'succession', statement: bytes32() } as const]) {
    const { a, b } = comparing()
    for (const end of [a, b, new End('A', newCrypto()), new End('B', newCrypto())])
      assert.equal(end.take(message).outcome, 'violation')
  }
})

/** Both users say yes, the second of them `seconds` after the beginning. */
function answeredAfter(seconds: number, verifyMs: number): End {
  const crypto = newCrypto()
  const [a, b] = [new End('A', crypto, verifyMs), new End('B', crypto, verifyMs)]
  b.take(a.sent('commit'))
  a.take(b.sent('nonce'))
  b.take(a.sent('reveal'))
  return a.take(b.answer(true).sent('verdict')).answer(true, 1_000 * seconds)
}

test('T13: two users have 120 s, and a tick after it ends it without anybody saying anything', () => {
  assert.equal(answeredAfter(119, limits.verifyMs).outcome, 'verified')
  const late = answeredAfter(121, limits.verifyMs)
  assert.equal(late.outcome, 'timeout')
  for (const role of ['A', 'B'] as const) {
    const alone = new End(role, newCrypto())
    assert.equal(alone.feel({ type: 'tick' }, limits.verifyMs - 1).outcome, undefined)
    assert.equal(alone.feel({ type: 'tick' }, limits.verifyMs).outcome, 'timeout')
  }
})

test('T13, twin: without that limit an answer after 121 s verifies', () => {
  assert.equal(answeredAfter(121, Infinity).outcome, 'verified')
})

test('a man in the middle has two codes, which are not the same', () => {
  const [alice, bob, mallory] = [bytes32(), bytes32(), bytes32()]
  const left = comparing(newCrypto({ binding: bytes32(), dialler: alice, accepter: mallory }))
  const right = comparing(newCrypto({ binding: bytes32(), dialler: mallory, accepter: bob }))
  assert.notEqual(left.a.code, right.b.code)
})
