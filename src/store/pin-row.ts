import { createHash } from 'node:crypto'
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { limits } from '../base/limits.ts'
import {
  isProvable,
  peerIdFromBytes,
  peerIdFromDigest,
  peerIdPreimage,
  peerIdToBytes,
  type PeerId,
} from '../protocol/peer-id.ts'
import type { Pin } from './trust-store.ts'

const trusts: readonly Pin['trust'][] = ['seen', 'succeeded', 'verified', 'replaced', 'blocked']
const methods: readonly Pin['method'][] = ['code', 'qr', 'safety-number']

/** Trust that only a key can have: a peer without one can be seen or blocked. */
const needsKey: ReadonlySet<string> = new Set<Pin['trust']>(['succeeded', 'verified', 'replaced'])

const greatestUint32 = 2 ** 32 - 1
const checkBytes = 16
const bytes = new TextEncoder()

/** The columns of a row, in the order of {@link rowOf}. */
export const columns = [
  'id',
  'key',
  'trust',
  'alias',
  'method',
  'since_ms',
  'met_ms',
  'protocol',
  'counter',
  'successor',
  'check_value',
] as const

/** What of `pin` cannot be; undefined when it is sound. */
export function flawOf(pin: Pin): string | undefined {
  if (pin.key !== undefined && !belongs(pin.key, pin.id)) return 'its key is not that of its ID'
  if (pin.key === undefined && needsKey.has(pin.trust)) return `it is ${pin.trust} without a key`
  if ((pin.trust === 'verified') !== (pin.method !== undefined))
    return 'trust and method contradict each other'
  if (pin.trust === 'replaced' && pin.successor === undefined) return 'it is replaced by nobody'
  if (pin.alias !== '' && !isProvable(pin.id)) return 'it has an alias and cannot prove who it is'
  if (!pin.alias.isWellFormed() || bytes.encode(pin.alias).length > limits.aliasBytes)
    return 'its alias is too long, or no text'
  if (Number.isNaN(pin.since.getTime()) || Number.isNaN(pin.metAt.getTime())) return 'it has no date'
  if (!isCount(pin.protocol, greatestUint32)) return 'its protocol is no number of 32 bits'
  return isCount(pin.counter, Number.MAX_SAFE_INTEGER) ? undefined : 'its counter is no whole number'
}

/** The values of `pin` for {@link columns}. */
export function rowOf(pin: Pin): SQLInputValue[] {
  return [
    peerIdToBytes(pin.id),
    pin.key ?? null,
    pin.trust,
    pin.alias,
    pin.method ?? null,
    pin.since.getTime(),
    pin.metAt.getTime(),
    pin.protocol,
    pin.counter,
    pin.successor === undefined ? null : peerIdToBytes(pin.successor),
    checkValueOf(pin),
  ]
}

/**
 * The pin in a row, integers as bigint; undefined when it is not exactly one that {@link rowOf} made.
 *
 * @param checks whether the check value has to fit; a test shows what happens without
 */
export function pinOf(row: Readonly<Record<string, SQLOutputValue>>, checks = true): Pin | undefined {
  const id = idIn(row['id'])
  const trust = trusts.find((known) => known === row['trust'])
  const alias = row['alias']
  if (id === undefined || trust === undefined || typeof alias !== 'string') return undefined
  const pin: Pin = {
    id,
    key: row['key'] instanceof Uint8Array ? row['key'] : undefined,
    trust,
    alias,
    method: methods.find((known) => known === row['method']),
    since: new Date(Number(row['since_ms'])),
    metAt: new Date(Number(row['met_ms'])),
    protocol: Number(row['protocol']),
    counter: Number(row['counter']),
    successor: idIn(row['successor']),
  }
  if (flawOf(pin) !== undefined) return undefined
  return checks && !isEqual(row['check_value'], checkValueOf(pin)) ? undefined : pin
}

/**
 * What tells a row that was written from one that has changed since: a flipped bit inside a value is nothing that SQLite
 * notices, and may be the difference between `seen` and `verified`. No MAC: who can write this file can read the private
 * key beside it (docs/decisions/0011-trust-in-a-file-of-its-own.md).
 */
function checkValueOf(pin: Pin): Uint8Array {
  const content = [
    'p2p/pin/v1',
    pin.id,
    pin.key === undefined ? null : Buffer.from(pin.key).toString('hex'),
    pin.trust,
    pin.alias,
    pin.method ?? null,
    pin.since.getTime(),
    pin.metAt.getTime(),
    pin.protocol,
    pin.counter,
    pin.successor ?? null,
  ]
  return createHash('sha256').update(JSON.stringify(content)).digest().subarray(0, checkBytes)
}

function belongs(key: Uint8Array, id: PeerId): boolean {
  if (key.length !== 32) return false
  return id === peerIdFromDigest(createHash('sha256').update(peerIdPreimage(key)).digest())
}

function idIn(value: SQLOutputValue | undefined): PeerId | undefined {
  return value instanceof Uint8Array ? peerIdFromBytes(value) : undefined
}

function isCount(value: number, greatest: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= greatest
}

function isEqual(value: SQLOutputValue | undefined, expected: Uint8Array): boolean {
  return value instanceof Uint8Array && Buffer.compare(value, expected) === 0
}
