import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linesOf } from './lines.ts'

test('lines are whole, however the network cuts them', async () => {
  const bytes = new TextEncoder().encode('one\nzwölf\n\nthe last\n')
  for (let size = 1; size <= bytes.length; size++) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.slice(at * size, (at + 1) * size),
    )
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (stream) => {
        for (const piece of pieces) stream.enqueue(piece)
        stream.close()
      },
    })
    const lines: string[] = []
    for await (const line of linesOf(body)) lines.push(line)
    assert.deepEqual(lines, ['one', 'zwölf', '', 'the last'])
  }
})

test('who wants no more lines ends the answer', async () => {
  let isCancelled = false
  const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (stream) => stream.enqueue(new TextEncoder().encode('line\n')),
    cancel: () => {
      isCancelled = true
    },
  })
  for await (const line of linesOf(endless)) {
    assert.equal(line, 'line')
    break
  }
  assert.ok(isCancelled)
})

test('an answer that breaks off is an error, after the lines that came', async () => {
  let count = 0
  const broken = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (stream) => {
      if (count++ === 0) stream.enqueue(new TextEncoder().encode('line\n'))
      else stream.error(new Error('gone'))
    },
  })
  const lines: string[] = []
  await assert.rejects(async () => {
    for await (const line of linesOf(broken)) lines.push(line)
  }, /gone/)
  assert.deepEqual(lines, ['line'])
})
