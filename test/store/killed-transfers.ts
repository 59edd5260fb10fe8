/** Processes that are killed while they note how transfers go on. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { openTransferStore } from '../../src/store/transfer-store.ts'
import { transferId } from './transfers.ts'

/** Takes one file after the other without end: chunks of a part, then `done`; tells how far the disk has it. */
function writer(path: string): string {
  return `
    import { writeSync } from 'node:fs'
    import { setImmediate } from 'node:timers/promises'
    import { openTransferStore } from ${JSON.stringify(import.meta.resolve('../../src/store/transfer-store.ts'))}
    import { fileId, transfer, transferFile, transferId } from ${JSON.stringify(import.meta.resolve('./transfers.ts'))}
    const store = await openTransferStore({ path: ${JSON.stringify(path)} })
    const id = transferId(1)
    if (store.transfer(id) === undefined) await store.add(transfer(1))
    for (let number = store.transfer(id).files; ; number++) {
      await store.addFiles(id, [transferFile(number)], String(number))
      void store.putPart({ transferId: id, number, partPath: '/' + number, bootId: 'one' })
      for (let chunk = 0; chunk < 8; chunk++) {
        store.putChunks(id, number, { group: 0, bits: Uint8Array.of(2 ** (chunk + 1) - 1) })
        await setImmediate()
        writeSync(1, number + ' ' + (chunk + 1) + '\\n')
      }
      store.removePart(id, number)
      await store.changeFiles(id, [{ number, state: 'done' }], { files: number + 1, bytes: number })
      writeSync(1, (number + 1) + ' 0\\n')
    }`
}

/** @returns which file it was at, and how many chunks of it were put */
async function kill(path: string, afterMs: number): Promise<{ file: number; chunks: number }> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', writer(path)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let told = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    told += text
  })
  await once(child.stdout, 'data')
  await sleep(afterMs)
  child.kill('SIGKILL')
  await once(child, 'close')
  const whole = told.slice(0, told.lastIndexOf('\n'))
  const [file = 0, chunks = 0] = (whole.split('\n').at(-1) ?? '').split(' ').map(Number)
  return { file, chunks }
}

/** Kills a writer at random points, each going on where the last was killed. */
export async function assertTransfersSurviveKills(path: string, points: number): Promise<void> {
  for (let point = 0; point < points; point++) {
    const told = await kill(path, Math.random() * 60)
    await using store = await openTransferStore({ path })
    assert.equal(store.damage, undefined)
    const files = store.transfer(transferId(1))?.files ?? 0
    assert.ok(files >= told.file, 'what was done is not')
    for (let number = 0; number < files; number++)
      assert.equal(store.file(transferId(1), number)?.state, 'done')
    if (files === told.file && told.chunks > 0) {
      const [bits = 0] = store.part(transferId(1), files)?.chunks ?? []
      // It may have been killed between the removal of the part and the end of the file.
      if (store.part(transferId(1), files) !== undefined)
        assert.ok(bits >= 2 ** told.chunks - 1, 'a chunk is lost')
      else assert.equal(told.chunks, 8)
    }
    using database = new DatabaseSync(path)
    const verdict = database.prepare('PRAGMA integrity_check').get()?.['integrity_check']
    assert.equal(verdict, 'ok')
  }
}
