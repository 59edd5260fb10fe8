import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'

/** Listening, in the tables of TCP; for UDP every bound socket counts. */
const listening = '0A'

/**
 * The program that has a port of this machine, as `node (process 1234)`; '' when the system does not tell. Linux only, and only
 * for programs that we may look into.
 */
export function portOwner(protocol: 'tcp' | 'udp', port: number): string {
  const inodes = new Set(
    [`/proc/net/${protocol}`, `/proc/net/${protocol}6`].flatMap((file) => inodesIn(file, port)),
  )
  if (inodes.size === 0) return ''
  const pid = processes().find((one) => one !== String(process.pid) && hasOneOf(one, inodes))
  return pid === undefined ? '' : `${nameOf(pid)} (process ${pid})`
}

function inodesIn(file: string, port: number): readonly string[] {
  const isTcp = !file.includes('udp')
  const [, ...rows] = textOf(file).split('\n')
  return rows.flatMap((row) => {
    const [, local = '', , state, , , , , , inode = ''] = row.trim().split(/\s+/)
    const isIt = Number.parseInt(local.split(':')[1] ?? '', 16) === port && (!isTcp || state === listening)
    return isIt && inode !== '0' ? [`socket:[${inode}]`] : []
  })
}

function processes(): readonly string[] {
  return list('/proc').filter((name) => /^\d+$/.test(name))
}

function hasOneOf(pid: string, inodes: ReadonlySet<string>): boolean {
  return list(`/proc/${pid}/fd`).some((name) => inodes.has(linkOf(`/proc/${pid}/fd/${name}`)))
}

function nameOf(pid: string): string {
  // Not `comm`, which is the name of a thread.
  const [program = ''] = textOf(`/proc/${pid}/cmdline`).split('\0')
  return basename(program)
}

/** Processes end, and those of others are closed to us: what cannot be read is empty. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file)
  } catch {
    return ''
  }
}
