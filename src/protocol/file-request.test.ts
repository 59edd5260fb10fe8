import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'

import { isP2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { fileIdFromRoot, hashBytes } from './file-id.ts'
import { encodeRequest, parseRequest, type FileRequest } from './file-request.ts'
import { parseOfferId } from './offer-id.ts'

const id = fileIdFromRoot(new Uint8Array(hashBytes).fill(0xab))!
const offer = parseOfferId('0123456789abcdef0123456789abcdef')!
const list = { kind: 'list' as const, offer: undefined, path: '', after: '', deep: false }

function parseTarget(target: string, range?: string): FileRequest | number {
  const parsed = parseRequest({ method: 'GET', target, range, body: undefined })
  return parsed.kind === 'refused' ? parsed.status : parsed
}

function parseBody(body: Uint8Array | undefined): FileRequest | number {
  const parsed = parseRequest({ method: 'POST', target: '/pack', range: undefined, body })
  return parsed.kind === 'refused' ? parsed.status : parsed
}

const roots = (count: number): Uint8Array => new Uint8Array(hashBytes * count)

test('each request has its target', () => {
  const hex = 'ab'.repeat(32)
  const cases: readonly (readonly [FileRequest, string])[] = [
    [list, '/files?path='],
    [{ ...list, path: 'photos/été (1).jpg' }, '/files?path=photos/%C3%A9t%C3%A9%20%281%29.jpg'],
    [{ ...list, path: 'a', after: 'b/c', deep: true }, '/files?path=a&after=b/c&deep=1'],
    [{ ...list, path: 'a&b=c', offer }, `/files?path=a%26b%3Dc&offer=${offer}`],
    [{ kind: 'find', pattern: '*.jp?g', after: '' }, '/files?find=%2A.jp%3Fg'],
    [{ kind: 'find', pattern: 'x', after: 'a+b' }, '/files?find=x&after=a%2Bb'],
    [{ kind: 'tree', id, group: undefined }, `/trees/sha256-tree:${hex}`],
    [{ kind: 'tree', id, group: 16_383 }, `/trees/sha256-tree:${hex}/16383`],
    [{ kind: 'availability', id }, `/availability/sha256-tree:${hex}`],
  ]
  for (const [request, target] of cases) {
    const http = encodeRequest(request)
    assert.deepEqual(http, { method: 'GET', target, range: undefined, body: undefined })
    assert.deepEqual(parseTarget(target), request)
  }
  const content = encodeRequest({ kind: 'content', id, start: 0, end: 10 })
  const target = `/content/sha256-tree:${hex}`
  assert.deepEqual(content, { method: 'GET', target, range: 'bytes=0-9', body: undefined })
  assert.deepEqual(parseTarget(target, 'bytes=0-9'), { kind: 'content', id, start: 0, end: 10 })
  const pack = encodeRequest({ kind: 'pack', ids: [id, id] })
  assert.deepEqual(pack, {
    method: 'POST',
    target: '/pack',
    range: undefined,
    body: new Uint8Array(2 * hashBytes).fill(0xab),
  })
  assert.deepEqual(parseBody(pack.body), { kind: 'pack', ids: [id, id] })
})

test('F1: what leads out of a folder is no path of a list, however it is written', () => {
  const written = [
    '../../etc/passwd',
    '%2e%2e%2f%2e%2e%2fetc/passwd',
    '%2E%2E%2Fetc/passwd',
    '..%2Fetc',
    '..%5c..%5cwindows',
    '%c0%ae%c0%ae/etc',
    '%C0%AE',
    '%ED%A0%80',
    'a%00b',
    'a/../../x',
    'a/./b',
    '/etc/passwd',
    '//srv/x',
    'a//b',
    'a/',
    '.',
    '..',
    '%',
    '%4',
    '%zz',
  ]
  for (const path of written) {
    assert.equal(parseTarget(`/files?path=${path}`), 404, path)
    assert.equal(parseTarget(`/files?path=a&after=${path}`), 404, path)
    assert.equal(parseTarget(`/content/${path}`, 'bytes=0-0'), 404, path)
    assert.equal(parseTarget(`/trees/${path}`), 404, path)
  }
  for (const target of ['../../etc/passwd', '/../etc/passwd', '/etc/passwd', '/files/../etc/passwd', '', '*'])
    assert.equal(parseTarget(target), 404, target)
})

test('F1: what looks dangerous elsewhere is a name like any other, and is only looked up', () => {
  for (const path of ['..\\..\\x', 'C:\\x', 'C:x', '~', '...', '%2e', '-rf', 'x:ads', 'a\nb', '.ssh'])
    assert.deepEqual(parseTarget(encodeRequest({ ...list, path }).target), { ...list, path })
})

test('F4: a content is asked for with one range, and with another it is 416', () => {
  const target = `/content/${id}`
  for (const range of [undefined, '', 'bytes=5-2', 'bytes=-0', 'bytes=5-', 'bytes=0-0,'.repeat(1_000)])
    assert.equal(parseTarget(target, range), 416, range?.slice(0, 20))
  assert.equal(parseTarget(`${target}x`, 'bytes=0-0'), 404)
  assert.equal(parseTarget(`/content?${id}`, 'bytes=0-0'), 404)
})

test('what is written in another way than ours is no request', () => {
  const wrong = [
    '/files',
    '/files?',
    '/files?path',
    '/files?path=a&path=b',
    '/files?path=a&find=b',
    '/files?find=b&path=a',
    '/files?path=a&deep=0',
    '/files?path=a&deep=1&deep=1',
    '/files?deep=1&path=a',
    '/files?path=a&after=',
    '/files?path=a&x=1',
    '/files?path=a&',
    '/files?path=a#b',
    '/files?path=a%2Fb',
    '/files?path=a+b',
    '/files?path=a b',
    '/files?path=%61',
    '/files?path=a%c3%a9',
    '/files?path=a&offer=0123456789ABCDEF0123456789ABCDEF',
    '/files?path=a&offer=01',
    '/files?find=',
    '/files?find=a&deep=1',
    `/files/?path=a`,
    `/Files?path=a`,
    'http://host/files?path=a',
    `/trees/${id}/`,
    `/trees/${id}/01`,
    `/trees/${id}/-1`,
    `/trees/${id}/1.0`,
    `/trees/${id}/1e1`,
    `/trees/${id}/0/0`,
    `/trees/${id}/${limits.fileBytes / 2 ** 30}`,
    `/trees/${id}/9007199254740993`,
    `/trees/${id.toUpperCase()}`,
    `/trees/${id.slice(0, -1)}`,
    `/trees/sha256:${'ab'.repeat(32)}`,
    `/availability/${id}/0`,
    `/availability/${id}?`,
    '/pack',
  ]
  for (const target of wrong) assert.equal(parseTarget(target), 404, target)
  const asPost = parseRequest({ method: 'POST', target: '/files?path=', range: undefined, body: undefined })
  assert.deepEqual(asPost, { kind: 'refused', status: 404 })
  const asHead = parseRequest({ method: 'HEAD', target: '/files?path=', range: undefined, body: undefined })
  assert.deepEqual(asHead, { kind: 'refused', status: 404 })
})

test('a pack names whole roots, at least one and at most limits.packFiles', () => {
  for (const body of [
    undefined,
    roots(0),
    new Uint8Array(31),
    new Uint8Array(33),
    roots(limits.packFiles + 1),
  ])
    assert.equal(parseBody(body), 404)
  const most = parseBody(roots(limits.packFiles))
  assert.ok(typeof most !== 'number' && most.kind === 'pack' && most.ids.length === limits.packFiles)
})

test('paths of limits.filePathBytes are asked for, in less than the header may have; longer ones are not', () => {
  const half = '€'.repeat((limits.filePathBytes - 1) / 3 / 2)
  const rest = 'x'.repeat(limits.filePathBytes - 2 * 3 * half.length)
  const longest: FileRequest = { ...list, path: half, after: half + rest, deep: true, offer }
  const { target } = encodeRequest(longest)
  assert.ok(target.length < limits.headerBytes - 3_000)
  assert.deepEqual(parseTarget(target), longest)
  assert.equal(parseTarget(target.replace('&after=', '&after=x')), 404)
  const pattern = 'x'.repeat(limits.fileNameBytes)
  const find: FileRequest = { kind: 'find', pattern, after: '€'.repeat(limits.filePathBytes / 3) }
  assert.ok(encodeRequest(find).target.length < limits.headerBytes - 3_000)
  assert.deepEqual(parseTarget(encodeRequest(find).target), find)
  assert.equal(parseTarget(`/files?find=${pattern}x`), 404)
  for (const request of [
    { ...longest, after: `${half}x${rest}` },
    { ...find, pattern: `${pattern}x` },
    { ...list, path: '../x' },
    { ...list, path: 'a\0' },
    { ...list, path: '\ud800' },
    { ...list, after: '/' },
    { ...find, pattern: '' },
  ])
    assert.throws(
      () => encodeRequest(request),
      (error) => isP2PError(error, 'file-unknown'),
    )
})

test('numbers that cannot be are not asked for', () => {
  for (const request of [
    { kind: 'content' as const, id, start: 5, end: 5 },
    { kind: 'content' as const, id, start: -1, end: 5 },
    { kind: 'content' as const, id, start: 0.5, end: 5 },
    { kind: 'content' as const, id, start: 0, end: limits.fileBytes + 1 },
    { kind: 'tree' as const, id, group: -1 },
    { kind: 'tree' as const, id, group: NaN },
    { kind: 'pack' as const, ids: [] },
  ])
    assert.throws(
      () => encodeRequest(request),
      (error) => isP2PError(error, 'internal'),
    )
})

test('whatever is asked comes back as it was, and whatever is parsed has one form only', () => {
  const name = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 20 })
    .filter((given) => !/[/\0]/.test(given) && given !== '.' && given !== '..')
  const path = fc.array(name, { maxLength: 4 }).map((names) => names.join('/'))
  const ids = fc
    .uint8Array({ minLength: hashBytes, maxLength: hashBytes })
    .map((root) => fileIdFromRoot(root)!)
  const requests: fc.Arbitrary<FileRequest> = fc.oneof(
    fc.record(
      {
        kind: fc.constant('list' as const),
        path,
        after: path,
        deep: fc.boolean(),
        offer: fc.option(fc.constant(offer), { nil: undefined }),
      },
      { noNullPrototype: true },
    ),
    fc.record({ kind: fc.constant('find' as const), pattern: name, after: path }, { noNullPrototype: true }),
    fc.record(
      { kind: fc.constant('tree' as const), id: ids, group: fc.option(fc.nat(16_383), { nil: undefined }) },
      { noNullPrototype: true },
    ),
    fc.record(
      { kind: fc.constant('pack' as const), ids: fc.array(ids, { minLength: 1, maxLength: 5 }) },
      { noNullPrototype: true },
    ),
  )
  fc.assert(
    fc.property(requests, (request) => {
      assert.deepEqual(parseRequest(encodeRequest(request)), request)
    }),
    { numRuns: 2_000 },
  )
  const piece = fc.constantFrom(
    '/files',
    '?path=',
    '&after=',
    '&deep=1',
    '&offer=',
    offer,
    '/trees/',
    id,
    '/0',
    '%2F',
    '%C3%A9',
    '..',
    'a',
    '/',
    '%',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 8 }), (pieces) => {
      const target = pieces.join('')
      const parsed = parseRequest({ method: 'GET', target, range: 'bytes=0-0', body: undefined })
      assert.ok(parsed.kind === 'refused' || encodeRequest(parsed).target === target)
    }),
    { numRuns: 5_000 },
  )
})
