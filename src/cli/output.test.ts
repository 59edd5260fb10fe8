import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { limits } from '../index.ts'
import { Output } from './output.ts'

/** A reader that takes nothing until it is told to. */
class SlowReader extends Writable {
  taken = ''
  #next: (() => void) | undefined

  constructor() {
    super({ decodeStrings: false })
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.taken += chunk
    this.#next = done
  }

  read(): void {
    const next = this.#next
    this.#next = undefined
    next?.()
  }

  async readAll(): Promise<void> {
    while (this.#next !== undefined) {
      this.read()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

const gap = (dropped: number): string => `(${dropped} missing)\n`

test('a reader that is too slow loses events, the memory stays bounded, and it is told how many', async () => {
  const reader = new SlowReader()
  const output = new Output(reader, gap)
  const line = `${'x'.repeat(99_999)}\n`
  const count = Math.ceil(limits.outputBytes / line.length) + 50
  for (let at = 0; at < count; at++) output.offer(line)
  assert.ok(reader.writableLength <= limits.outputBytes + line.length)
  await reader.readAll()
  output.offer('again\n')
  await reader.readAll()
  const missing = count - (reader.taken.length - gap(10).length - 'again\n'.length) / line.length
  assert.ok(missing > 0)
  assert.ok(reader.taken.endsWith(`\n${gap(missing)}again\n`))
})

test('answers to commands are not left out, and the next command waits for the reader', async () => {
  const reader = new SlowReader()
  const output = new Output(reader, gap)
  output.write('x'.repeat(limits.outputBytes + 1))
  output.write('done\n')
  let drained = false
  const waiting = output.drained().then(() => (drained = true))
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(drained, false)
  await reader.readAll()
  await waiting
  assert.ok(reader.taken.endsWith('done\n'))
})

test('a reader that is gone is noticed, and nothing waits for it', async () => {
  const reader = new SlowReader()
  const output = new Output(reader, gap)
  output.write('x'.repeat(1_000_000))
  const waiting = Promise.all([output.drained(), output.flushed()])
  reader.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  await waiting
  assert.ok(output.gone.aborted)
  output.write('more')
  await output.flushed()
})
