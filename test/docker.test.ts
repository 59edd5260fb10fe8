/** What can be known of the image without an engine: what it copies is there, and what it holds runs as it says it does. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { installPackage } from '../scripts/install-package.ts'

const lines = readFileSync('Dockerfile', 'utf8').split('\n')
const copies = lines.flatMap((line) => {
  const words = /^COPY (?:--from=(\S+) )?(.*)$/.exec(line)
  if (words === null) return []
  const [, from, paths = ''] = words
  const all = paths.split(' ')
  return [{ from, sources: all.slice(0, -1), to: all.at(-1) ?? '' }]
})

function wordsOf(instruction: string): readonly string[] {
  const found = lines.findLast((line) => line.startsWith(instruction)) ?? ''
  return JSON.parse(found.slice(found.indexOf('['))) as readonly string[]
}

test('what the image is made of is there, and nothing that is ignored', () => {
  const ignored = readFileSync('.dockerignore', 'utf8').split('\n')
  const kept = new Set(ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1)))
  for (const { sources } of copies.filter(({ from }) => from === undefined))
    for (const source of sources) {
      assert.ok(existsSync(source), source)
      assert.ok(kept.has(source), `${source} is ignored`)
    }
  assert.deepEqual(
    copies.filter(({ from }) => from !== undefined).map(({ sources }) => sources),
    [['/p2p/dist']],
  )
})

const isRoot = process.getuid?.() === 0
const hasTools = ['unshare', 'chroot', 'mount'].every((tool) => spawnSync(tool, ['--version']).status === 0)
const skip =
  isRoot && hasTools ? false : 'needs root, and unshare, chroot and mount (apt-get install util-linux)'

test(
  'what the image holds serves as its user, writes only to its volume, and is healthy',
  { skip, timeout: 120_000 },
  (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'p2p-image-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    chmodSync(folder, 0o755)
    const installed = installPackage(folder)
    const image = join(folder, 'image')
    for (const { sources, to } of copies.filter((copy) => copy.to.startsWith('/p2p')))
      for (const source of sources) {
        const name = source.replace('/p2p/', '')
        cpSync(join(installed, name), join(image, to.endsWith('/') ? join(to, name) : to), {
          recursive: true,
        })
      }
    cpSync(process.execPath, join(image, 'node'))
    for (const name of ['data', 'tmp', 'proc', 'dev', 'usr', 'lib', 'lib64', 'bin'])
      mkdirSync(join(image, name))
    const command = [...wordsOf('ENTRYPOINT'), ...wordsOf('CMD')].map((word) =>
      word === 'p2p' ? '/node /p2p/bin/p2p.cjs' : word,
    )
    const health = wordsOf('HEALTHCHECK').map((word) =>
      word === 'node' ? '/node' : `'${word.replaceAll("'", `'"'"'`)}'`,
    )
    const user = /^USER (.*)$/m.exec(lines.join('\n'))?.[1] ?? ''
    const environment = /^ENV (P2P.*)$/m.exec(lines.join('\n'))?.[1] ?? ''
    const enter = `chroot --userspec=${user} ${image} /usr/bin/env -i ${environment} P2P_EXPLORER_MULTICAST_INTERFACE_NAME=lo`
    const script = join(folder, 'run.sh')
    // A file system of its own, that cannot be written but for what is mounted into it.
    writeFileSync(
      script,
      `set -e
mount --bind ${image} ${image}
for name in usr lib lib64 bin; do [ ! -d /$name ] || mount --rbind /$name ${image}/$name; done
mount --bind /dev ${image}/dev
mount -t proc proc ${image}/proc
mount -t tmpfs tmpfs ${image}/tmp
mount -t tmpfs -o mode=700,uid=1000,gid=1000 tmpfs ${image}/data
mount -o remount,bind,ro ${image}
! touch ${image}/written 2>/dev/null
ip link set lo up 2>/dev/null || true
${enter} ${command.join(' ')} &
served=$!
for wait in $(seq 200); do ${enter} ${health.join(' ')} && break; sleep 0.2; done
${enter} ${health.join(' ')} && echo HEALTHY
ls ${image}/data
kill $served
wait $served && echo ENDED
${enter} ${health.join(' ')} || echo UNHEALTHY
`,
    )
    const { stdout, stderr } = spawnSync('unshare', ['--mount', '--net', 'sh', script], {
      encoding: 'utf8',
      timeout: 100_000,
    })
    assert.match(stdout, /^p2p serves .*port 8001/m, stderr)
    assert.match(stdout, /^HEALTHY\n/m, stderr)
    for (const name of ['identity.pem', 'config.yaml', 'messages.db'])
      assert.match(stdout, new RegExp(`^${name}$`, 'm'))
    assert.match(stdout, /^ENDED\nUNHEALTHY\n/m, stderr)
  },
)
