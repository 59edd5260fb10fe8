/**
 * What a folder of small files costs in Node when nothing is done but what was promised: TLS 1.3, a hash for each file, a flush before its name
 * and one after it. One stream, one thread at each end, no index, no listing, no resuming:
 * `bare-folder.ts serve <folder> <cert> <key>` says its port; `bare-folder.ts fetch`.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { mebibyte } from '../files.ts'
import { serve } from '../worker.ts'

const [role, folder = '', cert = '', key = ''] = process.argv.slice(2)
/** Of the name, and of the content; a hash of 32 bytes follows. */
const headBytes = 8 + 32
/** As ours does, so that a kill costs no more. */
const packFiles = 1_024

interface Listed {
  readonly name: string
  readonly hash: Buffer
}

function hashOf(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest()
}

function list(): readonly Listed[] {
  const names = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  return names.flatMap((name) => {
    const path = join(folder, name)
    return fs.statSync(path).isFile() ? [{ name, hash: hashOf(fs.readFileSync(path)) }] : []
  })
}

async function sendAll(socket: TLSSocket, files: readonly Listed[]): Promise<void> {
  let parts: Buffer[] = []
  let bytes = 0
  const send = async (): Promise<void> => {
    await new Promise((resolve) => socket.write(Buffer.concat(parts), resolve))
    parts = []
    bytes = 0
  }
  for (const { name, hash } of files) {
    const content = fs.readFileSync(join(folder, name))
    const head = Buffer.alloc(8)
    head.writeUInt32BE(Buffer.byteLength(name))
    head.writeUInt32BE(content.length, 4)
    parts.push(head, hash, Buffer.from(name), content)
    bytes += content.length
    if (bytes >= mebibyte) await send()
  }
  await send()
  socket.end()
}

function listen(): Promise<number> {
  const files = list()
  const options = { cert: fs.readFileSync(cert), key: fs.readFileSync(key), minVersion: 'TLSv1.3' } as const
  const server = createServer(options, (socket) => void sendAll(socket, files))
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

function flush(path: string): void {
  if (spawnSync('sync', ['-f', path]).status !== 0) throw new Error('sync -f failed')
}

/** Takes what is whole out of what has come. @returns the rest */
function takeFiles(come: Buffer, put: (name: string, content: Buffer) => void): Buffer {
  let at = 0
  while (come.length - at >= headBytes) {
    const nameEnd = at + headBytes + come.readUInt32BE(at)
    const end = nameEnd + come.readUInt32BE(at + 4)
    if (come.length < end) break
    const content = come.subarray(nameEnd, end)
    if (!hashOf(content).equals(come.subarray(at + 8, at + headBytes))) throw new Error('a wrong content')
    put(come.toString('utf8', at + headBytes, nameEnd), content)
    at = end
  }
  return come.subarray(at)
}

/** Writes files beside their names, and gives them these when they are on the disk. */
class Packs {
  readonly #to: string
  readonly #stage: string
  readonly #waiting: string[] = []

  constructor(to: string) {
    this.#to = to
    this.#stage = join(to, '.stage')
    fs.mkdirSync(this.#stage, { recursive: true })
  }

  put(name: string, content: Buffer): void {
    const file = fs.openSync(join(this.#stage, String(this.#waiting.length)), 'wx', 0o600)
    fs.writeSync(file, content)
    fs.futimesSync(file, 1, 1)
    fs.closeSync(file)
    this.#waiting.push(name)
    if (this.#waiting.length === packFiles) this.end()
  }

  end(): void {
    flush(this.#to)
    for (const folderName of new Set(this.#waiting.map(dirname)))
      fs.mkdirSync(join(this.#to, folderName), { recursive: true })
    for (const [number, name] of this.#waiting.entries()) {
      fs.linkSync(join(this.#stage, String(number)), join(this.#to, name))
      fs.unlinkSync(join(this.#stage, String(number)))
    }
    flush(this.#to)
    this.#waiting.length = 0
  }

  close(): void {
    this.end()
    fs.rmdirSync(this.#stage)
  }
}

async function fetchFolder({ port, to }: { readonly port: number; readonly to: string }): Promise<number> {
  const startedAt = performance.now()
  const packs = new Packs(to)
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  let rest: Buffer = Buffer.alloc(0)
  for await (const come of socket as AsyncIterable<Buffer>)
    rest = takeFiles(Buffer.concat([rest, come]), (name, content) => packs.put(name, content))
  packs.close()
  return performance.now() - startedAt
}

serve((request: never) => (role === 'serve' ? listen() : fetchFolder(request)))
