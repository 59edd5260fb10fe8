/** The diagnosis of the library, on loopback; the lab produces the causes. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { diagnose, multicast, startNode } from '../../src/index.ts'
import { complaintsAboutDiagnosis } from '../cli/diagnosis-schema.ts'
import { freeUdpPort, loopbackName } from '../contracts/loopback.ts'

test('a node that runs is examined, with another one beside it, and runs on', async () => {
  const explorers = [multicast({ port: await freeUdpPort(), interfaceName: loopbackName() })]
  await using here = await startNode({ port: 0, explorers })
  await using there = await startNode({ port: 0, explorers, name: 'there' })
  const diagnosis = await here.diagnose({ patienceMs: 0 })
  assert.deepEqual(complaintsAboutDiagnosis(JSON.parse(JSON.stringify(diagnosis))), [])
  const [network] = diagnosis.networks
  assert.deepEqual([network?.name, network?.kind, network?.tcp], [loopbackName(), 'loopback', 'open'])
  // What is sent to the port alone reaches the one that was bound last, on Linux.
  assert.notEqual(network?.unicast, process.platform === 'linux' ? 'heard' : '')
  const [other] = diagnosis.peers
  assert.deepEqual([other?.id, other?.name, other?.here], [there.id, 'there', true])
  assert.ok(diagnosis.findings.some(({ code }) => code === 'p2p-here'))
  await here.peers.load(there.id)
})

test('without a free port and without its interface, what is left is examined', async () => {
  await using server = createServer()
  server.listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const explorers = [multicast({ port: await freeUdpPort(), interfaceName: 'no such' })]
  const { obstacles, networks, findings } = await diagnose({ port, explorers, patienceMs: 0 })
  assert.deepEqual(
    obstacles.map(({ kind }) => kind),
    ['tcp-port-taken', 'interface-unknown'],
  )
  assert.deepEqual(networks, [])
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'problem').map(({ code }) => code),
    ['tcp-port-taken', 'interface-unknown'],
  )
})

test('whoever has enough ends it at once, and nothing stays open', async () => {
  const port = await freeUdpPort()
  const explorers = [multicast({ port, interfaceName: loopbackName() })]
  const reason = new Error('enough')
  const signal = AbortSignal.abort(reason)
  await assert.rejects(diagnose({ port: 0, explorers, signal }), reason)
  const abort = new AbortController()
  const examining = diagnose({ port: 0, explorers, signal: abort.signal })
  setTimeout(() => abort.abort(reason), 300)
  const started = performance.now()
  await assert.rejects(examining, reason)
  assert.ok(performance.now() - started < 5_000)
})
