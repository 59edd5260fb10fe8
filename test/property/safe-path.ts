/** Whatever a peer calls its files, they end up inside the folder, on POSIX and on Windows (F7). */
import assert from 'node:assert/strict'
import { posix, win32 } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { limits } from '../../src/base/limits.ts'
import { collisionKey, numberedName, safeName, safePath } from '../../src/files/safe-path.ts'

const odd = [
  '..',
  '.',
  '/',
  '\\',
  ':',
  '~',
  '-',
  ' ',
  '%2e%2e%2f',
  '%5c',
  '\0',
  '\n',
  '\x1b[2J',
  '\x9b',
  '$DATA',
  '?',
  '*',
  'CON',
  'con',
  'NUL',
  'aux',
  'COM1',
  'COM¹',
  'LPT9',
  'CONIN$',
  'CLOCK$',
  'C:',
  '\\\\?\\',
  '//srv',
  '.bashrc',
  '\u202e',
  '\u2066',
  '\u200b',
  '\ufeff',
  '\u2028',
  '\ud800',
  '\udc00',
  '\u{1f600}',
  'é',
  'e\u0301',
  'ß',
  '\u212a',
  '.tar.gz',
  '.txt',
  '.p2p-part',
  'photo',
  'README',
  '日本',
  ' '.repeat(300),
  'x'.repeat(254),
  'ü'.repeat(127),
] as const

const fragment = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...odd) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
)
const hostilePath: fc.Arbitrary<string> = fc.array(fragment, { maxLength: 10 }).map((all) => all.join(''))

const digits = '0123456789¹²³'.split('')
const device = new Set(
  ['con', 'prn', 'aux', 'nul', 'clock$', 'conin$', 'conout$'].concat(
    digits.flatMap((digit) => [`com${digit}`, `lpt${digit}`]),
  ),
)

/** What is wrong with a name, on any platform; written apart from the code that it judges. */
export function faultOf(name: string): string | undefined {
  if (name.length === 0) return 'is empty'
  if (Buffer.byteLength(name) > limits.fileNameBytes) return 'is too long'
  if (!name.isWellFormed()) return 'has half a character'
  for (const character of name) {
    const code = character.codePointAt(0) ?? 0
    if (code < 32 || (code >= 127 && code < 160)) return 'has a control character'
    if ('<>:"/\\|?*'.includes(character)) return `has ${character}`
    if ((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)) return 'turns text around'
  }
  if ('.~-'.includes(name.slice(0, 1))) return 'begins oddly'
  if ('. '.includes(name.slice(-1))) return 'ends in what Windows drops'
  const [base = ''] = name.split('.')
  return device.has(base.trimEnd().toLowerCase()) ? 'is a device' : undefined
}

/** Where the parts lead, told by Node for both families. */
export function staysInside(parts: readonly string[]): boolean {
  return (
    posix.resolve('/into', ...parts) === ['/into', ...parts].join('/') &&
    win32.resolve('C:\\into', ...parts) === ['C:\\into', ...parts].join('\\')
  )
}

function assertHarmless(remote: string): void {
  const parts = safePath(remote)
  if (parts === undefined) return
  assert.equal(parts.length, remote.split('/').length)
  assert.ok(parts.length > 0 && parts.length <= limits.folderDepth)
  for (const part of parts) {
    assert.equal(faultOf(part), undefined, JSON.stringify(part))
    assert.equal(safeName(part), part)
    assert.equal(collisionKey(collisionKey(part)), collisionKey(part))
    const other = numberedName(part, 2)
    assert.equal(faultOf(other), undefined, JSON.stringify(other))
    assert.notEqual(other, part)
  }
  assert.ok(staysInside(parts))
}

/** @param cases how many paths are tried */
export function testSafePaths(cases: number): void {
  test(`F7: each of ${cases} hostile paths ends inside the folder, on POSIX and on Windows`, () => {
    fc.assert(fc.property(hostilePath, assertHarmless), { numRuns: cases })
  })
}
