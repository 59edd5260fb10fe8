/** All of the transport on the next Node; what the rest rests on is in test/node26/. */
import { test } from 'node:test'
import { assertAllPass, skip } from '../node26/run.ts'

test('the transport passes its tests on Node 26', { skip }, () => assertAllPass('src/transport/*.test.ts'))
