import { diagnose, P2PError } from '../index.ts'
import { displayText, jsonLine } from '../face/display-text.ts'
import { styleFor } from '../face/style.ts'
import type { Flags } from './arguments.ts'
import { diagnosisLines } from './doctor-view.ts'
import { readDoctorOptions } from './settings.ts'
import { catchSignals, timeoutOf } from './signals.ts'

/** What `p2p doctor` was asked for. */
export interface DoctorWish {
  readonly flags: Flags
  readonly json: boolean
  /** Others to be tried: `host` or `host:port`. */
  readonly peers: readonly string[]
  /** How long to wait for the first announcement when nobody answers; undefined when not said. */
  readonly patienceMs: number | undefined
  /** When it is given up; undefined when not said. */
  readonly timeoutMs: number | undefined
}

/** The exit status when something is wrong. */
const unhealthy = 1

/**
 * Carries out `p2p doctor`.
 *
 * @returns the exit status: 0 when nothing is wrong
 * @throws P2PError `usage`, `config-invalid`, `timeout`
 */
export async function runDoctor({ flags, json, peers, patienceMs, timeoutMs }: DoctorWish): Promise<number> {
  const asked = peers.map(parsePeer)
  const options = await readDoctorOptions(flags, process.env)
  if (process.stderr.isTTY && !json) process.stderr.write('Listening and trying, for up to half a minute …\n')
  const { signal } = catchSignals({ timeoutMs })
  const diagnosis = await diagnose({
    ...options,
    peers: asked,
    signal,
    ...(patienceMs !== undefined && { patienceMs }),
  }).catch((error: unknown) => {
    if (signal.aborted) throw timeoutOf(signal) ?? stopped()
    throw error
  })
  const text = json
    ? jsonLine(diagnosis)
    : `${diagnosisLines(diagnosis, styleFor(process.stdout)).join('\n')}\n`
  await new Promise((resolve) => process.stdout.write(text, resolve))
  return diagnosis.healthy ? 0 : unhealthy
}

function stopped(): P2PError {
  return new P2PError('node-stopped', 'p2p was stopped before the examination was finished. Run it again.')
}

function parsePeer(text: string): { readonly host: string; readonly port?: number } {
  const [, host, digits] = /^([\w.-]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  const port = Number(digits ?? 1)
  if (host === undefined || port < 1 || port > 65_535)
    throw new P2PError(
      'usage',
      `--peer takes an address, and perhaps a port, such as 192.168.1.20 or 192.168.1.20:8001, not "${displayText(text)}".`,
    )
  return { host, ...(digits !== undefined && { port }) }
}
