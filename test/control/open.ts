/** A node that other processes can drive, on a LAN in memory; and ways to ask it, good and bad. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { openControl, type Control } from '../../src/control/server.ts'
import { connectNode } from '../../src/control/client.ts'
import { readEndpoint } from '../../src/control/read-endpoint.ts'
import { silentLog, type P2PNode } from '../../src/index.ts'
import { openLan, type LanNode } from '../app/lan.ts'

export interface Driven {
  readonly desk: LanNode
  readonly kitchen: LanNode
  readonly dataDir: string
  readonly control: Control
  /** The node of the desk, as another process sees it. */
  readonly remote: P2PNode
  /** The token of the loopback port. */
  readonly token: string
}

export function temporaryDir(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'p2p-control-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Two nodes that know each other, one of which is driven. */
export async function openDriven(t: TestContext): Promise<Driven> {
  const dataDir = temporaryDir(t)
  const lan = openLan()
  t.after(() => lan[Symbol.asyncDispose]())
  const desk = await lan.join('desk', { dataDir })
  const kitchen = await lan.join('kitchen')
  const control = await openControl({ node: desk.node, dataDir, version: '0', port: 0, log: silentLog })
  t.after(() => control[Symbol.asyncDispose]())
  const remote = await connectNode(dataDir)
  if (remote === undefined) throw new Error('no node was found')
  t.after(() => remote.close())
  return { desk, kitchen, dataDir, control, remote, token: readEndpoint(dataDir)?.token ?? '' }
}

/** What a program says that writes its requests by hand, and what it hears until the connection ends. */
export async function sayRaw(where: { path: string } | { port: number }, request: string): Promise<string> {
  const socket = 'path' in where ? connect(where.path) : connect(where.port, '127.0.0.1')
  await once(socket, 'connect')
  let heard = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    heard += text
  })
  socket.on('error', () => {})
  socket.write(request)
  await once(socket, 'close')
  return heard
}

/** The status of a raw answer. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)
}
