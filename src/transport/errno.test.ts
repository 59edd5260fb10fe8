import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { P2PError } from '../base/errors.ts'
import { closeCodeOf, connectError, hostPort, listenError, statusError } from './errno.ts'

const to = { address: '192.0.2.1', port: 8001 }
const errno = (code: string): Error => Object.assign(new Error(code), { code })

describe('errors of the platform', () => {
  test('a port that is taken or forbidden is named, with what to do next', () => {
    const taken = listenError(errno('EADDRINUSE'), 8001)
    assert.equal(taken.code, 'port-taken')
    assert.match(taken.message, /8001.*--port 0/)
    assert.equal(listenError(errno('EACCES'), 80).code, 'port-forbidden')
    assert.equal(listenError(errno('EADDRNOTAVAIL'), 80).code, 'network-unusable')
  })

  test('what the network does is unreachable, what cannot be parsed is not a peer', () => {
    for (const code of [
      'ECONNREFUSED',
      'EHOSTUNREACH',
      'ENETUNREACH',
      'ETIMEDOUT',
      'ECONNRESET',
      'ESOMETHING',
    ]) {
      assert.equal(connectError(errno(code), to).code, 'peer-unreachable', code)
    }
    for (const error of [
      errno('HPE_INVALID_CONSTANT'),
      errno('WS_ERR_X'),
      new Error('Invalid Upgrade header'),
    ]) {
      assert.equal(connectError(error, to).code, 'not-a-peer')
    }
    const ours = new P2PError('timeout', 'x')
    assert.equal(connectError(ours, to), ours)
  })

  test('a status says whether the peer refuses or is none', () => {
    assert.deepEqual(
      [403, 503, 404, 200, undefined].map((status) => statusError(status, to).code),
      ['peer-refused', 'peer-refused', 'not-a-peer', 'not-a-peer', 'not-a-peer'],
    )
  })

  test('what breaks a session has a close code; the network is 1006', () => {
    const codes = [
      'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
      'WS_ERR_INVALID_UTF8',
      'WS_ERR_EXPECTED_MASK',
      'ECONNRESET',
    ]
    assert.deepEqual(
      codes.map((code) => closeCodeOf(errno(code))),
      [1009, 1007, 1002, 1006],
    )
  })

  test('addresses are written as in a URL', () => {
    assert.equal(hostPort(to), '192.0.2.1:8001')
    assert.equal(hostPort({ address: 'fd00::1', port: 1 }), '[fd00::1]:1')
  })
})
