import assert from 'node:assert/strict'
import { test } from 'node:test'

import { earError, sendError } from './errno.ts'

function platformError(code: string): Error {
  return Object.assign(new Error(`from the system ${code}`), { code })
}

test('a name that cannot be resolved is told in words', () => {
  for (const code of ['EAI_AGAIN', 'EAI_NODATA', 'ENOTFOUND']) {
    const error = sendError(platformError(code), { address: 'nosuch.host', port: 8001 })
    assert.equal(error.code, 'network-unusable')
    assert.match(error.message, /^The name nosuch\.host could not be resolved/)
    assert.doesNotMatch(error.message, /from the system/)
  }
})

test('what keeps a datagram from leaving is told with the address, in words where there are some', () => {
  const to = { address: '192.0.2.1', port: 8001 }
  assert.match(
    sendError(platformError('ENETUNREACH'), to).message,
    /^Cannot send to 192\.0\.2\.1:8001: this machine has no way to that network\. Check/,
  )
  assert.match(
    sendError(platformError('ENEW'), to).message,
    /192\.0\.2\.1:8001: from the system ENEW\. Check/,
  )
})

test('a discovery port that cannot be had is named, with what to do next', () => {
  const codes = { EADDRINUSE: 'port-taken', EACCES: 'port-forbidden', ENEW: 'network-unusable' }
  for (const [errno, code] of Object.entries(codes)) {
    const error = earError(platformError(errno), 8001)
    assert.equal(error.code, code)
    assert.match(error.message, /UDP port 8001.*\. [A-Z].*\.$/)
  }
})
