import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'

import * as fc from 'fast-check'

import { loopbackName } from '../../test/contracts/loopback.ts'
import { isP2PError } from '../base/errors.ts'
import { destinationsFor, interfacesFor } from './broadcast.ts'
import {
  directedBroadcast,
  isOnLink,
  requireInterface,
  usableInterfaces,
  type NetworkInterface,
} from './interfaces.ts'

function at(address: string, netmask: string): NetworkInterface {
  return { name: 'eth0', address, netmask, loopback: false }
}

test('usable interfaces are those of the platform, without loopback while there are others', () => {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const ipv4 = all.filter((one) => one.family === 'IPv4')
  const outward = ipv4.filter((one) => !one.internal)
  const expected = (outward.length > 0 ? outward : ipv4).map((one) => one.address)
  assert.deepEqual(
    usableInterfaces().map((one) => one.address),
    expected,
  )
})

test('an interface that is named is used, and only it', () => {
  const loopback = loopbackName()
  requireInterface(loopback)
  assert.ok(usableInterfaces(loopback).length > 0)
  assert.ok(usableInterfaces(loopback).every((one) => one.name === loopback && one.loopback))
})

test('an unknown interface is an error that lists the real ones, and guesses which was meant', () => {
  for (const name of ['nosuchinterface', '', '__proto__', 'eth 0\n']) {
    assert.throws(
      () => requireInterface(name),
      (error: Error) =>
        isP2PError(error, 'interface-unknown') &&
        Object.keys(networkInterfaces()).every((real) => error.message.includes(real)),
    )
    assert.deepEqual(usableInterfaces(name), [])
  }
})

test('on the link is what shares the network of an interface, or is this host', () => {
  const lan = [at('192.168.1.7', '255.255.255.0'), at('10.1.2.3', '255.128.0.0')]
  for (const address of [
    '192.168.1.1',
    '192.168.1.255',
    '10.0.0.1',
    '10.127.255.255',
    '127.0.0.1',
    '127.9.9.9',
  ]) {
    assert.equal(isOnLink(address, lan), true, address)
  }
  for (const address of ['192.168.2.1', '10.128.0.1', '8.8.8.8', '0.0.0.0', '255.255.255.255']) {
    assert.equal(isOnLink(address, lan), false, address)
  }
  assert.equal(isOnLink('192.168.1.1', []), false)
})

test('the broadcast address of a network is its last address', () => {
  assert.equal(directedBroadcast(at('192.168.1.7', '255.255.255.0')), '192.168.1.255')
  assert.equal(directedBroadcast(at('10.1.2.3', '255.128.0.0')), '10.127.255.255')
  assert.equal(directedBroadcast(at('172.16.5.130', '255.255.255.192')), '172.16.5.191')
  assert.equal(directedBroadcast(at('10.0.0.5', '255.255.255.255')), '10.0.0.5')
})

test('property: the broadcast address of a network is on its link', () => {
  const byte = fc.integer({ min: 0, max: 255 })
  const mask = fc.integer({ min: 1, max: 32 }).map((bits) => {
    const value = (0xffffffff << (32 - bits)) >>> 0
    return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
  })
  fc.assert(
    fc.property(fc.tuple(byte, byte, byte, byte), mask, (bytes, netmask) => {
      const one = at(bytes.join('.'), netmask)
      assert.ok(isOnLink(directedBroadcast(one), [one]))
      assert.ok(isOnLink(one.address, [one]))
    }),
  )
})

test('255.255.255.255 leaves through every interface, and as the network broadcast where it cannot', () => {
  const lan = at('192.168.1.7', '255.255.255.0')
  const all = [lan, at('10.1.2.3', '255.0.0.0')]
  assert.deepEqual(interfacesFor('255.255.255.255', all), all)
  assert.deepEqual(destinationsFor('255.255.255.255', lan, 'linux'), ['255.255.255.255', '192.168.1.255'])
  assert.deepEqual(destinationsFor('255.255.255.255', lan, 'win32'), ['255.255.255.255', '192.168.1.255'])
  assert.deepEqual(destinationsFor('255.255.255.255', lan, 'darwin'), ['192.168.1.255'])
})

test('the broadcast address of one network leaves through that network', () => {
  const lan = at('192.168.1.7', '255.255.255.0')
  const other = at('10.1.2.3', '255.0.0.0')
  assert.deepEqual(interfacesFor('192.168.1.255', [other, lan]), [lan])
  assert.deepEqual(destinationsFor('192.168.1.255', lan), ['192.168.1.255'])
  // One that is nobody's may still be routed.
  assert.deepEqual(interfacesFor('172.16.0.255', [other, lan]), [other, lan])
})
