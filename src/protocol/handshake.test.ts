import assert from 'node:assert/strict'
import { test } from 'node:test'

import { negotiatedProtocol, protocolVersion } from './handshake.ts'

test('the lower version of both ends is spoken', () => {
  assert.equal(negotiatedProtocol(String(protocolVersion)), protocolVersion)
  assert.equal(negotiatedProtocol(String(protocolVersion + 1)), protocolVersion)
  assert.equal(negotiatedProtocol('999999999'), protocolVersion)
})

test('what is no version, or is not there, is none', () => {
  const none = [
    undefined,
    '',
    '0',
    '01',
    '-1',
    '1.0',
    ' 1',
    '1 ',
    '1, 1',
    'x',
    '1e3',
    '1'.repeat(10),
    ['1', '1'],
  ]
  for (const value of none) assert.equal(negotiatedProtocol(value), undefined, String(value))
})
