import { chmodSync, lstatSync, mkdtempSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { endpointFile, foreign, type Endpoint } from './read-endpoint.ts'

/** A Unix socket has a path of at most 103 bytes on every platform. */
const socketPathBytes = 103

/**
 * A place for the socket of the node that owns `dataDir` now. What an earlier one left there when it was killed is removed.
 *
 * @throws P2PError `data-dir-unusable` when others could put something of theirs there (C6)
 */
export function prepareSocket(dataDir: string): string {
  removeEndpoint(dataDir)
  if (process.platform === 'win32') return `\\\\.\\pipe\\p2p-${randomBytes(16).toString('hex')}`
  requirePrivate(dataDir)
  const usual = join(dataDir, 'control.sock')
  if (Buffer.byteLength(usual) > socketPathBytes)
    return join(mkdtempSync(join(tmpdir(), 'p2p-')), 'control.sock')
  rmSync(usual, { force: true })
  return usual
}

/** With the folder that was made for it alone, if there is one. */
export function removeSocket(dataDir: string, socket: string): void {
  if (process.platform === 'win32') return
  rmSync(socket, { force: true })
  if (dirname(socket) !== dataDir) rmdirSync(dirname(socket))
}

/** Only our user may enter the folder that a socket stands in; a folder of ours that is open to others is closed to them. */
function requirePrivate(folder: string): void {
  const { uid, mode } = lstatSync(folder)
  if (uid !== process.getuid?.()) throw foreign(folder)
  if ((mode & 0o077) !== 0) chmodSync(folder, 0o700)
}

/** Tells the other processes of our user where the node is. */
export function writeEndpoint(dataDir: string, endpoint: Endpoint): void {
  const path = join(dataDir, endpointFile)
  const next = `${path}.new`
  rmSync(next, { force: true })
  writeFileSync(next, JSON.stringify(endpoint), { mode: 0o600, flag: 'wx' })
  // Whoever reads it meanwhile reads the one or the other.
  renameSync(next, path)
}

export function removeEndpoint(dataDir: string): void {
  rmSync(join(dataDir, endpointFile), { force: true })
}
