import { setTimeout as delay } from 'node:timers/promises'
import { limits, messageOf, startNode, type Log, type P2PNode } from '../index.ts'
import type { Arguments } from './arguments.ts'
import { EventTap } from './event-tap.ts'
import type { Face, FaceOptions } from './face.ts'
import { fileLog } from './log-file.ts'
import { openScript } from './script.ts'
import { readSettings, type Settings } from './settings.ts'
import { ShellState } from './shell-state.ts'
import { catchSignals } from './signals.ts'
import { version } from './version.ts'

/** Commands that name a peer wait this long for it where nobody sits at a terminal and sees it appear. */
const unattendedWaitMs = 5_000
/** The same for a command that runs alone; and how long it looks around before it speaks of everybody. */
const aloneWaitMs = 10_000
const aloneGatherMs = 1_500

/**
 * Runs a node and a face in front of it until it is told to stop.
 *
 * @returns the exit status
 * @throws P2PError what keeps the node from starting
 */
export async function run(args: Arguments): Promise<number> {
  const stop = catchSignals()
  const settings = await readSettings(args.flags, process.env)
  const log = fileLog(settings.logFile, settings.logLevel)
  const node = await startNode({ ...settings.node, log })
  const tap = new EventTap(node)
  const state = new ShellState(node, patienceOf(args))
  // From here on others see and reach us: only now comes what the first screen needs.
  const openFace = await faceFor(args)
  const { explorerNames, historyFile } = settings
  const face = openFace({ args, state, log, stop, explorerNames, historyFile })
  tap.open((event) => {
    face.show(event)
    state.note(event)
  })
  keepConfig(settings, log)
  log.info('p2p runs.', { version: version(), id: node.id, port: node.info.port })
  await log.open()
  await tap.started
  const status = await face.run()
  stop.abort()
  await leave(node, face)
  log.info('p2p has stopped.')
  return status
}

function isAtTerminal({ json, alone }: Arguments): boolean {
  return alone === undefined && !json && process.stdin.isTTY && process.stdout.isTTY
}

function patienceOf(args: Arguments): { readonly waitMs: number; readonly gatherMs: number } {
  const { alone, waitMs } = args
  if (alone !== undefined) return { waitMs: waitMs ?? aloneWaitMs, gatherMs: waitMs ?? aloneGatherMs }
  return { waitMs: waitMs ?? (isAtTerminal(args) ? 0 : unattendedWaitMs), gatherMs: waitMs ?? 0 }
}

async function faceFor(args: Arguments): Promise<(options: FaceOptions) => Face> {
  if (args.alone !== undefined) return (await import('./one-shot.ts')).openOneShot
  return isAtTerminal(args) ? (await import('./shell.ts')).openShell : openScript
}

/** Says goodbye, for as long as that may take. */
async function leave(node: P2PNode, face: Face): Promise<void> {
  const left = node.close().then(() => face.flushed())
  await Promise.race([left, delay(limits.shutdownMs, undefined, { ref: false })])
}

/** Not having the file only means that nobody can edit it yet. */
function keepConfig({ writeMissingConfig }: Settings, log: Log): void {
  try {
    writeMissingConfig()
  } catch (error) {
    log.warn('The configuration file could not be written.', { error: messageOf(error) })
  }
}
