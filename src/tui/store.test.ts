import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stateOf } from '../../test/tui/states.ts'
import { Store } from './store.ts'

test('a key has not read an alarm that was not drawn when it was pressed', () => {
  const store = new Store(stateOf({}), () => undefined)
  const at = new Date()
  store.event({ type: 'warning', at, error: { code: 'identity-mismatch', message: 'another key' } })
  store.keys([{ name: 'down' }])
  store.event({ type: 'policy:changed', at, policy: 'open' })
  store.flush()
  assert.match(store.state().notice?.text ?? '', /another key$/)
  // Twin: it was drawn now, and the next key reads it.
  store.keys([{ name: 'down' }])
  store.event({ type: 'policy:changed', at, policy: 'open' })
  store.flush()
  assert.match(store.state().notice?.text ?? '', /^Policy open/)
})
