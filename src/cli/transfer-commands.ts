import { createReadStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { errnoOf, isP2PError, limits, P2PError } from '../index.ts'
import { escapeJson } from '../face/display-text.ts'
import { pathOf, shownPath } from '../face/local-path.ts'
import type { Command, CommandContext, Outcome } from './command.ts'
import { inputLines } from './input-lines.ts'

/** Commands that carry conversations between data directories, in the order in which `help` shows them. */
export const transferCommands: readonly Command[] = [
  {
    name: 'export',
    usage: 'export [file]',
    summary: 'Write every message into a new file',
    details:
      'One JSON object a line, readable only for you; default: p2p-messages-<date>.ndjson here. A file that is there is never written over. It is not encrypted.',
    argument: 'optional',
    words: 'verbatim',
    run: exportAll,
  },
  {
    name: 'import',
    usage: 'import <file>',
    summary: 'Add the messages of an export; known ones are skipped',
    argument: 'required',
    words: 'verbatim',
    run: importAll,
  },
]

async function exportAll({ state, signal }: CommandContext, argument: string): Promise<Outcome> {
  const today = new Date().toISOString().slice(0, 10)
  const path = pathOf(argument === '' ? `p2p-messages-${today}.ndjson` : argument)
  // Exclusive, so that neither another file nor what a link points to is ever overwritten.
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw told(path, error)
  })
  let exported = 0
  let gathered = ''
  try {
    for await (const line of state.node.exportMessages({ signal })) {
      exported++
      // Whoever prints the file must not have his terminal commanded by it (L4).
      gathered += escapeJson(`${line}\n`)
      if (gathered.length < limits.gatheredBytes) continue
      await file.appendFile(gathered)
      gathered = ''
    }
    await file.appendFile(gathered)
    await file.sync()
  } catch (error) {
    // Half an export looks like a whole one.
    await rm(path, { force: true })
    throw told(path, error)
  } finally {
    await file.close()
  }
  return {
    result: { file: path, exported },
    lines: [`${counted(exported)} in ${shownPath(path)}. Whoever can read that file can read them.`],
  }
}

async function importAll({ state, signal }: CommandContext, argument: string): Promise<Outcome> {
  const path = pathOf(argument)
  const result = await state.node.importMessages(linesOf(path, signal))
  const { added, skipped } = result
  const known = skipped === 0 ? '' : `; ${skipped} were here already`
  return { result: { ...result }, lines: [`${counted(added)} added${known}.`] }
}

async function* linesOf(path: string, signal: AbortSignal): AsyncGenerator<string> {
  let number = 0
  try {
    for await (const line of inputLines(createReadStream(path, { signal }), limits.importLineBytes)) {
      number++
      if (line === undefined) {
        throw new P2PError(
          'usage',
          `${shownPath(path)}, line ${number} is longer than any message. Is it an export of p2p?`,
        )
      }
      yield line
    }
  } catch (error) {
    throw signal.aborted ? error : told(path, error)
  }
}

const problems: Readonly<Record<string, string>> = {
  EEXIST: 'is there already, and is never written over; name another file',
  ENOENT: 'is not there, or its folder is not',
  EACCES: 'may not be used by this user',
  EISDIR: 'is a folder; name a file',
  ENOSPC: 'does not fit: the disk is full',
}

/** An error of the platform in words about the file; others are what they are. */
function told(path: string, error: unknown): unknown {
  const errno = errnoOf(error)
  if (errno === undefined || isP2PError(error)) return error
  const why = problems[errno] ?? `cannot be used: ${errno}`
  return new P2PError('file-unusable', `${shownPath(path)} ${why}.`, { cause: error })
}

function counted(messages: number): string {
  return messages === 1 ? '1 message' : `${messages} messages`
}
