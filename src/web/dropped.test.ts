import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '../base/limits.ts'
import { contentsOf, droppedIn, findUnreadable } from './dropped.ts'

/** What a browser gives at a time. */
const atATime = 100

/** A folder by what is in it, a file by its text, and what cannot be read. */
type Tree = { readonly [name: string]: Tree | string | Error }

function entryOf(name: string, of: Tree | string | Error): FileSystemEntry {
  const isFile = typeof of === 'string' || of instanceof Error
  const file = (resolve: (file: File) => void, reject: (why: Error) => void): void =>
    of instanceof Error ? reject(of) : resolve(new File([typeof of === 'string' ? of : ''], name))
  const createReader = (): unknown => {
    const entries = Object.entries(of).map(([inside, tree]) => entryOf(inside, tree))
    return { readEntries: (resolve: (some: unknown) => void) => resolve(entries.splice(0, atATime)) }
  }
  return { name, isFile, isDirectory: !isFile, file, createReader } as unknown as FileSystemEntry
}

async function pathsOf(tree: Tree): Promise<readonly string[]> {
  const contents = await contentsOf(Object.entries(tree).map(([name, of]) => entryOf(name, of)))
  return contents.map(({ path }) => path)
}

function many(count: number): Tree {
  return Object.fromEntries(Array.from({ length: count }, (_, number) => [`${number}.jpg`, 'x']))
}

test('a folder is walked to its end, with paths that begin with its name, as they are on the disk', async () => {
  const accented = ['caf\u00e9.txt', 'cafe\u0301'] as const
  const tree = {
    holiday: {
      'one.jpg': '1',
      'day 1': { deep: { 'two.jpg': '2' } },
      [accented[0]]: '',
      [accented[1]]: { a: 'a' },
    },
    'notes.txt': 'n',
  }
  assert.deepEqual(await pathsOf(tree), [
    'holiday/one.jpg',
    'holiday/day 1/deep/two.jpg',
    `holiday/${accented[0]}`,
    `holiday/${accented[1]}/a`,
    'notes.txt',
  ])
  assert.equal((await pathsOf({ photos: many(2 * atATime + 1) })).length, 2 * atATime + 1)
})

test('empty folders, and what a system puts into folders, are left out; with nothing else nothing is sent', async () => {
  const litter = { '.DS_Store': 'x', 'Thumbs.db': 'x', '.profile': 'p', empty: { deeper: {} } }
  assert.deepEqual(await pathsOf({ home: litter }), ['home/.profile'])
  // Who drops it by itself means it.
  assert.deepEqual(await pathsOf({ 'Thumbs.db': 'x' }), ['Thumbs.db'])
  await assert.rejects(pathsOf({ home: { '.DS_Store': 'x', empty: {} } }), /There is no file in this/)
})

test('a walk ends at the bound, wherever the files are, and no folder is too deep for the node', async () => {
  const half = limits.sentContents / 2
  assert.equal((await pathsOf({ a: many(half), b: { c: many(half) } })).length, limits.sentContents)
  await assert.rejects(pathsOf({ a: many(half), b: { c: many(half), d: 'x' } }), { code: 'too-many' })
  // What lies behind the bound is not looked at.
  await assert.rejects(pathsOf({ a: many(limits.sentContents + 1), b: new Error('gone') }), {
    code: 'too-many',
  })

  const within = (depth: number): Tree => (depth === 0 ? { file: 'x' } : { d: within(depth - 1) })
  const [deepest] = await pathsOf(within(limits.folderDepth - 1))
  assert.equal(deepest?.split('/').length, limits.folderDepth)
  await assert.rejects(pathsOf(within(limits.folderDepth)), /lies too deep/)
})

test('of what cannot be read it is said which it is, be it a file or a folder', async () => {
  const tree = { holiday: { 'one.jpg': '1', inside: { 'two.jpg': new Error('NotReadableError') } } }
  await assert.rejects(pathsOf(tree), {
    code: 'file-unusable',
    message: /^"holiday\/inside\/two\.jpg" cannot be read/,
  })
  const locked = {
    name: 'locked',
    isDirectory: true,
    createReader: () => ({
      readEntries: (_: unknown, reject: (why: Error) => void) => reject(new Error('no')),
    }),
  } as unknown as FileSystemEntry
  await assert.rejects(contentsOf([locked]), { code: 'file-unusable', message: /^"locked" cannot be read/ })
})

test('two that have one name do not go together', async () => {
  const two = [entryOf('a.txt', '1'), entryOf('b.txt', '2'), entryOf('a.txt', '3')]
  await assert.rejects(contentsOf(two), { code: 'share-invalid', message: /called "a\.txt"/ })
})

test('the one that has gone since it was chosen is found', async () => {
  const [whole, empty, gone] = [new File(['x'], 'whole'), new File([], 'empty'), new File(['x'], 'gone')]
  gone.slice = () => ({ arrayBuffer: () => Promise.reject(new Error('gone')) }) as unknown as Blob
  const contents = [whole, empty, gone].map((file) => ({ path: file.name, file }))
  assert.equal((await findUnreadable(contents))?.path, 'gone')
  assert.equal(await findUnreadable(contents.slice(0, 2)), undefined)
})

test('a drop is read by its entries, and by its files where a browser gives none', () => {
  const [file, entry] = [new File(['x'], 'a.txt'), entryOf('folder', {})]
  const transfer = (...items: readonly object[]): DataTransfer =>
    ({ items, files: [file] }) as unknown as DataTransfer
  const item = { kind: 'file', getAsFile: () => file }
  const text = { kind: 'string', webkitGetAsEntry: () => null, getAsFile: () => null }
  assert.deepEqual(droppedIn(transfer(text, { ...item, webkitGetAsEntry: () => entry })), [entry])
  assert.deepEqual(droppedIn(transfer({ ...item, webkitGetAsEntry: () => null })), [file])
  assert.deepEqual(droppedIn(transfer(item)), [file])
  assert.deepEqual(droppedIn(transfer()), [file])
})
