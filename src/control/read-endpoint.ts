import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errnoOf, P2PError } from '../index.ts'
import { isRecord } from './schema.ts'

/** Where a running node is asked; kept in `control.json` of its data directory, which nobody else can read. */
export interface Endpoint {
  /** Path of a Unix socket, or of a named pipe. */
  readonly socket: string
  /** TCP port on 127.0.0.1, when the node has opened one. */
  readonly port?: number
  /** What opens that port; 64 hexadecimal digits. */
  readonly token: string
}

export const endpointFile = 'control.json'

/**
 * Where the node of a data directory is asked; undefined when none runs there, or none that tells.
 *
 * @throws P2PError `data-dir-unusable` when the file, or the socket that it names, is not our user's (C6)
 */
export function readEndpoint(dataDir: string): Endpoint | undefined {
  const path = join(dataDir, endpointFile)
  const text = readOwn(path)
  if (text === undefined) return undefined
  const endpoint = parseEndpoint(text)
  if (endpoint === undefined) throw new P2PError('data-dir-unusable', `${path} is damaged. Delete it.`)
  if (process.platform !== 'win32') requireOwnSocket(endpoint.socket)
  return endpoint
}

/** The text of a regular file of our user, which nobody else may read or write. */
function readOwn(path: string): string | undefined {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
  } catch (error) {
    // Only a link is a trap; what is wrong with the directory itself, whoever starts a node there is told.
    if (errnoOf(error) !== 'ELOOP') return undefined
    throw foreign(path, error)
  }
  try {
    const stat = fstatSync(file)
    const isOurs =
      process.getuid === undefined || (stat.uid === process.getuid() && (stat.mode & 0o077) === 0)
    if (!stat.isFile() || !isOurs) throw foreign(path)
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

/** A socket that is gone is no danger: there is nobody to talk to. */
function requireOwnSocket(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return
  const folder = lstatSync(dirname(path))
  const uid = process.getuid?.()
  if (!stat.isSocket() || stat.uid !== uid) throw foreign(path)
  if (folder.uid !== uid || (folder.mode & 0o022) !== 0) throw foreign(dirname(path))
}

function parseEndpoint(text: string): Endpoint | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isRecord(parsed)) return undefined
  const { socket, port, token } = parsed
  if (typeof socket !== 'string' || typeof token !== 'string' || !/^[0-9a-f]{64}$/.test(token))
    return undefined
  return { socket, token, ...(typeof port === 'number' && { port }) }
}

/** What another user may have put there is not used (C6). */
export function foreign(path: string, cause?: unknown): P2PError {
  return new P2PError(
    'data-dir-unusable',
    `${path} is not a file of your user alone: another user of this machine may have put it there. Delete it, or choose another directory with --data-dir.`,
    { cause },
  )
}
