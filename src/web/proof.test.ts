import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newToken, proofOf as proofOfNode } from '../control/gate.ts'
import { proofOf } from './proof.ts'

test('the page computes the proof that the node gives', async () => {
  const [token, nonce] = [newToken(), newToken()]
  assert.equal(await proofOf(token, nonce), proofOfNode(token, nonce))
  assert.notEqual(await proofOf(newToken(), nonce), proofOfNode(token, nonce))
})
