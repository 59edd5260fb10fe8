import { setTimeout as delay } from 'node:timers/promises'
import { limits, messageOf, type Log, type P2PNode } from '../index.ts'
import type { Face } from '../face/face.ts'
import type { Arguments } from './arguments.ts'
import { EventTap } from './event-tap.ts'
import type { FaceOptions } from './face.ts'
import { loadTui } from './load-tui.ts'
import { openNode, type OpenedNode } from './open-node.ts'
import { openFollower, openScript } from './script.ts'
import { readSettings, type Settings } from './settings.ts'
import { ShellState } from './shell-state.ts'
import { catchSignals, timeoutOf } from './signals.ts'
import { version } from './version.ts'
import { letYoungSpaceGrow } from './young-space.ts'

/** Commands that name a peer wait this long for it where nobody sits at a terminal and sees it appear. */
const unattendedWaitMs = 5_000
/** The same for a command that runs alone; and how long it looks around before it speaks of everybody. */
const aloneWaitMs = 10_000
const aloneGatherMs = 1_500

/**
 * Puts a face in front of a node until it is told to stop: of the node that runs with this data directory, or of one in this process.
 *
 * @returns the exit status
 * @throws P2PError what keeps the node from starting; `timeout`
 */
export async function run(args: Arguments): Promise<number> {
  const stop = catchSignals({ timeoutMs: args.timeoutMs })
  const settings = await readSettings(args.flags, process.env)
  const opened = await openNode(settings, args.flags)
  const { node, log } = opened
  const isOwn = opened.own !== undefined
  const tap = new EventTap(node)
  const { discoveryPort } = settings
  const state = new ShellState(node, { ...patienceOf(args, isOwn), isOwn, discoveryPort })
  // From here on others see and reach us: only now comes what the first screen needs.
  const openFace = await faceFor(args)
  const { explorerNames, historyFile } = settings
  const face = openFace({ args, state, log, stop, explorerNames, historyFile })
  tap.open((event) => {
    face.show(event)
    state.note(event)
    // A node in another process has ended, and with it what this one is for.
    if (event.type === 'node:stopped') stop.abort()
  })
  if (isOwn) await tap.started
  else tap.tellStanding(node)
  const control = await begin(opened, settings, args)
  const status = await face.run()
  stop.abort()
  await control?.[Symbol.asyncDispose]()
  await leave(node, face)
  log.info('p2p has stopped.')
  const late = timeoutOf(stop.signal)
  // A command that runs alone has told it itself.
  if (late !== undefined && args.alone === undefined) throw late
  return status
}

/** What a node in this process needs beside its face. One that lasts can be driven by other processes. */
async function begin(
  { node, log, own }: OpenedNode,
  settings: Settings,
  { alone }: Arguments,
): Promise<AsyncDisposable | undefined> {
  if (own === undefined) return undefined
  keepConfig(settings, log)
  log.info('p2p runs.', { version: version(), id: node.id, port: node.info.port })
  await own.open()
  if (alone !== undefined) return undefined
  try {
    const { openControl } = await import('../control/server.ts')
    const { dataDir, control: wish } = settings
    const control = await openControl({ node, dataDir, version: version(), log, ...wish })
    if (wish.web)
      await control
        .openPage()
        .catch((error: unknown) => log.warn('The page is not served.', { error: messageOf(error) }))
    return control
  } catch (error) {
    log.warn('Other commands cannot use this p2p.', { error: messageOf(error) })
    return undefined
  }
}

/** Who wants lines, or has a terminal that cannot move its cursor, gets the shell. */
async function terminalFace(args: Arguments): Promise<(options: FaceOptions) => Face> {
  if (args.shell || process.env['TERM'] === 'dumb') return (await import('./shell.ts')).openShell
  // The node runs already.
  const { openTui } = await loadTui()
  letYoungSpaceGrow()
  const forScreenReader = args.screenReader || process.env['INK_SCREEN_READER'] === 'true'
  return ({ state: { node, isOwn }, stop }) =>
    openTui({ node, isOwn, version: version(), forScreenReader, stop })
}

function isAtTerminal({ json, alone, follows }: Arguments): boolean {
  return alone === undefined && !follows && !json && process.stdin.isTTY && process.stdout.isTTY
}

function patienceOf(args: Arguments, isOwn: boolean): { readonly waitMs: number; readonly gatherMs: number } {
  const { alone, waitMs } = args
  // A node that has run for a while knows who is here.
  if (alone !== undefined)
    return { waitMs: waitMs ?? aloneWaitMs, gatherMs: isOwn ? (waitMs ?? aloneGatherMs) : 0 }
  return { waitMs: waitMs ?? (isAtTerminal(args) ? 0 : unattendedWaitMs), gatherMs: waitMs ?? 0 }
}

async function faceFor(args: Arguments): Promise<(options: FaceOptions) => Face> {
  if (args.alone !== undefined) return (await import('./one-shot.ts')).openOneShot
  if (args.follows) return openFollower
  return isAtTerminal(args) ? await terminalFace(args) : openScript
}

/** Says goodbye, for as long as that may take. */
async function leave(node: P2PNode, face: Face): Promise<void> {
  const left = node.close().then(() => face.flushed())
  await Promise.race([left, delay(limits.shutdownMs, undefined, { ref: false })])
}

/** Not having the file only means that nobody can edit it yet. */
export function keepConfig({ writeMissingConfig }: Pick<Settings, 'writeMissingConfig'>, log: Log): void {
  try {
    writeMissingConfig()
  } catch (error) {
    log.warn('The configuration file could not be written.', { error: messageOf(error) })
  }
}
