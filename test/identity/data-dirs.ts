import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { openDataDir, type DataDir } from '../../src/identity/data-dir.ts'

/** An open data directory of its own, which goes away with the test. */
export async function temporaryDataDir(t: TestContext): Promise<DataDir> {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-identity-'))
  const dataDir = await openDataDir(folder)
  t.after(async () => {
    await dataDir[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })
  return dataDir
}
