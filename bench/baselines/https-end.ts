/**
 * A bare download over TLS 1.3 with buffers driven by hand at both ends and no check: `https-end.ts serve <file> <cert> <key>` says
 * its port; `https-end.ts fetch`.
 */
import { open } from 'node:fs/promises'
import { readFileSync, statSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, OnReadOpts } from 'node:net'
import { connect } from 'node:tls'
import { mebibyte } from '../files.ts'
import { serve } from '../worker.ts'

const [role, path = '', cert = '', key = ''] = process.argv.slice(2)
const buffers = 4

async function sendFile(response: ServerResponse): Promise<void> {
  const { size } = statSync(path)
  response.writeHead(200, { 'Content-Length': size })
  await using file = await open(path)
  const free = Array.from({ length: buffers }, () => Buffer.allocUnsafe(mebibyte))
  let freed: (() => void) | undefined
  for (let at = 0; at < size;) {
    const buffer = free.pop()
    if (buffer === undefined) {
      await new Promise<void>((resolve) => (freed = resolve))
      continue
    }
    const { bytesRead } = await file.read(buffer, 0, mebibyte, at)
    at += bytesRead
    response.write(buffer.subarray(0, bytesRead), () => {
      free.push(buffer)
      freed?.()
    })
  }
  response.end()
}

function listen(): Promise<number> {
  const options = { cert: readFileSync(cert), key: readFileSync(key), minVersion: 'TLSv1.3' } as const
  const server = createServer(options, (_, response) => void sendFile(response))
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

async function fetchFile({ port, to }: { readonly port: number; readonly to: string }): Promise<number> {
  const startedAt = performance.now()
  await using file = await open(to, 'w')
  const free = Array.from({ length: buffers + 3 }, () => Buffer.allocUnsafe(mebibyte))
  let slab = free.pop() ?? Buffer.allocUnsafe(mebibyte)
  let filled = 0
  let at = 0
  let head = ''
  let size = Infinity
  let written = 0
  const { promise: finished, resolve: done } = Promise.withResolvers<void>()
  const put = (): void => {
    const full = slab
    const bytes = filled
    slab = free.pop() ?? Buffer.allocUnsafe(mebibyte)
    filled = 0
    if (free.length < 3) socket.pause()
    void file.write(full, 0, bytes, at).then(() => {
      free.push(full)
      written += bytes
      if (free.length >= 3) socket.resume()
      if (written === size) done()
    })
    at += bytes
  }
  const take = (count: number): void => {
    filled += count
    if (size === Infinity) {
      head += slab.toString('latin1', 0, filled)
      const end = slab.indexOf('\r\n\r\n')
      if (end === -1) throw new Error('a head in two pieces')
      size = Number(/content-length: (\d+)/i.exec(head)?.[1])
      slab.copyWithin(0, end + 4, filled)
      filled -= end + 4
    }
    if (filled === mebibyte || at + filled === size) put()
  }
  const onread: OnReadOpts = {
    buffer: () => slab.subarray(filled),
    callback: (count) => {
      take(count)
      return true
    },
  }
  // The types do not know that a TLS socket takes it too.
  const options = { port, host: '127.0.0.1', rejectUnauthorized: false, onread }
  const socket = connect(options, () =>
    socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'),
  )
  await finished
  socket.destroy()
  return performance.now() - startedAt
}

serve((request: never) => (role === 'serve' ? listen() : fetchFile(request)))
