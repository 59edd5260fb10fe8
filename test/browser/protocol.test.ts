/** `p2p/protocol` is promised to run in browsers: here it does. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'

const executablePath = '/usr/bin/chromium'
const skip = existsSync(executablePath)
  ? false
  : `${executablePath} is not installed (apt-get install chromium)`

interface Vector {
  readonly name: string
  readonly type: 'Peer' | 'KnownPeers' | 'Message'
  readonly hex: string
}

const vectors = JSON.parse(
  readFileSync(new URL('../vectors/vectors.json', import.meta.url), 'utf8'),
) as readonly Vector[]

/** The protocol as one script for a page, where it is the global `protocol`. */
async function bundle(): Promise<string> {
  const { outputFiles, metafile } = await build({
    entryPoints: ['src/protocol/index.ts'],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'protocol',
    platform: 'browser',
    metafile: true,
  })
  const imported = Object.values(metafile.inputs).flatMap(({ imports }) => imports)
  assert.deepEqual(
    imported.filter(({ path, external }) => external === true || path.startsWith('node:')),
    [],
  )
  return outputFiles[0]?.text ?? ''
}

/** Decodes and encodes again, in the page. */
const inPage = `(vectors) => vectors.map(({ type, hex }) => {
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16))
  const again =
    type === 'Peer' ? protocol.encodeAnnouncement(protocol.decodeAnnouncement(bytes))
    : type === 'Message' ? protocol.encodeMessage(protocol.decodeMessage(bytes))
    : protocol.encodePeerList(protocol.decodePeerList(bytes))
  return Array.from(again, (byte) => byte.toString(16).padStart(2, '0')).join('')
})`

test('a browser reads and writes every vector like Node does', { skip, timeout: 60_000 }, async () => {
  const script = await bundle()
  await using browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  const page = await browser.newPage()
  await page.addScriptTag({ content: script })
  const hexes = await page.evaluate<readonly string[]>(`(${inPage})(${JSON.stringify(vectors)})`)
  assert.deepEqual(
    hexes,
    vectors.map(({ hex }) => hex),
  )
  const refused = await page.evaluate<string>(
    `String(protocol.decodeAnnouncement(Uint8Array.of(0x22, 2, 0xff, 0x41)))`,
  )
  assert.equal(refused, 'undefined')
})
