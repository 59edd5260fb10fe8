import assert from 'node:assert/strict'
import { posix, win32 } from 'node:path'
import { test } from 'node:test'
import { faultOf, staysInside, testSafePaths } from '../../test/property/safe-path.ts'
import { limits } from '../base/limits.ts'
import { candidateNames, collisionKey, numberedName, safeName, safePath } from './safe-path.ts'

testSafePaths(100_000)

/** The list of row F7; undefined where the whole path is refused. */
const hostile: readonly (readonly [string, string | undefined])[] = [
  ['../x', undefined],
  ['a/../../x', undefined],
  ['/abs', undefined],
  ['//srv/x', undefined],
  ['a//b', undefined],
  ['a/', undefined],
  ['.', undefined],
  ['..', undefined],
  ['', undefined],
  ['a/'.repeat(limits.folderDepth) + 'b', undefined],
  ['a/'.repeat(300) + 'b', undefined],
  [`${'x'.repeat(200)}/`.repeat(30) + 'b', undefined],
  ['..\\x', '_.._x'],
  ['C:x', 'C_x'],
  ['C:\\x', 'C__x'],
  ['\\\\?\\C:\\x', '____C__x'],
  ['x:ads', 'x_ads'],
  ['x::$DATA', 'x__$DATA'],
  ['CON', '_CON'],
  ['con.txt', '_con.txt'],
  ['NUL.tar.gz', '_NUL.tar.gz'],
  ['NUL  .txt', '_NUL  .txt'],
  ['COM1', '_COM1'],
  ['COM¹', '_COM¹'],
  ['LPT9 ', '_LPT9_'],
  ['CONIN$', '_CONIN$'],
  // Found by the property: nobody promises that no system takes other spaces for one.
  ['CON\u00a0', '_CON\u00a0'],
  ['a.', 'a_'],
  ['a ', 'a_'],
  ['a. . ', 'a. ._'],
  ['...', '_.._'],
  [' ', '_'],
  ['a\0b', 'a_b'],
  ['a\nb', 'a_b'],
  ['a\x1b[2J', 'a_[2J'],
  ['a\x9b31m', 'a_31m'],
  ['a\u202Egnp.exe', 'a_gnp.exe'],
  ['a\u2028b', 'a_b'],
  ['a\u200bb', 'a_b'],
  ['\ud800', '_'],
  ['a\udc00b', 'a_b'],
  ['~/.ssh/authorized_keys', '_~/_.ssh/authorized_keys'],
  ['.bashrc', '_.bashrc'],
  ['-rf', '_-rf'],
  ['.0123456789abcdef.p2p-part', '_.0123456789abcdef.p2p-part'],
  ['$(id)', '$(id)'],
  ['a%2fb', 'a%2fb'],
  ['%2e%2e%2f', '%2e%2e%2f'],
  ['x'.repeat(256), 'x'.repeat(255)],
  ['.' + 'x'.repeat(254), '_.' + 'x'.repeat(253)],
  ['x'.repeat(300) + '.jpeg', 'x'.repeat(250) + '.jpeg'],
  ['x'.repeat(300) + '.tar.gz', 'x'.repeat(248) + '.tar.gz'],
  ['ü'.repeat(200) + '.txt', 'ü'.repeat(125) + '.txt'],
  ['CON' + ' '.repeat(300) + 'x.txt', '_CON' + ' '.repeat(247) + '.txt'],
]

test('F7: every name of the list is refused, or becomes one that is harmless everywhere', () => {
  for (const [remote, expected] of hostile) {
    const parts = safePath(remote)
    assert.equal(parts?.join('/'), expected, JSON.stringify(remote).slice(0, 80))
    for (const part of parts ?? []) assert.equal(faultOf(part), undefined, JSON.stringify(part))
  }
})

test('F7, twin: taken as they are, the same names leave the folder or are something else there', () => {
  const outside = hostile.filter(
    ([remote]) =>
      !posix.join('/into', remote).startsWith('/into/') ||
      !win32.join('C:\\into', remote).startsWith('C:\\into\\'),
  )
  assert.deepEqual(
    outside.map(([remote]) => remote),
    ['../x', 'a/../../x', '.', '..', '', '..\\x'],
  )
  const odd = hostile.filter(([remote]) => remote.split('/').some((part) => faultOf(part) !== undefined))
  assert.ok(odd.length > 40)
  assert.equal(staysInside(['..', 'x']), false)
})

test('names in every script, composed or not, and of 255 bytes stay as they are', () => {
  for (const name of [
    'photo.jpg',
    'Ünïcödé',
    'e\u0301té',
    'été',
    'Ελληνικά',
    'Русский',
    '日本語',
    '한국어',
    'العربية',
    'עברית',
    'हिन्दी',
    'ไทย',
    '👩‍👩‍👧',
    'می‌خواهم',
    'a b',
    'a.b.c',
    "it's",
    'a&b;c',
    'x'.repeat(255),
    '字'.repeat(85),
    'console',
    'COM10',
  ]) {
    assert.equal(safeName(name), name)
  }
})

test('a path is as deep and as long as the limits say, and no more', () => {
  assert.equal(safePath('a/'.repeat(limits.folderDepth - 1) + 'b')?.length, limits.folderDepth)
  const long = `${'x'.repeat(63)}/`.repeat(63) + 'x'.repeat(64)
  assert.equal(long.length, limits.filePathBytes)
  assert.notEqual(safePath(long), undefined)
  assert.equal(safePath(`${long}x`), undefined)
})

test('F8: names that are one file on some file system have one key', () => {
  for (const [one, other] of [
    ['README', 'readme'],
    ['é', 'e\u0301'],
    ['straße', 'STRASSE'],
    ['ẞ', 'ss'],
    ['\u212a', 'k'],
    ['ſ', 's'],
    ['ﬁn', 'FIN'],
    ['ΑΣ', 'ας'],
    ['a\u200db', 'ab'],
    ['İ', 'i\u0307'],
    ['ı', 'I'],
  ] as const) {
    assert.equal(collisionKey(one), collisionKey(other), `${one} ${other}`)
  }
  assert.notEqual(collisionKey('a'), collisionKey('ä'))
})

test('F8, twin: without full case folding and composition some of them look different', () => {
  assert.notEqual('straße'.toLowerCase(), 'STRASSE'.toLowerCase())
  assert.notEqual('\u212a'.toUpperCase(), 'k'.toUpperCase())
  assert.notEqual('é'.toLowerCase(), 'e\u0301'.toLowerCase())
})

test('other names keep the extension, and fit', () => {
  assert.equal(numberedName('photo.jpg', 2), 'photo (2).jpg')
  assert.equal(numberedName('a.tar.gz', 3), 'a (3).tar.gz')
  assert.equal(numberedName('README', 2), 'README (2)')
  assert.equal(numberedName('x'.repeat(255), 1000), `${'x'.repeat(248)} (1000)`)
  const names = [...candidateNames('a')]
  assert.equal(names.length, limits.renameTries)
  assert.deepEqual([names[0], names[1], names.at(-1)], ['a', 'a (2)', `a (${limits.renameTries})`])
  assert.equal(new Set(names).size, names.length)
})
