/** What the programs of the figures of files are asked to do, and what all of them need. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PeerId } from '../src/index.ts'

export type FileNodeRequest =
  /** Answers with the ID of the node. */
  | { readonly kind: 'start'; readonly udp: number; readonly interfaceName?: string }
  /** Answers when all of it is hashed, with the milliseconds that took. */
  | { readonly kind: 'share'; readonly path: string }
  | { readonly kind: 'meet'; readonly id: PeerId }
  /** Answers when it is done, with the milliseconds that took. */
  | { readonly kind: 'get'; readonly id: PeerId; readonly path: string; readonly to: string }
  /** Begins, and answers when at least this many bytes are there. */
  | {
      readonly kind: 'begin'
      readonly id: PeerId
      readonly path: string
      readonly to: string
      readonly bytes: number
    }
  /** Answers with the milliseconds between the first sight of a peer and the first new bytes of the transfer that was begun. */
  | { readonly kind: 'resumed' }
  /** Talks until the transfer into the other node ends, 20 messages a second; answers with the milliseconds of each round trip. */
  | { readonly kind: 'talk'; readonly id: PeerId; readonly forMs: number }
  /** Answers with the peak of resident memory since the last such request, in MiB. */
  | { readonly kind: 'peak' }

export const mebibyte = 1024 * 1024

/** A folder on the disk for what is sent and what is received. */
export function scratch(): Disposable & { readonly path: string; file(name: string): string } {
  const path = mkdtempSync(join(process.env['P2P_BENCH_FOLDER'] ?? tmpdir(), 'p2p-bench-files-'))
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

/** A file that cannot be compressed, and is in memory already when it is read. */
export function makeFile(path: string, sizeBytes: number): void {
  const block = randomBytes(mebibyte)
  const file = openSync(path, 'w')
  for (let at = 0; at < sizeBytes; at += mebibyte) {
    block.writeUInt32LE(at / mebibyte)
    writeSync(file, block, 0, Math.min(mebibyte, sizeBytes - at))
  }
  closeSync(file)
}

/** Files of the same size, a hundred in a folder. */
export function makeFolder(path: string, files: number, sizeBytes: number): void {
  for (let number = 0; number < files; number++) {
    const folder = join(path, `folder ${String(Math.floor(number / 100)).padStart(4, '0')}`)
    if (number % 100 === 0) mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `file ${String(number).padStart(6, '0')}.bin`), randomBytes(sizeBytes))
  }
}

/** Whether two files or folders have the same content. */
export function assertSame(a: string, b: string): void {
  const { status, stdout } = spawnSync('diff', ['-rq', a, b], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${a} and ${b} differ: ${stdout}`)
}

/** What is not on the disk yet is written, so that one run does not pay for the one before. */
export function settleDisk(): void {
  execFileSync('sync')
}

/** Whether a program is installed; a figure that needs it says so otherwise. */
export function has(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}

/** A program that serves until it is disposed; resolves when its port answers. */
export async function serving(
  command: string,
  args: readonly string[],
  port: number,
): Promise<AsyncDisposable> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  for (let tries = 0; !(await answers(port)); tries++) {
    if (child.exitCode !== null || tries > 200) throw new Error(`${command} does not serve`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      if (child.exitCode !== null) return
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    },
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** A certificate as nginx wants it. */
export function makeCertificate(folder: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const name = ['-subj', '/CN=p2p', '-days', '2']
  const algorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  execFileSync('openssl', ['req', '-x509', ...algorithm, '-nodes', '-keyout', key, '-out', cert, ...name], {
    stdio: 'ignore',
  })
  return { cert, key }
}

/** nginx that serves a folder over TLS 1.3. */
export async function startNginx(folder: string, port: number): Promise<AsyncDisposable> {
  const { cert, key } = makeCertificate(folder)
  const config = join(folder, 'nginx.conf')
  writeFileSync(
    config,
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log; user root;
events { worker_connections 64; }
http { access_log off; sendfile on; client_body_temp_path ${folder}/t1; proxy_temp_path ${folder}/t2; fastcgi_temp_path ${folder}/t3;
uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5;
server { listen 127.0.0.1:${port} ssl; ssl_protocols TLSv1.3; ssl_certificate ${cert}; ssl_certificate_key ${key}; root ${folder}; } }`,
  )
  return await serving('nginx', ['-c', config, '-p', folder], port)
}

/** Runs a command to its end. @returns the milliseconds it took */
export async function timedCommand(command: string, args: readonly string[]): Promise<number> {
  const startedAt = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const status = await new Promise((resolve) => child.once('exit', resolve))
  if (status !== 0) throw new Error(`${command} ended with ${String(status)}`)
  return performance.now() - startedAt
}
