/** The command `p2p`. */
import { isP2PError } from '../index.ts'
import { parseArguments } from './arguments.ts'
import { displayLines } from './display-text.ts'
import { run } from './run.ts'

/** @returns the exit status */
async function main(args: readonly string[]): Promise<number> {
  const wish = await parseArguments(args)
  if (wish.kind === 'run') return await run(wish.args)
  process.stdout.write(wish.text)
  return 0
}

async function mainOrComplain(args: readonly string[]): Promise<number> {
  try {
    return await main(args)
  } catch (error) {
    if (!isP2PError(error)) throw error
    process.stderr.write(`p2p: ${displayLines(error.message).join('\n')}\n`)
    return error.entry.exit
  }
}

// Nobody reads our complaints: no reason to end otherwise than planned.
process.stderr.on('error', () => {})
process.exitCode = await mainOrComplain(process.argv.slice(2))
// Standard input may still be open; nothing else is.
process.stdin.unref?.()
