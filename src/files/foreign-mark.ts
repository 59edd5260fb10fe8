import { writeFileSync } from 'node:fs'

/**
 * Tells Windows that a file comes from somebody else, so that it asks before it opens one that could run (F13). Elsewhere the mode
 * says that it is no program; this code runs, and can be tested, on Windows only.
 */
export function markAsForeign(path: string): void {
  if (process.platform !== 'win32') return
  try {
    writeFileSync(`${path}:Zone.Identifier`, '[ZoneTransfer]\r\nZoneId=3\r\n')
  } catch {
    // A file system without streams: a mark that cannot be made is no reason to lose the file.
  }
}
