import { readFile } from 'node:fs/promises'
import { uptime } from 'node:os'

/** How exactly the time of the start is known where only its distance is told. */
const startMs = 60_000

/**
 * Tells one start of the machine from another: what was written before the last one may not have reached the disk. Where the kernel has no
 * ID for it, a clock that was set looks like another start, which costs a look at what is there.
 */
export async function bootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  } catch {
    return `started-${Math.round((Date.now() - uptime() * 1000) / startMs)}`
  }
}
