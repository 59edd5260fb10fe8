/** People who come and go: commands that are started again and again over the same data directories. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { openPeer, type PeerProcess } from '../lab/peer.ts'
import { loopbackConfig } from './pair.ts'

/** What a command is started with: flags, and variables. */
type Extra = string | NodeJS.ProcessEnv

interface House {
  /** Starts the command of a person; it stays when its input ends. */
  readonly open: (name: string, ...extras: readonly Extra[]) => Promise<PeerProcess>
  /** The same, but it ends with its input. */
  readonly script: (name: string, ...extras: readonly Extra[]) => Promise<PeerProcess>
  /** What the command of a person is started with. */
  readonly flags: (name: string) => readonly string[]
  readonly environment: (name: string) => NodeJS.ProcessEnv
  /** Where a person finds what he has taken. */
  readonly downloads: (name: string) => string
  /** UDP port of discovery. */
  readonly discoveryPort: number
  /** A path for a file of the test. */
  readonly file: (name: string) => string
}

/** A network of its own, and a folder that is removed in the end. */
export function house(t: TestContext): House {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-house-'))
  const config = join(folder, 'config.yaml')
  const text = loopbackConfig()
  writeFileSync(config, text)
  const opened: PeerProcess[] = []
  t.after(async () => {
    for (const peer of opened) await peer[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })
  const flags = (name: string): readonly string[] =>
    ['--config', config, '--data-dir', join(folder, name)].concat('--port', '0', '--name', name)
  const downloads = (name: string): string => join(folder, `downloads of ${name}`)
  const environment = (name: string): NodeJS.ProcessEnv => ({ P2P_FILES_FOLDER: downloads(name) })
  const start = async (name: string, stay: boolean, extras: readonly Extra[]): Promise<PeerProcess> => {
    const more = extras.filter((extra) => typeof extra === 'string')
    const variables = extras.filter((extra) => typeof extra !== 'string')
    const peer = await openPeer({
      args: [...flags(name), ...more],
      env: Object.assign(environment(name), ...variables) as NodeJS.ProcessEnv,
      stay,
    })
    opened.push(peer)
    return peer
  }
  return {
    open: (name, ...extras) => start(name, true, extras),
    script: (name, ...extras) => start(name, false, extras),
    flags,
    environment,
    downloads,
    discoveryPort: Number(/port: (\d+)/.exec(text)?.[1]),
    file: (name) => join(folder, name),
  }
}
