import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Caller } from '../control/call.ts'
import { wayFile, type PageWay } from '../control/page.ts'
import { readEndpoint } from '../control/read-endpoint.ts'
import { isP2PError } from '../index.ts'
import type { WebWish } from './arguments.ts'
import { jsonLine } from '../face/display-text.ts'
import { serve } from './serve.ts'
import { readSettings } from './settings.ts'

/**
 * Opens the page of the node that runs with this data directory; when there is none, of one in this process, until a signal ends it.
 *
 * @returns the exit status
 * @throws P2PError `file-unusable` when there is no page; what keeps a node from starting
 */
export async function openWeb({ flags, json, code, timeoutMs }: WebWish): Promise<number> {
  const { dataDir } = await readSettings(flags, process.env)
  const way = await wayOfRunning(dataDir)
  const show = (found: PageWay): Promise<void> => tell(found, { json, code, file: join(dataDir, wayFile) })
  if (way === undefined)
    return await serve({ flags, json, controlPort: undefined, web: true, timeoutMs }, async (control) =>
      show(await control.pageWay()),
    )
  await show(way)
  return 0
}

async function wayOfRunning(dataDir: string): Promise<PageWay | undefined> {
  const endpoint = readEndpoint(dataDir)
  if (endpoint === undefined) return undefined
  try {
    const caller = new Caller({ kind: 'socket', path: endpoint.socket })
    return (await caller.call<PageWay>('open-page', {})).value
  } catch (error) {
    // It was killed, and has left its file behind.
    if (isP2PError(error, 'node-stopped')) return undefined
    throw error
  }
}

async function tell(
  { address, code }: PageWay,
  // Never a path that an answer names: the system opens whatever it is given.
  { json, code: isWanted, file }: Pick<WebWish, 'json' | 'code'> & { readonly file: string },
): Promise<void> {
  const opened = !isWanted && (await openFile(file))
  const text = opened
    ? `The page opens in your browser: ${address}\nIf it does not, go there and enter this code: ${code}\n`
    : `The page is at ${address}\nEnter this code there, within a minute: ${code}\n`
  process.stdout.write(json ? jsonLine({ v: 1, type: 'web', at: new Date(), address, code, opened }) : text)
}

/** Opens a file of ours as the system opens such files. @returns whether there was something to open it with */
async function openFile(file: string): Promise<boolean> {
  const [command, ...args] = opener()
  if (command === undefined) return false
  const child = spawn(command, [...args, file], { stdio: 'ignore', detached: true })
  child.unref()
  try {
    await once(child, 'spawn')
    return true
  } catch {
    return false
  }
}

/** On a machine without a screen nothing would come of it, and xdg-open would look for a browser in the terminal. */
function opener(): readonly string[] {
  const { env, platform } = process
  if (platform === 'darwin') return ['open']
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler']
  return env['DISPLAY'] || env['WAYLAND_DISPLAY'] || env['BROWSER'] ? ['xdg-open'] : []
}
