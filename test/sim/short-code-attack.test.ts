/**
 * T14: a man in the middle against a short code that was cut to 12 bits, so that luck can be counted. He makes as many keys and
 * nonces as he likes, and does whatever the code he faces lets him do: the same attacker wins nearly always where one of
 * its two defences is missing, and no more than by guessing where both are there.
 *
 * Everything is drawn from a seed, so that the count is the same in every run.
 */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'

import { shortCodeCrypto, type PairingEnds } from '../../src/identity/short-code.ts'
import type { PairingMessage } from '../../src/protocol/pairing.ts'
import { advance, beginExchange, type Exchange, type ShortCodeCrypto } from '../../src/rules/verification.ts'

const bits = 12
const runs = 20_000
/** What the attacker spends on one search: so many tries find what he wants 99 times in 100. */
const searchTries = 5 * 2 ** bits

type Code = (ends: PairingEnds) => ShortCodeCrypto

/** 32 bytes that are new at each call, and the same in each run of the test. */
type Draw = () => Uint8Array

function drawFrom(seed: string): Draw {
  let count = 0
  return () => hash('sha256', `${seed} ${count++}`, 'buffer')
}

/** One end with an honest program: what it says, and the code that it shows in the end. */
class Victim {
  #exchange: Exchange
  readonly said: PairingMessage[] = []
  code: number | undefined

  constructor(role: 'A' | 'B', crypto: ShortCodeCrypto, nonce: Uint8Array) {
    const { exchange, actions } = beginExchange({ role, crypto, nonce, now: 0 })
    this.#exchange = exchange
    this.#note(actions)
  }

  hear(message: PairingMessage): void {
    const { exchange, actions } = advance(this.#exchange, { type: 'frame', message }, 0)
    this.#exchange = exchange
    this.#note(actions)
  }

  /** The nonce in what it said last. */
  get nonce(): Uint8Array {
    const last = this.said.at(-1)
    assert.ok(last?.kind === 'nonce' || last?.kind === 'reveal')
    return last.nonce
  }

  #note(actions: ReturnType<typeof advance>['actions']): void {
    for (const action of actions) {
      if (action.type === 'send') this.said.push(action.message)
      if (action.type === 'show') this.code = cut(action.code)
    }
  }
}

/** The last bits of eight digits. */
function cut(code: string): number {
  return Number(code.replace(' ', '')) % 2 ** bits
}

/** The first that makes `wanted`; any when the search is given up. */
function search(draw: Draw, codeOf: (drawn: Uint8Array) => string, wanted: number): Uint8Array {
  for (let tries = 1; tries < searchTries; tries++) {
    const drawn = draw()
    if (cut(codeOf(drawn)) === wanted) return drawn
  }
  return draw()
}

/** Whether two people are shown the same code although each of them talks with the attacker. */
function attack(code: Code, draw: Draw): boolean {
  const [alice, bob, toAlice, toBob] = [draw(), draw(), draw(), draw()]
  const left = { binding: draw(), dialler: alice, accepter: toAlice }
  const leftCrypto = code(left)

  // Alice dials him. He answers at once, and learns her code: with her, he has no choice left.
  const aliceEnd = new Victim('A', leftCrypto, draw())
  const mine = draw()
  aliceEnd.hear({ kind: 'nonce', nonce: mine })
  const wanted = cut(leftCrypto.derive(aliceEnd.nonce, mine).code)

  // He dials Bob. Does the code come from the keys alone? Then he makes keys until it is the right one.
  const nonces = [draw(), draw(), draw()] as const
  const codeWith = (dialler: Uint8Array) => code({ binding: left.binding, dialler, accepter: bob })
  const plain = codeWith(toBob)
  const isFixed = plain.derive(nonces[0], nonces[1]).code === plain.derive(nonces[2], nonces[1]).code
  const key = isFixed
    ? search(draw, (drawn) => codeWith(drawn).derive(nonces[0], nonces[1]).code, wanted)
    : toBob
  const right = { binding: isFixed ? left.binding : draw(), dialler: key, accepter: bob }
  return talk({ crypto: code(right), wanted, draw }) === aliceEnd.code
}

interface Talk {
  readonly crypto: ShortCodeCrypto
  readonly wanted: number
  readonly draw: Draw
}

/** The code that Bob shows. The attacker commits himself as he must, and says another nonce if that can pass. */
function talk({ crypto, wanted, draw }: Talk): number | undefined {
  const bobEnd = new Victim('B', crypto, draw())
  const first = draw()
  const commitment = crypto.commitment(first)
  bobEnd.hear({ kind: 'commit', commitment })
  const theirs = bobEnd.nonce
  const isLoose = Buffer.compare(crypto.commitment(draw()), commitment) === 0
  const nonce = isLoose ? search(draw, (drawn) => crypto.derive(drawn, theirs).code, wanted) : first
  bobEnd.hear({ kind: 'reveal', nonce })
  return bobEnd.code
}

function winsOf(code: Code, count: number): number {
  const draw = drawFrom('short-code-attack')
  let wins = 0
  for (let run = 0; run < count; run++) if (attack(code, draw)) wins++
  return wins
}

test('T14: of 20,000 attacks on a code cut to 12 bits no more succeed than twice what luck gives', () => {
  const wins = winsOf(shortCodeCrypto, runs)
  assert.ok(wins > 0, 'a code that is never the same cannot be cut to 12 bits')
  assert.ok(wins <= (2 * runs) / 2 ** bits, `${wins} wins`)
})

const commitless: Code = (ends) => ({ ...shortCodeCrypto(ends), commitment: () => new Uint8Array(32) })

test('T14, twin: without a commitment the same attacker wins', () => {
  const wins = winsOf(commitless, 20)
  assert.ok(wins >= 18, `${wins} wins of 20`)
})

test('T14, twin: where the code comes from the keys alone the same attacker wins', () => {
  const zero = new Uint8Array(32)
  const keysAlone: Code = ({ dialler, accepter }) => {
    const crypto = shortCodeCrypto({ binding: zero, dialler, accepter })
    return { ...crypto, derive: () => crypto.derive(zero, zero) }
  }
  const wins = winsOf(keysAlone, 20)
  assert.ok(wins >= 18, `${wins} wins of 20`)
})
