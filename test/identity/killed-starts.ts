import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDataDir } from '../../src/identity/data-dir.ts'
import { loadIdentity } from '../../src/identity/identity.ts'
import { parseKeyText } from '../../src/identity/key-text.ts'
import { killAt, type Start, type SystemCall } from './first-start.ts'

/** What a killed start left where the key belongs. */
type Remains = 'nothing' | 'key' | 'rubble'

/** Kills a first start at this call and says what is there. */
export function remainsOf(start: Start, call: SystemCall): Remains {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-killed-'))
  try {
    assert.ok(killAt(start, join(folder, 'data'), call), `not killed at ${call.line}`)
    return remainsIn(join(folder, 'data', 'identity.pem'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Kills a first start at this call, and starts twice after it: no key or a whole one, and the same ID from then on. */
export async function assertSurvives(start: Start, call: SystemCall): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-killed-'))
  const path = join(folder, 'data')
  try {
    assert.ok(killAt(start, path, call), `not killed at ${call.line}`)
    const remains = remainsIn(join(path, 'identity.pem'))
    assert.notEqual(remains, 'rubble', call.line)
    const first = await startAgain(path)
    assert.equal(first.made, remains === 'nothing', call.line)
    assert.deepEqual(await startAgain(path), { id: first.id, made: false })
    assert.deepEqual(
      readdirSync(path).filter((name) => name.endsWith('.new')),
      [],
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function startAgain(path: string): Promise<{ readonly id: string; readonly made: boolean }> {
  await using dataDir = await openDataDir(path)
  const { id, made } = loadIdentity(dataDir)
  return { id, made }
}

function remainsIn(file: string): Remains {
  if (!existsSync(file)) return 'nothing'
  return typeof parseKeyText(readFileSync(file, 'latin1'), 'newKey') === 'string' ? 'rubble' : 'key'
}
