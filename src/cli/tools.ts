import { realpathSync } from 'node:fs'
import { isSea } from 'node:sea'
import { loadConfig } from '../config/load.ts'
import { P2PError } from '../index.ts'
import { displayText, jsonLine } from '../face/display-text.ts'
import type { ToolWish } from './arguments.ts'
import { completionScript } from './completion-script.ts'
import { manual } from './manual.ts'
import { serviceFile, writeService } from './service.ts'
import { completeWords } from './word-completion.ts'

/**
 * Carries out what helps to use p2p.
 *
 * @returns what to print
 * @throws P2PError `usage`, `config-invalid`, `file-unusable`
 */
export async function toolText(wish: ToolWish): Promise<string> {
  const { name, words, flags } = wish
  switch (name) {
    case 'config':
      return await configText(wish)
    case 'completion':
      return completionScript(words)
    case 'man':
      return manual()
    case 'service':
      return serviceText(wish)
    case '__complete':
      return (await completeWords(words, flags)).map((word) => `${word}\n`).join('')
  }
}

async function configText({ flags, json }: ToolWish): Promise<string> {
  const { file, fileExists, dataDir, values, origins } = await loadConfig({ env: process.env, flags })
  const all = [...values].map(([key, value]) => ({ key, value, origin: origins.get(key) ?? 'default' }))
  if (json) return jsonLine({ v: 1, type: 'config', dataDir, file, fileExists, values: all })
  const width = Math.max(...all.map(({ key }) => key.length))
  const rows = all.map(
    ({ key, value, origin }) =>
      `${key.padEnd(width)}  ${value === undefined ? '-' : displayText(typeof value === 'string' ? value : JSON.stringify(value))}  (${displayText(origin)})`,
  )
  const missing = fileExists ? '' : ' (not there yet)'
  return `data directory  ${dataDir}\nfile            ${file}${missing}\n\n${rows.join('\n')}\n`
}

function serviceText({ words, options, flags, json }: ToolWish): string {
  const [what, ...more] = words
  const start = [
    process.execPath,
    // The single-file executable is the program too.
    ...(isSea() ? [] : [realpathSync(process.argv[1] ?? '')]),
    ...(flags.dataDir === undefined ? [] : ['--data-dir', flags.dataDir]),
    'serve',
  ]
  if (more.length > 0 || (what !== 'print' && what !== 'install'))
    throw new P2PError('usage', 'Write "p2p service install", with --print to see what that writes.')
  const file = serviceFile(process.platform, start)
  const isWritten = what === 'install' && options.print === undefined
  if (isWritten) writeService(file)
  const { path, text, next } = file
  if (json) return jsonLine({ v: 1, type: 'service', path, text, next, written: isWritten })
  return isWritten ? `Written: ${path}\n${next}\n` : text
}
