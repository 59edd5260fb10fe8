import { homedir } from 'node:os'
import { posix, win32 } from 'node:path'
import { P2PError } from '../base/errors.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Where the data directory is when nobody chose one: the same place as the reference's, so that its files are found.
 *
 * A relative `XDG_CONFIG_HOME` is ignored, as the XDG base directory specification asks.
 *
 * @throws P2PError `data-dir-unusable` when nobody knows where this user is at home
 */
export function platformDataDir(env: Environment, platform: string): string {
  if (platform === 'win32') {
    const home = (env['USERPROFILE'] ?? '') || homeOfUser()
    return win32.join((env['APPDATA'] ?? '') || win32.join(home, 'AppData', 'Roaming'), 'p2p')
  }
  const home = (env['HOME'] ?? '') || homeOfUser()
  if (platform === 'darwin') return posix.join(home, 'Library', 'Application Support', 'p2p')
  const configured = env['XDG_CONFIG_HOME'] ?? ''
  return posix.join(posix.isAbsolute(configured) ? configured : posix.join(home, '.config'), 'p2p')
}

function homeOfUser(): string {
  try {
    return homedir()
  } catch (error) {
    const message = 'This user has no home directory. Name a data directory with --data-dir.'
    throw new P2PError('data-dir-unusable', message, { cause: error })
  }
}
