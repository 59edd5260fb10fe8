import { isIP, isIPv4 } from 'node:net'
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { limits, policies, type LogLevel, type Policy } from '../index.ts'
import { parseByteCount } from './byte-count.ts'
import { parseDuration } from './duration.ts'

/** What became of a text: a value, or what it should have been. */
export type Parsed<Value> =
  { readonly value: Value } | { readonly problem: string; readonly among?: readonly string[] }

const logLevels = ['DEBUG', 'INFO', 'WARN', 'ERROR'] as const satisfies readonly LogLevel[]

export function parseLogLevel(text: string): Parsed<LogLevel> {
  const level = logLevels.find((known) => known === text.toUpperCase())
  return level === undefined
    ? { problem: 'must be DEBUG, INFO, WARN or ERROR', among: logLevels }
    : { value: level }
}

export function parsePolicy(text: string): Parsed<Policy> {
  const policy = policies.find((known) => known === text.toLowerCase())
  return policy === undefined
    ? { problem: 'must be open, encrypted or trusted', among: policies }
    : { value: policy }
}

/** YAML 1.1, which the reference's library follows for a boolean, has more words than true and false. */
const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['false', false],
  ['no', false],
  ['off', false],
])

export function parseBoolean(text: string): Parsed<boolean> {
  const value = booleans.get(text.toLowerCase())
  return value === undefined ? { problem: 'must be true or false', among: ['true', 'false'] } : { value }
}

/** A port that can be sent to. */
export function parsePort(text: string): Parsed<number> {
  return wholeNumber(text, { from: 1, to: 65_535 })
}

/** A port to listen on; 0 takes a free one. */
export function parseListeningPort(text: string): Parsed<number> {
  return wholeNumber(text, { from: 0, to: 65_535 })
}

export function parseKeepDays(text: string): Parsed<number> {
  return wholeNumber(text, { from: 1, to: limits.longestKeepDays })
}

function wholeNumber(
  text: string,
  { from, to }: { readonly from: number; readonly to: number },
): Parsed<number> {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (value >= from && value <= to) return { value }
  return { problem: `must be a whole number from ${from} to ${to}` }
}

export function parsePeriod(text: string): Parsed<number> {
  const { shortestPeriodMs, longestPeriodMs } = limits
  const value = parseDuration(text)
  if (value === undefined) return { problem: 'must be a duration' }
  if (value >= shortestPeriodMs && value <= longestPeriodMs) return { value }
  const bare = /^\d+$/.test(text) ? '; a number without a unit counts nanoseconds' : ''
  return { problem: `must be from ${shortestPeriodMs}ms to ${longestPeriodMs / 3_600_000}h${bare}` }
}

/** An IPv4 or IPv6 address, in the canonical text that is announced. */
export function parseIp(text: string): Parsed<string> {
  if (isIPv4(text)) return { value: text }
  if (isIP(text) !== 6 || text.includes('%')) return { problem: 'must be an IP address' }
  return { value: new URL(`http://[${text}]`).hostname.slice(1, -1) }
}

export function parseIpv4(text: string): Parsed<string> {
  return isIPv4(text) ? { value: text } : { problem: 'must be an IPv4 address' }
}

export function parseMulticastAddress(text: string): Parsed<string> {
  const first = isIPv4(text) ? Number.parseInt(text, 10) : 0
  if (first >= 224 && first <= 239) return { value: text }
  return { problem: 'must be an IPv4 multicast address, 224.0.0.0 to 239.255.255.255' }
}

/** The same characters that are cut out of the names of others (U19). */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u

/** What one calls oneself; empty for no name. */
export function parseName(text: string): Parsed<string> {
  const value = text.trim()
  if (unprintable.test(value)) return { problem: 'must have only characters that can be seen' }
  const fits = Buffer.byteLength(value) <= limits.nameBytes
  return fits ? { value } : { problem: `must be at most ${limits.nameBytes} bytes of UTF-8` }
}

/** Whether there is such an interface is found out when it is opened. */
export function parseInterfaceName(text: string): Parsed<string> {
  return text === '' || unprintable.test(text)
    ? { problem: 'must be the name of a network interface' }
    : { value: text }
}

/** A folder by its whole path, or in the home folder; whether it can be used is found out when it is. */
export function parseFolder(text: string): Parsed<string> {
  if (text.includes('\0')) return { problem: 'must be the path of a folder' }
  if (text === '~' || text.startsWith('~/')) return { value: join(homedir(), text.slice(1)) }
  return isAbsolute(text)
    ? { value: resolve(text) }
    : { problem: 'must be a whole path, or one that begins with ~/' }
}

const acceptances = ['ask', 'verified'] as const

/** Whose offers are taken without a question. */
export type Acceptance = (typeof acceptances)[number]

export function parseAcceptance(text: string): Parsed<Acceptance> {
  const value = acceptances.find((known) => known === text.toLowerCase())
  return value === undefined ? { problem: 'must be ask or verified', among: acceptances } : { value }
}

/** Bytes, at least 1. */
export function parseSize(text: string): Parsed<number> {
  const value = parseByteCount(text)
  return value !== undefined && value >= 1
    ? { value }
    : { problem: 'must be a number of bytes, above 0, with k, M, G or T after it or not' }
}

/** Bytes per second, at least 1. */
export function parseRate(text: string): Parsed<number> {
  const parsed = parseSize(text)
  return 'value' in parsed ? parsed : { problem: 'must be bytes per second, above 0, such as 500k or 20MB/s' }
}

export function parseParallel(text: string): Parsed<number> {
  return wholeNumber(text, { from: 1, to: limits.transfers })
}
