/** U10 on a whole node: what a stranger claims is neither dialled, nor pinged, nor looked up. */
import assert from 'node:assert/strict'
import dns from 'node:dns'
import { once } from 'node:events'
import { createConnection, createServer, Socket, type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'

import { limits } from '../../src/base/limits.ts'
import { KeyPair } from '../../src/identity/key-pair.ts'
import { ping } from '../../src/transport/peer-client.ts'
import { inventId, openNode, upgradeWith } from '../app/nodes.ts'

const inward = [
  '127.0.0.1',
  '0.0.0.0',
  '::1',
  '::ffff:127.0.0.1',
  '169.254.169.254',
  '224.0.0.251',
  '255.255.255.255',
  '192.168.1.1:80',
  '0x7f.1',
  '010.0.0.1',
  '2130706433',
  'fe80::1%eth0',
  'localhost',
  'evil.example',
  '9'.repeat(limits.claimedIpLength),
]

/** Every host that this process connects to and every name it looks up, from now on. */
function watchCalls(t: TestContext): { readonly hosts: string[]; readonly names: string[] } {
  const hosts: string[] = []
  const names: string[] = []
  const connect = Reflect.get(Socket.prototype, 'connect') as (...args: unknown[]) => unknown
  t.mock.method(Socket.prototype, 'connect', function (this: Socket, ...args: unknown[]) {
    const [first] = args
    const options = (Array.isArray(first) ? first[0] : first) as { readonly host?: string }
    hosts.push(options.host ?? '')
    return Reflect.apply(connect, this, args)
  })
  const { lookup } = dns
  t.mock.method(dns, 'lookup', (...args: unknown[]) => {
    names.push(String(args[0]))
    return Reflect.apply(lookup, dns, args)
  })
  return { hosts, names }
}

test('U10: connect, load and a goodbye go to where the claim came from, never to what it claims', async (t) => {
  await using stranger = await openNode()
  const { node, hearsay } = stranger
  const { hosts, names } = watchCalls(t)
  // An address of loopback where nobody listens, so that all ends at once.
  const source = '127.0.0.9'
  for (const ip of inward) {
    const { id, key } = KeyPair.make()
    const claim = { id, port: 1, ip, isPublicIp: true }
    hearsay.tell(claim, source)
    const { address, paths } = node.peers.get(id)
    assert.deepEqual([address, paths.length], [source, 1], ip)
    await assert.rejects(node.connect(id), { code: 'peer-unreachable' })
    await assert.rejects(node.peers.load(id), { code: 'peer-unreachable' })
    const lost = new Promise((resolve) => node.on('peer:lost', resolve))
    hearsay.tell({ ...claim, upgrade: { ...upgradeWith(key)!, leaving: true } }, source)
    await lost
  }
  assert.equal(hosts.length, 3 * inward.length, 'a dial, a question and a ping for each')
  assert.deepEqual([...new Set(hosts)], [source])
  assert.deepEqual(names, [])
})

test('U10 twin: a claim that is not checked reaches a service of this machine, and the names of the network', async (t) => {
  const service = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  const { port } = service.address() as AddressInfo
  const { hosts, names } = watchCalls(t)
  await ping({ address: '127.0.0.1', port }, { limits, id: inventId(1), credentials: KeyPair.make() })
  assert.deepEqual(hosts, ['127.0.0.1'])
  // A name is refused once more where connections are opened: without that, this is what would be done.
  await once(createConnection({ host: 'localhost', port }), 'close')
  service.close()
  assert.deepEqual(hosts, ['127.0.0.1', 'localhost'])
  assert.deepEqual(names, ['localhost'])
})
