import { setTimeout as delay } from 'node:timers/promises'
import { openControl, type Control } from '../control/server.ts'
import { limits, messageOf, startNode, type P2PNode } from '../index.ts'
import { displayText } from '../face/display-text.ts'
import type { Flags, ServeWish } from './arguments.ts'
import { jsonEvent } from './json-printer.ts'
import { fileLog, type FileLog } from './log-file.ts'
import { keepConfig } from './run.ts'
import { readSettings } from './settings.ts'
import { catchSignals, timeoutOf } from './signals.ts'
import { version } from './version.ts'

/**
 * Runs a node without a screen, which other commands of this data directory use, until a signal ends it. SIGHUP reads the
 * configuration again.
 *
 * @param opened is called when everything can be used
 * @returns the exit status
 * @throws P2PError what keeps the node from starting; `timeout`
 */
export async function serve(wish: ServeWish, opened?: (control: Control) => Promise<void>): Promise<number> {
  const { flags, json, timeoutMs } = wish
  let reload: (() => Promise<void>) | undefined
  const stop = catchSignals({ hangUp: () => void reload?.(), timeoutMs })
  const settings = await readSettings(flags, process.env)
  const log = fileLog(settings.logFile, settings.logLevel)
  await using running = new AsyncDisposableStack()
  const node = await startNode({ ...settings.node, log })
  running.defer(() => Promise.race([node.close(), delay(limits.shutdownMs, undefined, { ref: false })]))
  keepConfig(settings, log)
  await log.open()
  const { dataDir, control: configured } = settings
  const port = wish.controlPort ?? configured.port
  const control = running.use(await openControl({ node, dataDir, version: version(), log, port }))
  const page = wish.web || configured.web ? await control.openPage() : undefined
  log.info('p2p serves.', { version: version(), id: node.id, port: node.info.port })
  reload = () => reloadSettings(flags, node, log)
  // Who reads this line knows that everything can be used; nobody may be there to read it.
  process.stdout.on('error', () => {})
  process.stdout.write(json ? startedLine(node) : servingText(node, control, page))
  await opened?.(control)
  await new Promise<void>((resolve) => {
    if (stop.signal.aborted) resolve()
    stop.signal.addEventListener('abort', () => resolve(), { once: true })
  })
  log.info('p2p stops.')
  const late = timeoutOf(stop.signal)
  if (late !== undefined) throw late
  return 0
}

/** What can change while a node runs; the rest takes effect at the next start. A mistake changes nothing. */
async function reloadSettings(flags: Flags, node: P2PNode, log: FileLog): Promise<void> {
  try {
    const { node: wanted, logLevel } = await readSettings(flags, process.env)
    log.setLevel(logLevel)
    if (wanted.policy !== undefined) await node.setPolicy(wanted.policy)
    if (wanted.transferLimits !== undefined) await node.files.setLimits(wanted.transferLimits)
    log.info('The configuration was read again.')
  } catch (error) {
    log.error('The configuration was read again and has a mistake; nothing was changed.', {
      error: messageOf(error),
    })
  }
}

function startedLine(node: P2PNode): string {
  return jsonEvent({ type: 'node:started', at: new Date(), node: node.info })
}

function servingText({ info }: P2PNode, { port }: Control, page: string | undefined): string {
  const name = info.name === '' ? '' : `"${displayText(info.name)}" `
  const control = port === undefined ? '' : ` The control API is also at http://127.0.0.1:${port}.`
  const shown = page === undefined ? control : ` Its page is ${page}, and "p2p web" opens it.`
  return `p2p serves ${name}${info.id}, port ${info.port}.${shown} Other commands use it; Ctrl-C ends it.\n`
}
