import { resolve } from 'node:path'
import { fetchState } from '../control/fetch-state.ts'
import { platformDataDir } from '../index.ts'
import { jsonLine } from '../face/display-text.ts'

/** Lists that a running node shows as they are, for programs. */
const lists = ['peers', 'conversations', 'shares', 'offers', 'transfers'] as const

/**
 * Answers `p2p peers --json` and the like from the running node, without loading what a node or a face needs: scripts ask this often.
 *
 * @returns false when it is none of these, or no node runs, so that the whole command has to look at it
 */
export async function quick(args: readonly string[]): Promise<boolean> {
  try {
    return await answer(args)
  } catch {
    // What is wrong, the whole command finds too, and says.
    return false
  }
}

async function answer(args: readonly string[]): Promise<boolean> {
  const asked = parse(args)
  if (asked === undefined) return false
  const state = await fetchState(asked.dataDir)
  if (state === undefined) return false
  const result = { [asked.list]: state[asked.list] }
  const line = jsonLine({ v: 1, type: 'command:done', at: new Date(), command: asked.list, ok: true, result })
  await new Promise<void>((done) => process.stdout.write(line, () => done()))
  return true
}

interface Asked {
  readonly list: (typeof lists)[number]
  readonly dataDir: string
}

/** Only what is certain: all else is for the command line itself to say. */
function parse(args: readonly string[]): Asked | undefined {
  let dataDir = process.env['P2P_DATA_DIR'] ?? ''
  let list: Asked['list'] | undefined
  let isJson = false
  for (let index = 0; index < args.length; index++) {
    const word = args[index]
    const named = lists.find((one) => one === word)
    if (word === '--json') isJson = true
    else if (word === '--data-dir') dataDir = args[++index] ?? ''
    else if (named !== undefined && list === undefined) list = named
    else return undefined
  }
  if (!isJson || list === undefined) return undefined
  return { list, dataDir: resolve(dataDir || platformDataDir(process.env, process.platform)) }
}
