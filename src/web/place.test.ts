import assert from 'node:assert/strict'
import { test } from 'node:test'
import { array, assert as check, constantFrom, property, string } from 'fast-check'
import { parsePeerId } from '../protocol/peer-id.ts'
import { fragmentOf, personPlace, placeOf } from './place.ts'

const peerId = parsePeerId('0f1e2d3c-4b5a-8978-8695-a4b3c2d1e0f9')
assert.ok(peerId)

test('a place is found again from its fragment, whatever names a peer has given its folders', () => {
  const name = string({ minLength: 1, unit: 'binary' }).filter((text) => !text.includes('/'))
  check(
    property(array(name), constantFrom('talk', 'files', 'about'), (names, tab) => {
      const place = personPlace(peerId, tab, names.join('/'))
      assert.deepEqual(placeOf(fragmentOf(place)), place)
    }),
  )
  for (const view of ['people', 'transfers', 'network', 'you'] as const)
    assert.deepEqual(placeOf(fragmentOf({ view })), { view })
})

test('what is no place leads to the people', () => {
  for (const text of ['', '#', '#nowhere', '#person/x/talk', '#person/%E0%A4%A/files', '#code=abc'])
    assert.deepEqual(placeOf(text), { view: 'people' })
})
