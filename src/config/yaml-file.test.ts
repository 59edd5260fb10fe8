import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { isP2PError } from '../index.ts'
import { Draft } from './draft.ts'
import { keySettings } from './settings.ts'
import { readYaml } from './yaml-file.ts'

const words = fc.constantFrom(
  'websocket',
  'port',
  'explorer',
  'multicast',
  'broadcast',
  'ip',
  'name',
  ':',
  ': ',
  '\n',
  '\n  ',
  '\n    ',
  '- ',
  '[',
  ']',
  '{',
  '}',
  ', ',
  '"',
  "'",
  '#',
  '&a ',
  '*a',
  '!!int ',
  '|',
  '>',
  '? ',
  '%YAML 1.1\n',
  '---\n',
  '~',
  '<<',
  '8001',
  '\t',
  '\r\n',
  '\0',
  '\uFEFF',
  '__proto__',
  '!!set ',
  '!!binary ',
)
const texts = fc.oneof(
  fc.array(words, { maxLength: 30 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary' }),
)

test('K4: no text whatever makes anything but settings or a complaint', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const draft = new Draft()
      readYaml('config.yaml', text, draft)
      const { port, periodMs, multicast, broadcast } = keySettings(draft)
      assert.ok(port >= 0 && port <= 65_535 && periodMs >= 500)
      assert.ok((multicast ?? broadcast) !== undefined)
      try {
        draft.throwIfWrong()
      } catch (error) {
        assert.ok(isP2PError(error, 'config-invalid'), String(error))
        assert.match(error.message, /^config\.yaml(:\d+:\d+)?: /)
      }
    }),
    { numRuns: 10_000 },
  )
})
