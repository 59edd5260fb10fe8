import { mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { errnoOf, P2PError } from '../index.ts'

/** What a system that starts programs with a session is told. */
interface ServiceFile {
  readonly path: string
  readonly text: string
  /** What the user does next, to start it. */
  readonly next: string
}

/** @param start the command, word by word. @throws P2PError `usage` where there is no such system */
export function serviceFile(platform: NodeJS.Platform, start: readonly string[]): ServiceFile {
  if (platform === 'linux') return systemdUnit(start)
  if (platform === 'darwin') return launchdList(start)
  throw new P2PError(
    'usage',
    'There is no service for this system. Start "p2p serve" as programs are started with it.',
  )
}

/** @throws P2PError `file-unusable` when it is there already, or cannot be written */
export function writeService({ path, text }: ServiceFile): void {
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text, { flag: 'wx', mode: 0o644 })
  } catch (error) {
    const why = errnoOf(error) === 'EEXIST' ? 'is there already; delete it first' : 'cannot be written'
    throw new P2PError('file-unusable', `${path} ${why}.`, { cause: error })
  }
}

function systemdUnit(start: readonly string[]): ServiceFile {
  const config = process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config')
  return {
    path: join(config, 'systemd', 'user', 'p2p.service'),
    next: 'Start it with: systemctl --user daemon-reload && systemctl --user enable --now p2p',
    text: `[Unit]
Description=p2p: talk and share with people near you
After=network-online.target

[Service]
ExecStart=${start.map(systemdWord).join(' ')}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
# What cannot work the next time either: a mistake in the configuration or the command line.
RestartPreventExitStatus=64 78
NoNewPrivileges=true
UMask=0077

[Install]
WantedBy=default.target
`,
  }
}

/** systemd reads quotes and backslashes, and expands % and $. */
function systemdWord(word: string): string {
  const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[\w@%+=:,./$-]+$/.test(plain) ? plain : `"${plain.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

function launchdList(start: readonly string[]): ServiceFile {
  const path = join(homedir(), 'Library', 'LaunchAgents', 'p2p.plist')
  return {
    path,
    next: `Start it with: launchctl load -w ${path}`,
    text: `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>p2p</string>
  <key>ProgramArguments</key>
  <array>
${start.map((word) => `    <string>${xmlText(word)}</string>`).join('\n')}
  </array>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
</dict>
</plist>
`,
  }
}

function xmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
