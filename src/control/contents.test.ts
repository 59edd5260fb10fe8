import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits, type SentContent } from '../index.ts'
import { bodyOf, contentsIn } from './contents.ts'

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}

async function wholeOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of content) pieces.push(piece)
  return Buffer.concat(pieces)
}

function sent(path: string, text: string): SentContent {
  const bytes = Buffer.from(text)
  return { path, sizeBytes: bytes.length, content: cut(bytes, 3) }
}

async function readAll(body: string | Uint8Array, size = 7): Promise<readonly string[]> {
  const contents = await contentsIn(cut(Buffer.from(body), size))
  const all: string[] = []
  for (const { path, content } of contents) all.push(`${path}: ${String(await wholeOf(content))}`)
  return all
}

function lineOf(count: number): string {
  const entries = Array.from({ length: count }, (_, number) => ({ path: String(number), sizeBytes: 0 }))
  return `${JSON.stringify(entries)}\n`
}

test('what one side puts together the other takes apart, however the network cuts it', async () => {
  const sentTogether = [sent('a', ''), sent('zwölf/b', 'one\ntwo'), sent('c', 'x'), sent('d', '')]
  const body = await wholeOf(bodyOf(sentTogether))
  for (const size of [1, 2, 3, 7, 1_000])
    assert.deepEqual(await readAll(body, size), ['a: ', 'zwölf/b: one\ntwo', 'c: x', 'd: '])
})

test('a content of another size is not put together with the next one, also when all of them have the right size', async () => {
  const [short, long] = [
    { ...sent('a', 'abc'), sizeBytes: 4 },
    { ...sent('b', 'defg'), sizeBytes: 3 },
  ]
  for (const contents of [
    [short, long],
    [long, short],
    [sent('c', 'x'), long],
  ])
    await assert.rejects(wholeOf(bodyOf(contents)), { code: 'file-changed' })
})

test('a body that is not as its first line says is refused', async () => {
  const line = '[{"path":"a","sizeBytes":3},{"path":"b","sizeBytes":1}]\n'
  assert.deepEqual(await readAll(`${line}abcd`), ['a: abc', 'b: d'])
  const wrong = [
    '',
    'abc',
    '\n',
    `${line}abc`,
    `${line}abcde`,
    '[{"path":"a"}]\n',
    '[{"path":"a","sizeBytes":-1}]\n',
    '[{"path":"a","sizeBytes":1.5}]\nxx',
    '[{"path":"a","sizeBytes":1,"path":"b"}]\nx',
    '[{"path":"a","sizeBytes":1,"more":1}]\nx',
    '{}\n',
  ]
  for (const body of wrong) await assert.rejects(readAll(body), { code: 'usage' }, body)
})

test('a first line, and what it names, have a bound', async () => {
  assert.equal((await readAll(lineOf(limits.sentContents), 10_000)).length, limits.sentContents)
  await assert.rejects(readAll(lineOf(limits.sentContents + 1), 10_000), { code: 'usage' })
  let asked = 0
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) yield await Promise.resolve((asked++, new Uint8Array(64 * 1024).fill(0x20)))
  }
  await assert.rejects(contentsIn(endless()), /more than 1048576 bytes/)
  assert.equal(asked, limits.sentContentsLineBytes / (64 * 1024) + 1)
})
