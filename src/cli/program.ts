import { errorTable, isP2PError } from '../index.ts'
import { displayLines } from '../face/display-text.ts'
import { parseArguments } from './arguments.ts'
import { run } from './run.ts'
import { keepYoungSpaceSmall } from './young-space.ts'

async function carryOut(args: readonly string[]): Promise<void> {
  const wish = await parseArguments(args)
  // Standard input may still be open then, and sockets that took too long to close.
  if (wish.kind === 'run') process.exit(await run(wish.args).catch(complain))
  if (wish.kind === 'serve') process.exit(await (await import('./serve.ts')).serve(wish.wish).catch(complain))
  if (wish.kind === 'web')
    process.exit(await (await import('./web-command.ts')).openWeb(wish.wish).catch(complain))
  if (wish.kind === 'doctor')
    process.exit(await (await import('./doctor-command.ts')).runDoctor(wish.wish).catch(complain))
  if (wish.kind === 'tool') process.stdout.write(await (await import('./tools.ts')).toolText(wish.wish))
  else if (wish.kind === 'text') process.stdout.write(wish.text)
  else process.stdout.write(await (await import('./identity-command.ts')).identityText(wish.wish))
}

/** @returns the exit status */
function complain(error: unknown): number {
  const known = isP2PError(error) ? error : undefined
  const text = known?.message ?? `${errorTable.internal.sentence}\n${stackOf(error)}`
  process.stderr.write(`p2p: ${displayLines(text).join('\n')}\n`)
  return (known?.entry ?? errorTable.internal).exit
}

function stackOf(error: unknown): string {
  return (error instanceof Error ? error.stack : undefined) ?? String(error)
}

/** The command `p2p` with everything it can do. */
export async function main(args: readonly string[]): Promise<void> {
  keepYoungSpaceSmall()
  // Nobody reads our complaints: no reason to end otherwise than planned.
  process.stderr.on('error', () => {})
  try {
    await carryOut(args)
  } catch (error) {
    process.exitCode = complain(error)
  }
}
