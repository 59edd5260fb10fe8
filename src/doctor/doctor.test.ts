import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { test } from 'node:test'
import { freeUdpPort } from '../../test/contracts/loopback.ts'
import { limits } from '../base/limits.ts'
import { plainPing } from './plain-ping.ts'
import { portOwner } from './port-owner.ts'
import { networkKind } from './surroundings.ts'
import { knock } from './tcp-knock.ts'

async function listening(server: Server): Promise<{ readonly address: string; readonly port: number }> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { address: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

test('a knock tells an open port from one that nobody has', async () => {
  await using server = createServer((socket) => socket.destroy())
  const to = await listening(server)
  assert.equal(await knock(to), 'open')
  server.close()
  await once(server, 'close')
  assert.equal(await knock(to), 'refused')
  const reason = new Error('enough')
  await assert.rejects(knock(to, AbortSignal.abort(reason)), reason)
})

test('a peer says ok to a plain ping; a web server, one that says too much, and silence do not', async () => {
  const bodies: readonly (readonly [string, 'answered' | 'open'])[] = [
    ['ok', 'answered'],
    ['<html>', 'open'],
    ['ok'.padEnd(limits.pingBytes * 100), 'open'],
  ]
  for (const [body, expected] of bodies) {
    await using server = createHttpServer((request, response) =>
      response.writeHead(request.url === '/ping' ? 200 : 404).end(body),
    )
    assert.equal(await plainPing(await listening(server)), expected)
  }
  await using mute = createServer((socket) => socket.on('data', () => socket.destroy()))
  assert.equal(await plainPing(await listening(mute)), 'open')
})

const skip = process.platform === 'linux' ? false : 'only Linux tells who has a port'

test('the program that has a port is named, and only then', { skip }, async () => {
  const port = await freeUdpPort()
  assert.equal(portOwner('udp', port), '')
  const script = `require('dgram').createSocket('udp4').bind(${port}, () => console.log('open'))`
  const child = spawn(process.execPath, ['-e', script])
  try {
    await once(child.stdout, 'data')
    assert.match(portOwner('udp', port), new RegExp(`^node \\(process ${child.pid}\\)$`))
    assert.equal(portOwner('tcp', port), '')
  } finally {
    child.kill()
    await once(child, 'exit')
  }
})

test('interfaces of VPNs and of containers are known by their names', () => {
  const kinds = {
    tunnel: ['tun0', 'wg0', 'utun3', 'tailscale0', 'ppp0'],
    container: ['docker0', 'br-1a2b3c', 'veth12ab', 'virbr0', 'vEthernet (WSL)'],
    physical: ['eth0', 'enp3s0', 'wlan0', 'en0', 'Ethernet', 'br0'],
  } as const
  for (const [kind, names] of Object.entries(kinds))
    for (const name of names) assert.equal(networkKind(name, false), kind, name)
  assert.equal(networkKind('lo', true), 'loopback')
})
