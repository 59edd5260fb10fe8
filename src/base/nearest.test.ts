import assert from 'node:assert/strict'
import { test } from 'node:test'

import { nearest } from './nearest.ts'

test('a slip of the finger finds the word that was meant', () => {
  assert.equal(nearest('etho0', ['lo', 'eth0', 'eth1']), 'eth0')
  assert.equal(nearest('Peroid', ['period', 'port']), 'period')
  assert.equal(nearest('wlan0', ['wlan1', 'docker0']), 'wlan1')
})

test('a word that is like none finds none', () => {
  assert.equal(nearest('wlan0', ['lo', 'eth0']), undefined)
  assert.equal(nearest('x', ['lo']), undefined)
  assert.equal(nearest('anything', []), undefined)
})
