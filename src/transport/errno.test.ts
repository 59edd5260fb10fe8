import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { P2PError } from '../base/errors.ts'
import { closeCodeOf, connectError, hostPort, insecure, listenError, statusError } from './errno.ts'

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

  test('what TLS fails with is insecure, says why in words where there are some, and that nothing was sent', () => {
    const tampered = connectError(errno('ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC'), to)
    assert.equal(tampered.code, 'insecure-connection')
    assert.match(
      tampered.message,
      /192\.0\.2\.1:8001 failed: ERR_SSL_DECRYPTION_FAILED.*nothing was sent unprotected/,
    )
    assert.match(insecure(to, errno('ECONNRESET')).message, /failed: it hung up\./)
    assert.match(insecure(to, errno('ERR_SSL_WRONG_VERSION_NUMBER')).message, /answers without encryption/)
    assert.match(insecure(to, 'not within 5 s').message, /failed: not within 5 s\./)
    assert.match(insecure(to, new Error('odd')).message, /failed: odd\./)
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
