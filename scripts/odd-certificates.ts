/**
 * Makes test/fixtures/certificates/: certificates that no peer of ours has, each odd in one way, with their private keys. They
 * come from openssl, so that our own writer is not the judge of our own reader. Needed only to add one: tests read the files.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const target = new URL('../test/fixtures/certificates/', import.meta.url)
const folder = mkdtempSync(join(tmpdir(), 'p2p-certificates-'))
const at = (name: string): string => join(folder, name)
const read = (name: string): string => readFileSync(at(name), 'utf8')

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
}

const config = `
[req]
distinguished_name = name
prompt = no
[name]
CN = p2p
[ca]
default_ca = self
[self]
database = index.txt
rand_serial = yes
new_certs_dir = .
policy = anything
default_md = default
unique_subject = no
[anything]
commonName = optional
organizationalUnitName = optional
[unknown]
1.3.6.1.4.1.55555.1 = critical, ASN1:UTF8String:unknown
[usual]
basicConstraints = critical, CA:TRUE
`

interface Oddity {
  readonly algorithm?: readonly string[]
  readonly subject?: string
  readonly from?: string
  readonly to?: string
  readonly extensions?: string
}

/** Key `<name>.key` and self-signed certificate `<name>.crt`. */
function selfSigned(name: string, oddity: Oddity = {}): void {
  const {
    algorithm = ['ED25519'],
    subject = '/CN=p2p',
    from = '20200101000000Z',
    to = '99991231235959Z',
  } = oddity
  openssl('genpkey', '-algorithm', ...algorithm, '-out', `${name}.key`)
  openssl('req', '-new', '-config', 'config', '-key', `${name}.key`, '-subj', subject, '-out', `${name}.csr`)
  const period = ['-startdate', from, '-enddate', to]
  const extensions = oddity.extensions === undefined ? [] : ['-extensions', oddity.extensions]
  const io = ['-in', `${name}.csr`, '-out', `${name}.crt`, '-keyfile', `${name}.key`]
  openssl(
    'ca',
    '-config',
    'config',
    '-selfsign',
    '-batch',
    '-notext',
    '-preserveDN',
    ...period,
    ...extensions,
    ...io,
  )
}

function keep(name: string, ...parts: readonly string[]): void {
  writeFileSync(new URL(`${name}.pem`, target), parts.map(read).join(''))
}

writeFileSync(at('config'), config)
writeFileSync(at('index.txt'), '')
try {
  const oddities: Readonly<Record<string, Oddity>> = {
    plain: {},
    rsa: { algorithm: ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048'] },
    'p-256': { algorithm: ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256'] },
    ed448: { algorithm: ['ED448'] },
    expired: { from: '20000101000000Z', to: '20010101000000Z' },
    future: { from: '29990101000000Z' },
    extension: { extensions: 'unknown' },
    usual: { extensions: 'usual' },
    large: { subject: `/CN=p2p${`/OU=${'x'.repeat(60)}`.repeat(430)}` },
  }
  for (const [name, oddity] of Object.entries(oddities)) {
    selfSigned(name, oddity)
    keep(name, `${name}.key`, `${name}.crt`)
  }
  openssl('pkey', '-in', 'plain.key', '-pubout', '-out', 'plain.pub')
  selfSigned('other')
  // The key of `plain` under the signature of another one: TLS itself is content with it.
  const forced = ['-force_pubkey', 'plain.pub', '-signkey', 'other.key', '-days', '36500']
  openssl('x509', '-new', '-subj', '/CN=p2p', ...forced, '-out', 'foreign.crt')
  keep('foreign', 'plain.key', 'foreign.crt')
  // A chain whose first certificate would do by itself, and one that another certificate has issued.
  keep('extra', 'plain.key', 'plain.crt', 'other.crt')
  keep('chain', 'plain.key', 'foreign.crt', 'other.crt')
} finally {
  rmSync(folder, { recursive: true })
}
