import { statfs } from 'node:fs/promises'
import { P2PError } from '../base/errors.ts'

/** Bytes that our user may still write to the disk of a folder. Infinity where the file system does not tell. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, blocks, bsize } = await statfs(folder)
  return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize
}

/**
 * @param folder a path of it for the system
 * @param needed `bytes` more, and how people call the folder
 * @throws P2PError `disk-full` when they do not fit
 */
export async function requireSpace(
  folder: string,
  needed: { readonly path: string; readonly bytes: number },
): Promise<void> {
  const free = await freeBytes(folder)
  if (needed.bytes <= free) return
  throw new P2PError(
    'disk-full',
    `${needed.path} has ${amount(free)} of free space, and ${amount(needed.bytes)} are needed. Free some space, or choose a folder on another disk, and go on.`,
  )
}

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

function amount(bytes: number): string {
  const step = Math.min(Math.floor(Math.log2(Math.max(1, bytes)) / 10), units.length - 1)
  const value = bytes / 1024 ** step
  return `${step === 0 ? value : value.toFixed(1)} ${units[step]}`
}
