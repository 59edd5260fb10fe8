import assert from 'node:assert/strict'
import { chmod, chown, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { removeOldStages } from './stage.ts'

const dayMs = 24 * 3_600_000

test('F9: what a kill has left long ago is removed, and nothing of others that looks like it', async () => {
  const root = await mkdtemp(join(tmpdir(), 'p2p-stage-'))
  const make = async (name: string, mode: number, ageMs: number): Promise<string> => {
    const path = join(root, name)
    await mkdir(path)
    await writeFile(join(path, '0'), 'x')
    await chmod(path, mode)
    const at = (Date.now() - ageMs) / 1_000
    await utimes(path, at, at)
    return name
  }
  try {
    await make('.000000000000.p2p-part', 0o700, dayMs)
    const kept = [
      await make('.000000000001.p2p-part', 0o700, 0),
      await make('.000000000002.p2p-part', 0o777, dayMs),
      await make('.00000000000.p2p-part', 0o700, dayMs),
    ]
    if (process.getuid?.() === 0) {
      await chown(join(root, await make('.000000000003.p2p-part', 0o700, dayMs)), 12_345, 12_345)
      kept.push('.000000000003.p2p-part')
    }
    await removeOldStages(root)
    assert.deepEqual((await readdir(root)).toSorted(), kept.toSorted())
  } finally {
    await rm(root, { recursive: true })
  }
})
