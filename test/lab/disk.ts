/** Small disks for peers of a lab, each in mounts of its own that end with the process. */
import { execFileSync, spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '../../src/index.ts'
import type { PeerProcess } from './peer.ts'

/** For `PeerOptions.setUp`: the data directory is a disk in memory. */
export const smallDisk = 'mount -t tmpfs -o size=16m,mode=700 none "$1"'

/**
 * For `PeerOptions.setUp`: the data directory is a file system in a file, which knows files that nobody may write. In memory,
 * those that are open already could be written on.
 */
export const strictDisk = [
  'mount -t tmpfs -o size=40m none "$1"',
  'truncate -s 32m "$1/image"',
  'mkfs.ext4 -q -O ^has_journal "$1/image"',
  'mount -o loop "$1/image" "$1"',
  'chmod 700 "$1"',
].join(' && ')

/** Why there can be no {@link strictDisk} on this machine. False when there can. */
export function strictDiskUnavailable(): string | false {
  const script = `set -e; folder=$(mktemp -d); trap 'rmdir $folder' EXIT; set -- $folder; unshare -m sh -c '${strictDisk} && chattr +i "$1"' sh $folder`
  return spawnSync('sh', ['-c', script]).status === 0
    ? false
    : 'needs loop devices, mkfs.ext4 and chattr (Debian package e2fsprogs)'
}

/** Takes all the space that is left. */
export function fill(peer: PeerProcess): void {
  try {
    writeFileSync(inside(peer, 'filler'), Buffer.alloc(64 * 1024 * 1024))
  } catch (error) {
    if (errnoOf(error) === 'ENOSPC') return
    throw error
  }
  throw new Error('the disk is larger than its filling')
}

export function makeSpace(peer: PeerProcess): void {
  rmSync(inside(peer, 'filler'))
}

/** Nothing can be written to the messages any more, as on a disk that has become read-only. */
export function forbidWriting(peer: PeerProcess): void {
  execFileSync('chattr', ['+i', ...messageFiles(peer)])
}

export function allowWriting(peer: PeerProcess): void {
  execFileSync('chattr', ['-i', ...messageFiles(peer)])
}

const messageFiles = (peer: PeerProcess): readonly string[] =>
  ['messages.db', 'messages.db-wal'].map((name) => inside(peer, name))

/** A file of the data directory as the peer itself sees it. */
function inside({ child, dataDir }: PeerProcess, name: string): string {
  return join(`/proc/${child.pid}/root`, dataDir, name)
}
