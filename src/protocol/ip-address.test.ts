import assert from 'node:assert/strict'
import { isIP, SocketAddress } from 'node:net'
import { test } from 'node:test'
import * as fc from 'fast-check'

import { isDialableIp } from './ip-address.ts'

const dialable = [
  '8.8.8.8',
  '88.88.88.88',
  '10.0.0.1',
  '192.168.1.1',
  '172.16.255.254',
  '100.64.0.1',
  '223.255.255.254',
  '1.0.0.0',
  '169.253.1.1',
  '2001:db8::1',
  'fd00::2',
  '2a00:1450:4001:81b::200e',
  '2001:db8:0:1:1:1:1:1',
  '2001:0:0:1::1',
  '2001::1:0:0:1',
]

/** Row U10 of the threat table, and their like. */
const refused = [
  '',
  '127.0.0.1',
  '127.255.255.254',
  '0.0.0.0',
  '0.1.2.3',
  '::',
  '::1',
  '::7f00:1',
  '::127.0.0.1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '::ffff:808:808',
  '64:ff9b::808:808',
  '169.254.169.254',
  '224.0.0.251',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
  '192.168.1.1:80',
  '192.168.1.1 ',
  ' 192.168.1.1',
  '192.168.1.1\n',
  '192.168.1',
  '192.168.1.1.1',
  '192.168.1.256',
  '192.168.01.1',
  '0x7f.1',
  '010.0.0.1',
  '2130706433',
  '１.1.1.1',
  'fe80::1',
  'febf::1',
  'fe80::1%eth0',
  'fd00::2%eth0',
  'ff02::1',
  'FD00::2',
  'fd00:0::2',
  'fd00::0002',
  'fd00:0:0:0:0:0:0:2',
  '2001:db8::1:1:1:1:1',
  '2001:db8:1:2:3:4:5::',
  'fd00::1::2',
  'fd00:::2',
  ':fd00::2',
  'fd00::2:',
  'fd00:1:2:3:4:5:6:7:8',
  'fd00:12345::1',
  '[fd00::2]',
  'localhost',
  'evil.example',
  '1'.repeat(900),
]

test('U10: canonical global unicast addresses are dialled, private ones included', () => {
  for (const ip of dialable) assert.ok(isDialableIp(ip), ip)
})

test('U10: any other text a stranger can claim is not', () => {
  for (const ip of refused) assert.ok(!isDialableIp(ip), ip.slice(0, 40))
})

test('U10, twin: the check of the platform alone would dial this machine, its neighbours and its cloud', () => {
  const inward = [
    '127.0.0.1',
    '0.0.0.0',
    '::1',
    '::ffff:127.0.0.1',
    '169.254.169.254',
    '224.0.0.251',
    'fe80::1%eth0',
  ]
  for (const ip of inward) {
    assert.ok(isIP(ip) > 0, ip)
    assert.ok(!isDialableIp(ip), ip)
  }
})

test('an IPv6 address is canonical exactly when the platform writes it the same way', () => {
  const group = fc.oneof(fc.constant(0), fc.nat(0xffff))
  const groups = fc.array(group, { minLength: 7, maxLength: 7 })
  fc.assert(
    fc.property(groups, fc.boolean(), (numbers, padded) => {
      const long = [0x2001, ...numbers]
        .map((part) => part.toString(16).padStart(padded ? 4 : 1, '0'))
        .join(':')
      const { address } = new SocketAddress({ address: long, family: 'ipv6' })
      assert.ok(isDialableIp(address), address)
      assert.equal(isDialableIp(long), long === address, long)
    }),
    { numRuns: 2000 },
  )
})

test('whatever is dialled is an address, never a name', () => {
  const almost = fc.stringMatching(/^[0-9abf.:%]{0,40}$/)
  fc.assert(
    fc.property(fc.oneof(almost, fc.ipV4(), fc.ipV6()), (text) => {
      if (isDialableIp(text)) assert.ok(isIP(text) > 0, text)
    }),
    { numRuns: 10_000 },
  )
})
