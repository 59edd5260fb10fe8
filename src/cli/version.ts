import { readFileSync } from 'node:fs'

/** The version in package.json; the build writes it in, so that the installed command reads no file for it. */
export function version(): string {
  return process.env.P2P_VERSION ?? readVersion()
}

function readVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return /"version": "([^"]+)"/.exec(manifest)?.[1] ?? 'unknown'
}
