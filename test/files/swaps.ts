import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * Another process that puts a link in the place of a folder, and then a new folder, as fast as it can; also when somebody makes
 * the folder meanwhile. What was in the folder is lost.
 *
 * @returns once it does
 */
export async function replacing(folder: string, outside: string): Promise<AsyncDisposable> {
  const script = `
    const { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeSync } = require('node:fs')
    const [folder, outside] = process.argv.slice(1)
    const away = folder + '.away'
    const attempt = (act) => {
      try { act() } catch {}
      // Both states last for a moment.
      for (const end = performance.now() + 0.05; performance.now() < end;);
    }
    for (let round = 0; ; round++) {
      attempt(() => rmSync(away, { recursive: true }))
      attempt(() => renameSync(folder, away))
      attempt(() => symlinkSync(outside, folder))
      attempt(() => unlinkSync(folder))
      attempt(() => mkdirSync(folder))
      if (round === 1) writeSync(1, 'replacing')
    }`
  const child = spawn(process.execPath, ['-e', script, folder, outside], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  await once(child.stdout, 'data')
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exit
    },
  }
}
