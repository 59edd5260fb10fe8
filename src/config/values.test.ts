import assert from 'node:assert/strict'
import { test } from 'node:test'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { limits } from '../index.ts'
import { keyPaths, keys } from './keys.ts'
import {
  parseAcceptance,
  parseBoolean,
  parseFolder,
  parseInterfaceName,
  parseIp,
  parseIpv4,
  parseKeepDays,
  parseListeningPort,
  parseLogLevel,
  parsePolicy,
  parseMulticastAddress,
  parseName,
  parseParallel,
  parsePeriod,
  parsePort,
  parseRate,
  parseSize,
  type Parsed,
} from './values.ts'

function accepts<Value>(
  parse: (text: string) => Parsed<Value>,
  cases: Readonly<Record<string, Value>>,
): void {
  for (const [text, value] of Object.entries(cases)) assert.deepEqual(parse(text), { value }, text)
}

function refuses(parse: (text: string) => Parsed<unknown>, texts: readonly string[]): void {
  for (const text of texts) assert.ok('problem' in parse(text), `took ${JSON.stringify(text)}`)
}

test('the example of each key that has a default is that default', () => {
  for (const path of keyPaths) {
    const { parse, standard, example } = keys[path]
    const parsed = parse(example)
    assert.ok('value' in parsed, path)
    if (standard !== undefined) assert.equal(parsed.value, standard, path)
  }
})

test('K4: a port is a whole number from 1 to 65535, and 0 where it is listened on', () => {
  accepts(parsePort, { '1': 1, '8001': 8001, '65535': 65_535, '08001': 8001 })
  accepts(parseListeningPort, { '0': 0, '8001': 8001 })
  refuses(parsePort, ['0'])
  for (const parse of [parsePort, parseListeningPort]) {
    refuses(parse, [
      '',
      '-1',
      '65536',
      '1e9',
      '1000000000',
      '8001; id',
      '0x1f41',
      '80.5',
      ' 8001',
      '٨٠٠١',
      'NaN',
    ])
  }
})

test('messages are kept for a whole number of days', () => {
  accepts(parseKeepDays, { '1': 1, '365': 365, [String(limits.longestKeepDays)]: limits.longestKeepDays })
  refuses(parseKeepDays, ['', '0', '-1', '1.5', '30d', String(limits.longestKeepDays + 1)])
})

test('a log level is one of four, in either case', () => {
  accepts(parsePolicy, { open: 'open', Encrypted: 'encrypted', TRUSTED: 'trusted' })
  refuses(parsePolicy, ['', 'closed', 'constructor'])
  accepts(parseLogLevel, { DEBUG: 'DEBUG', info: 'INFO', Warn: 'WARN', ERROR: 'ERROR' })
  refuses(parseLogLevel, ['', 'WARNING', 'trace', '__proto__'])
})

test('a boolean may be said as in the YAML that the reference reads', () => {
  accepts(parseBoolean, { true: true, True: true, yes: true, on: true, false: false, NO: false, off: false })
  refuses(parseBoolean, ['', '1', '0', 'tru', 'constructor'])
})

test('a period is a duration between the two limits', () => {
  accepts(parsePeriod, {
    '20s': 20_000,
    '500ms': limits.shortestPeriodMs,
    '1h': limits.longestPeriodMs,
    '20000000000': 20_000,
  })
  refuses(parsePeriod, ['', '499ms', '1h1ms', '-20s', '20', '1d', 'soon'])
})

test('a bare number that is too short as nanoseconds is explained', () => {
  const parsed = parsePeriod('20')
  assert.match('problem' in parsed ? parsed.problem : '', /without a unit counts nanoseconds/)
})

test('an address is a whole IP address, and comes out in its canonical text', () => {
  accepts(parseIp, { '88.88.88.88': '88.88.88.88', '2001:DB8:0::1': '2001:db8::1', '::1': '::1' })
  refuses(parseIp, [
    '',
    '<nil>',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '010.0.0.1',
    '1.2.3.4:80',
    'fe80::1%eth0',
    'host',
    '[::1]',
  ])
})

test('the address of a discovery is an IPv4 address of its kind', () => {
  accepts(parseMulticastAddress, {
    '224.0.0.1': '224.0.0.1',
    '235.5.5.11': '235.5.5.11',
    '239.255.255.255': '239.255.255.255',
  })
  refuses(parseMulticastAddress, [
    '',
    '223.255.255.255',
    '240.0.0.0',
    '255.255.255.255',
    'ff02::1',
    '235.5.5',
  ])
  accepts(parseIpv4, { '255.255.255.255': '255.255.255.255', '10.0.0.255': '10.0.0.255' })
  refuses(parseIpv4, ['', '255.255.255.256', '::1', 'all'])
})

test('a name is short and can be seen, and may be empty', () => {
  const longest = 'ä'.repeat(limits.nameBytes / 2)
  accepts(parseName, { kitchen: 'kitchen', ' Küche 2 ': 'Küche 2', '': '', [longest]: longest })
  refuses(parseName, [`${longest}x`, 'a\u001B[2J', 'a\nb', 'a\u202Eb', 'a\u200Bb', 'a\u2028b', '\uD800'])
})

test('the name of an interface is any text that can be seen', () => {
  accepts(parseInterfaceName, { eth0: 'eth0', 'Ethernet 2': 'Ethernet 2' })
  refuses(parseInterfaceName, ['', 'eth\u001B0'])
})

test('a folder is named by its whole path, or from the home folder on', () => {
  accepts(parseFolder, { '~': homedir(), '~/a b': join(homedir(), 'a b'), '/srv/../in': resolve('/in') })
  refuses(parseFolder, ['', 'Downloads', './Downloads', '~else', '/a\0b'])
})

test('offers are asked about, or taken from those that are verified', () => {
  accepts(parseAcceptance, { ask: 'ask', Verified: 'verified' })
  refuses(parseAcceptance, ['', 'all', 'yes'])
})

test('K4: sizes and rates are above 0, and so is what goes on at once', () => {
  accepts(parseSize, { '1': 1, '1GB': 1e9 })
  accepts(parseRate, { '500k': 500_000, '20 MB/s': 20e6 })
  accepts(parseParallel, { '1': 1, '3': 3, [limits.transfers]: limits.transfers })
  for (const parse of [parseSize, parseRate, parseParallel]) refuses(parse, ['', '0', '-1', 'much', '1e9'])
  refuses(parseParallel, [String(limits.transfers + 1)])
})
